/**
 * Client certificates: CN is the user, each O a group. A certificate is verified once and remembered by object, so the
 * connection layer must hand over the same X509Certificate for every request of a connection.
 * Upstream: apiserver pkg/authentication/request/x509/x509.go.
 */
import { createHash, type X509Certificate } from 'node:crypto'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { InvalidCredentialError } from './errors.ts'
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from './interfaces.ts'
import { parseCertificates, readCertificate } from './pki/certificate.ts'
import { type DecodedName, decodeName, OID } from './pki/names.ts'
import { createUser, EXTRA_CREDENTIAL_ID } from './user.ts'

const CHAIN_LENGTH_MAX = 5

interface Verified {
  readonly subject: DecodedName
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** Signature, purpose and chain are checked once per certificate object, the dates every time. Throws InvalidCredentialError. */
export class CertificateVerifier {
  readonly #authorities: readonly X509Certificate[]
  readonly #clock: Clock
  readonly #verified = new WeakMap<X509Certificate, Verified | InvalidCredentialError>()

  /** `caBundle` is PEM. */
  constructor(caBundle: string, clock: Clock) {
    this.#authorities = parseCertificates(caBundle)
    this.#clock = clock
  }

  verify(certificate: X509Certificate): DecodedName {
    let outcome = this.#verified.get(certificate)
    if (outcome === undefined) {
      outcome = this.#inspect(certificate)
      this.#verified.set(certificate, outcome)
    }
    if (outcome instanceof InvalidCredentialError) throw outcome
    const nowMs = this.#clock.nowMs()
    if (nowMs < outcome.notBeforeMs) throw new InvalidCredentialError('x509: certificate is not yet valid')
    if (nowMs > outcome.notAfterMs) throw new InvalidCredentialError('x509: certificate has expired')
    return outcome.subject
  }

  #inspect(certificate: X509Certificate): Verified | InvalidCredentialError {
    try {
      const dates = this.#verifyChain(certificate)
      if (!isForClients(certificate)) {
        return new InvalidCredentialError('x509: certificate specifies an incompatible key usage')
      }
      return { subject: decodeName(readCertificate(certificate.raw).subject), ...dates }
    } catch (err: unknown) {
      return err instanceof InvalidCredentialError ? err : new InvalidCredentialError(`x509: ${errorMessage(err)}`)
    }
  }

  /** The dates in which every certificate up to a trusted one is valid. */
  #verifyChain(leaf: X509Certificate): { notBeforeMs: number; notAfterMs: number } {
    let notBeforeMs = 0
    let notAfterMs = Number.MAX_SAFE_INTEGER
    let current = leaf
    for (let length = 1; length <= CHAIN_LENGTH_MAX; length++) {
      notBeforeMs = Math.max(notBeforeMs, Date.parse(current.validFrom))
      notAfterMs = Math.min(notAfterMs, Date.parse(current.validTo))
      const root = this.#authorities.find((authority) => isIssuedBy(current, authority))
      if (root !== undefined) {
        return {
          notBeforeMs: Math.max(notBeforeMs, Date.parse(root.validFrom)),
          notAfterMs: Math.min(notAfterMs, Date.parse(root.validTo)),
        }
      }
      // Sent along by the client; it counts only if a trusted CA issued it in turn.
      const intermediate = current.issuerCertificate
      if (intermediate === undefined || intermediate === current || !isIssuedBy(current, intermediate)) break
      current = intermediate
    }
    throw new InvalidCredentialError('x509: certificate signed by unknown authority')
  }
}

/** Without any extended key usage a certificate is for everything: what `openssl x509 -req` makes by default. */
function isForClients({ keyUsage }: X509Certificate): boolean {
  return keyUsage === undefined || keyUsage.includes(OID.clientAuth) || keyUsage.includes(OID.anyExtendedKeyUsage)
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

export function createX509Authenticator(options: { readonly clientCa: string; readonly clock: Clock }): Authenticator {
  const verifier = new CertificateVerifier(options.clientCa, options.clock)
  const results = new WeakMap<X509Certificate, AuthenticationResult>()
  return {
    authenticate({ peerCertificate }: AuthenticationRequest): AuthenticationResult | undefined {
      if (peerCertificate === undefined) return undefined
      const subject = verifier.verify(peerCertificate)
      if (subject.commonName === '') return undefined
      let result = results.get(peerCertificate)
      if (result === undefined) {
        result = resultOf(peerCertificate, subject)
        results.set(peerCertificate, result)
      }
      return result
    },
  }
}

function resultOf(certificate: X509Certificate, subject: DecodedName): AuthenticationResult {
  if (subject.uids.length > 1) throw new InvalidCredentialError('x509: certificate names more than one UID')
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex')
  const extra = new Map([[EXTRA_CREDENTIAL_ID, [`X509SHA256=${fingerprint}`]]])
  const user = createUser(subject.commonName, {
    uid: subject.uids[0] ?? '',
    groups: subject.organizations,
    extra,
  })
  return { user }
}
