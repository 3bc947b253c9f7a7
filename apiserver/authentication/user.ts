/** Making UserInfo values. Identities are shared between requests, so they are frozen. */
import { GROUP_UNAUTHENTICATED, USER_ANONYMOUS, type UserInfo } from './interfaces.ts'

const NO_EXTRA: ReadonlyMap<string, readonly string[]> = new Map()

export function createUser(
  name: string,
  fields: {
    readonly uid?: string
    readonly groups?: readonly string[]
    readonly extra?: ReadonlyMap<string, readonly string[]>
  } = {},
): UserInfo {
  const { uid = '', groups = [], extra = NO_EXTRA } = fields
  return Object.freeze({ name, uid, groups: Object.freeze([...groups]), extra })
}

export const ANONYMOUS_USER: UserInfo = createUser(USER_ANONYMOUS, { groups: [GROUP_UNAUTHENTICATED] })

/** Extra key that ties audit lines of one credential together. */
export const EXTRA_CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id'
