/**
 * Acting as somebody else, each part of the identity authorized on its own.
 * Upstream: apiserver pkg/endpoints/filters/impersonation/constrained_impersonation.go.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import type { Authorizer } from '../authorization/interfaces.ts'
import type { ApiRequest } from '../server/interfaces.ts'
import { headersWithPrefix } from './authentication.ts'
import { attributesOf } from './authorization.ts'
import type { WantedUser } from './impersonation-modes.ts'
import { impersonatedUser, MODES } from './impersonation-modes.ts'
import type { ApiCall, Handler } from './interfaces.ts'

const EXTRA_PREFIX = 'impersonate-extra-'
/** Requestors whose way in is remembered, so that the old verb costs them no more than before. */
const REMEMBERED_MAX = 1000

export function withImpersonation(next: Handler, authorizer: Authorizer): Handler {
  const lastMode = new Map<string, number>()
  return (call) => {
    if (!isImpersonating(call.request.headers)) return next(call)
    return impersonate(call, next, authorizer, lastMode)
  }
}

function isImpersonating(headers: ApiRequest['headers']): boolean {
  if (headers['impersonate-user'] !== undefined) return true
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}

async function impersonate(call: ApiCall, next: Handler, authorizer: Authorizer, lastMode: Map<string, number>) {
  const { user, constraint } = await firstAllowed(call, wantedUser(call.request.headers), authorizer, lastMode)
  call.user = user
  call.audit?.recordImpersonation(user, constraint)
  return next(call)
}

/** The mode that worked last is tried first; when none works, the first refusal is told. */
async function firstAllowed(
  call: ApiCall,
  wanted: WantedUser,
  authorizer: Authorizer,
  lastMode: Map<string, number>,
): Promise<{ readonly user: UserInfo; readonly constraint: string }> {
  const attributes = attributesOf(call, call.info.verb)
  const requestor = call.user.name
  const last = lastMode.get(requestor)
  const order = [...MODES.keys()].sort((a, b) => Number(b === last) - Number(a === last))
  let refusal: unknown
  for (const index of order) {
    const mode = MODES[index]
    if (mode === undefined) continue
    try {
      const user = await impersonatedUser(mode, wanted, attributes, authorizer)
      if (user === undefined) continue
      if (lastMode.size >= REMEMBERED_MAX) lastMode.clear()
      lastMode.set(requestor, index)
      return { user, constraint: mode.name === '' ? '' : `impersonate:${mode.name}` }
    } catch (err: unknown) {
      refusal ??= err
    }
  }
  throw refusal
}

function wantedUser(headers: ApiRequest['headers']): WantedUser {
  const name = headers['impersonate-user'] ?? ''
  if (name === '') {
    throw newBadRequest('requested impersonation of groups, uid or extra without impersonating a user')
  }
  // Node joins repeated headers with a comma and a blank.
  const groups = (headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '')
  return { name, uid: headers['impersonate-uid'] ?? '', groups, extra: extraOf(headers) }
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
