/**
 * PKCS #10 certificate signing requests: reads one, checks its signature, issues what it asks for.
 * Only subject, public key and subject alternative names are taken from a request; usage and lifetime are the signer's.
 * Reference: RFC 2986.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type CertificateUsage, type Issuer, issueCertificate, type SubjectAltNames } from './certificate.ts'
import { DerError, type DerValue, decode, expectTag, members, readBitString, readObjectIdentifier, TAG } from './der.ts'
import { decodeName, OID, type SubjectName } from './names.ts'

export interface SigningRequest {
  readonly subject: SubjectName
  readonly publicKey: KeyObject
  readonly altNames: SubjectAltNames
  /** Alternative names of kinds that are never issued. */
  readonly otherNames: { readonly emails: readonly string[]; readonly uris: readonly string[] }
}

const REQUEST_BYTES_MAX = 64 * 1024
const PEM_REQUEST = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END/

const HASHES: ReadonlyMap<string, string | null> = new Map([
  [OID.ecdsaWithSha256, 'sha256'],
  [OID.ecdsaWithSha384, 'sha384'],
  [OID.ecdsaWithSha512, 'sha512'],
  [OID.sha256WithRsa, 'sha256'],
  [OID.ed25519, null],
])

/** Throws DerError when the request is malformed or not signed by the key it names. */
export function parseSigningRequest(pem: string): SigningRequest {
  if (pem.length > REQUEST_BYTES_MAX) throw new DerError(`the request is larger than ${REQUEST_BYTES_MAX} bytes`)
  const { signed, publicKey, algorithm, signature } = signedParts(pem)
  const [, subject, , ...attributes] = members(signed)
  const hash = hashOf(algorithm)
  if (!verify(hash, signed.encoded, publicKey, signature)) throw new DerError('the signature is not of this key')
  const name = decodeName(expectTag(subject, TAG.sequence, 'the subject').encoded)
  return {
    subject: { commonName: name.commonName, organizations: name.organizations },
    publicKey,
    ...requestedAltNames(attributes),
  }
}

/** Of RSA, ECDSA and Ed25519 keys. */
const FAILED_VERIFICATIONS: ReadonlyMap<string, string> = new Map([
  ['rsa', 'crypto/rsa: verification error'],
  ['ec', 'x509: ECDSA verification failure'],
  ['ed25519', 'x509: Ed25519 verification failure'],
])
const PEM_EXACTLY = /-----BEGIN CERTIFICATE REQUEST-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE REQUEST-----/

/**
 * Why a request cannot be taken, as Go says it; undefined for one that is whole and signed, or signed in a way that cannot be
 * checked here. What is malformed is said in words of our own.
 */
export function signingRequestProblem(pem: string): string | undefined {
  if (!PEM_EXACTLY.test(pem)) return 'PEM block type must be CERTIFICATE REQUEST'
  try {
    return signatureProblem(signedParts(pem))
  } catch (err) {
    const why = err instanceof DerError ? `: ${err.message}` : ''
    return `x509: malformed certificate request${why}`
  }
}

interface SignedParts {
  readonly signed: DerValue
  readonly publicKey: KeyObject
  readonly algorithm: DerValue
  readonly signature: Uint8Array
}

function signedParts(pem: string): SignedParts {
  const body = PEM_REQUEST.exec(pem)?.[1]
  if (body === undefined) throw new DerError('PEM block type must be CERTIFICATE REQUEST')
  const [info, algorithm, signature] = members(decode(Buffer.from(body, 'base64')))
  const signed = expectTag(info, TAG.sequence, 'the request')
  const [, subject, spki] = members(signed)
  expectTag(subject, TAG.sequence, 'the subject')
  return {
    signed,
    publicKey: importPublicKey(expectTag(spki, TAG.sequence, 'the public key')),
    algorithm: expectTag(algorithm, TAG.sequence, 'the signature algorithm'),
    signature: readBitString(expectTag(signature, TAG.bitString, 'the signature')),
  }
}

function signatureProblem({ signed, publicKey, algorithm, signature }: SignedParts): string | undefined {
  const [oid] = members(algorithm)
  const hash = oid === undefined ? undefined : HASHES.get(readObjectIdentifier(oid))
  if (hash === undefined || verify(hash, signed.encoded, publicKey, signature)) return undefined
  return FAILED_VERIFICATIONS.get(publicKey.asymmetricKeyType ?? '')
}

export function signSigningRequest(
  request: SigningRequest,
  issuer: Issuer,
  options: {
    readonly usage: Exclude<CertificateUsage, 'ca'>
    readonly serialNumber: Uint8Array
    readonly notBefore: Date
    readonly notAfter: Date
    readonly keyUsages?: readonly string[]
  },
): string {
  const { subject, publicKey, altNames } = request
  return issueCertificate({ subject, publicKey, altNames, ...options }, issuer)
}

function importPublicKey(spki: DerValue): KeyObject {
  try {
    return createPublicKey({ key: spki.encoded, format: 'der', type: 'spki' })
  } catch {
    throw new DerError('the public key cannot be read')
  }
}

function hashOf(algorithm: DerValue): string | null {
  const [oid] = members(algorithm)
  const hash = oid === undefined ? undefined : HASHES.get(readObjectIdentifier(oid))
  if (hash === undefined) throw new DerError('unsupported signature algorithm')
  return hash
}

function requestedAltNames(attributes: readonly DerValue[]): Pick<SigningRequest, 'altNames' | 'otherNames'> {
  const extensions = attributes.filter(({ tag }) => tag === 0xa0).flatMap(requestedExtensions)
  const value = extensions.find(({ oid }) => oid === OID.subjectAltName)?.value
  if (value === undefined) return { altNames: { dns: [], ips: [] }, otherNames: { emails: [], uris: [] } }
  const names = members(expectTag(decode(value), TAG.sequence, 'the alternative names'))
  const textsOf = (wanted: number): string[] =>
    names.filter(({ tag }) => tag === wanted).map(({ content }) => content.toString('latin1'))
  return {
    altNames: {
      dns: textsOf(0x82),
      ips: names.filter(({ tag }) => tag === 0x87).map(({ content }) => ipText(content)),
    },
    otherNames: { emails: textsOf(0x81), uris: textsOf(0x86) },
  }
}

function requestedExtensions(wrapper: DerValue): { readonly oid: string; readonly value: Buffer }[] {
  const found: { readonly oid: string; readonly value: Buffer }[] = []
  for (const attribute of members(wrapper)) {
    const [type, values] = members(attribute)
    if (type === undefined || values === undefined || readObjectIdentifier(type) !== OID.extensionRequest) continue
    for (const list of members(values)) {
      for (const entry of members(list)) {
        const parts = members(entry)
        const [oid] = parts
        if (oid === undefined) continue
        const value = expectTag(parts.at(-1), TAG.octetString, 'an extension value').content
        found.push({ oid: readObjectIdentifier(oid), value })
      }
    }
  }
  return found
}

function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.')
  if (bytes.length !== 16) throw new DerError('an IP address of neither 4 nor 16 bytes')
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(i).toString(16))
  return groups.join(':')
}
