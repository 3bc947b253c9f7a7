/** Who sends a request. Upstream: apiserver pkg/authentication/{user,authenticator}. */
import type { X509Certificate } from 'node:crypto'

export interface UserInfo {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: ReadonlyMap<string, readonly string[]>
}

/** What an authenticator may look at. */
export interface AuthenticationRequest {
  /** Value of the Authorization header, '' when absent. */
  readonly authorization: string
  /** Leaf first, already verified against no CA: the authenticator verifies. Undefined without a client certificate. */
  readonly peerCertificate: X509Certificate | undefined
  header(name: string): string | undefined
  headersWithPrefix(prefix: string): readonly (readonly [name: string, value: string])[]
  readonly audiences?: readonly string[]
}

export interface AuthenticationResult {
  readonly user: UserInfo
  /** Audiences the credential is valid for, when it is audience-bound. */
  readonly audiences?: readonly string[]
  readonly notes?: CredentialNotes
}

/** What there is to say about credentials, good or refused. */
export interface CredentialNotes {
  /** Of the audit event. */
  readonly annotations: ReadonlyMap<string, string>
  /** For the client. */
  readonly warning?: string
}

export interface Authenticator {
  /**
   * The identity; undefined when this credential is not of this authenticator's kind. Throws when it is, but invalid
   * (bad signature, expired, revoked): the chain then answers 401 even if anonymous access is on.
   * Synchronous results keep the hot path free of promises.
   */
  authenticate(
    request: AuthenticationRequest,
  ): AuthenticationResult | undefined | Promise<AuthenticationResult | undefined>
}

export const GROUP_AUTHENTICATED = 'system:authenticated'
export const GROUP_UNAUTHENTICATED = 'system:unauthenticated'
export const GROUP_MASTERS = 'system:masters'
export const USER_ANONYMOUS = 'system:anonymous'
