/**
 * Acting as somebody else, each part of the identity authorized on its own.
 * Upstream: apiserver pkg/endpoints/filters/impersonation/.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import { GROUP_AUTHENTICATED, GROUP_UNAUTHENTICATED, USER_ANONYMOUS } from '../authentication/interfaces.ts'
import type { AuthorizationAttributes, Authorizer } from '../authorization/interfaces.ts'
import type { ApiRequest } from '../server/interfaces.ts'
import { headersWithPrefix } from './authentication.ts'
import { forbidden } from './authorization.ts'
import type { ApiCall, Handler } from './interfaces.ts'

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/
const EXTRA_PREFIX = 'impersonate-extra-'

interface ImpersonationTarget {
  readonly user: UserInfo
  /** Each must be allowed with the verb `impersonate`. */
  readonly checks: readonly Pick<
    AuthorizationAttributes,
    'apiGroup' | 'resource' | 'subresource' | 'namespace' | 'name'
  >[]
}

export function withImpersonation(next: Handler, authorizer: Authorizer): Handler {
  return (call) => {
    if (!isImpersonating(call.request.headers)) return next(call)
    return impersonate(call, next, authorizer)
  }
}

function isImpersonating(headers: ApiRequest['headers']): boolean {
  if (headers['impersonate-user'] !== undefined) return true
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}

async function impersonate(call: ApiCall, next: Handler, authorizer: Authorizer) {
  const target = targetOf(call.request.headers)
  for (const check of target.checks) {
    const attributes: AuthorizationAttributes = {
      ...check,
      user: call.user,
      verb: 'impersonate',
      isResourceRequest: true,
      apiVersion: 'v1',
      path: '',
    }
    const decision = await authorizer.authorize(attributes)
    if (decision.decision !== 'Allow') throw forbidden(attributes, decision.reason)
  }
  call.user = target.user
  return next(call)
}

function targetOf(headers: ApiRequest['headers']): ImpersonationTarget {
  const name = headers['impersonate-user'] ?? ''
  if (name === '') {
    throw newBadRequest('requested impersonation of groups, uid or extra without impersonating a user')
  }
  const uid = headers['impersonate-uid'] ?? ''
  // Node joins repeated headers with a comma and a blank.
  const requested = (headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '')
  const extra = extraOf(headers)
  const account = SERVICE_ACCOUNT.exec(name)
  const groups =
    requested.length > 0 || account === null
      ? requested
      : ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`]
  const implied = name === USER_ANONYMOUS ? GROUP_UNAUTHENTICATED : GROUP_AUTHENTICATED
  const core = { apiGroup: '', subresource: '', namespace: '' }
  const authentication = { ...core, apiGroup: 'authentication.k8s.io' }
  const checks: ImpersonationTarget['checks'][number][] = [
    account === null
      ? { ...core, resource: 'users', name }
      : { ...core, resource: 'serviceaccounts', namespace: account[1] ?? '', name: account[2] ?? '' },
  ]
  for (const group of requested) checks.push({ ...core, resource: 'groups', name: group })
  if (uid !== '') checks.push({ ...authentication, resource: 'uids', name: uid })
  for (const [key, values] of extra) {
    for (const value of values) {
      checks.push({ ...authentication, resource: 'userextras', subresource: key, name: value })
    }
  }
  return { user: { name, uid, groups: groups.includes(implied) ? groups : [...groups, implied], extra }, checks }
}

function extraOf(headers: ApiRequest['headers']): Map<string, readonly string[]> {
  const extra = new Map<string, readonly string[]>()
  for (const [header, value] of headersWithPrefix(headers, EXTRA_PREFIX)) {
    const key = unescapeKey(header.slice(EXTRA_PREFIX.length))
    extra.set(
      key,
      value.split(',').map((part) => part.trim()),
    )
  }
  return extra
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
