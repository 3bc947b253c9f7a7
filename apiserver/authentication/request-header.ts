/**
 * A trusted front proxy names the user in headers. It is believed only with a client certificate from the request-header
 * CA and an allowed common name; without one the headers are ignored.
 * Upstream: apiserver pkg/authentication/request/headerrequest.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { InvalidCredentialError } from './errors.ts'
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from './interfaces.ts'
import { createUser } from './user.ts'
import { CertificateVerifier } from './x509.ts'

export interface RequestHeaderOptions {
  /** PEM bundle. */
  readonly requestHeaderCa: string
  /** Common names of proxies; empty = any that the CA has certified. */
  readonly allowedNames: readonly string[]
  readonly clock: Clock
}

const USERNAME_HEADER = 'x-remote-user'
const UID_HEADER = 'x-remote-uid'
const GROUP_HEADER = 'x-remote-group'
const EXTRA_PREFIX = 'x-remote-extra-'

export function createRequestHeaderAuthenticator(options: RequestHeaderOptions): Authenticator {
  const verifier = new CertificateVerifier(options.requestHeaderCa, options.clock)
  const allowedNames = new Set(options.allowedNames)
  return {
    authenticate(request: AuthenticationRequest): AuthenticationResult | undefined {
      const name = request.header(USERNAME_HEADER)?.trim()
      if (name === undefined || name === '' || request.peerCertificate === undefined) return undefined
      const { commonName } = verifier.verify(request.peerCertificate)
      if (allowedNames.size > 0 && !allowedNames.has(commonName)) {
        throw new InvalidCredentialError(`x509: subject with cn=${commonName} is not in the allowed list`)
      }
      const uid = request.header(UID_HEADER)?.trim() ?? ''
      const groups = splitList(request.header(GROUP_HEADER) ?? '')
      return { user: createUser(name, { uid, groups, extra: extraOf(request) }) }
    },
  }
}

function extraOf(request: AuthenticationRequest): Map<string, string[]> {
  const extra = new Map<string, string[]>()
  for (const [name, value] of request.headersWithPrefix(EXTRA_PREFIX)) {
    const key = unescapeKey(name.slice(EXTRA_PREFIX.length).toLowerCase())
    extra.set(key, [...(extra.get(key) ?? []), ...splitList(value)])
  }
  return extra
}

/** Several header lines arrive joined by commas (RFC 9110 5.3). */
function splitList(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
