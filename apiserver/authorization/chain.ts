/**
 * The server's authorizer: system:masters may do everything, everybody may ask for health and version, anonymous may do
 * nothing else, the rest is the Node authorizer's and RBAC's. The first three need no cache, so they hold while the
 * server starts.
 * Upstream: apiserver pkg/authorization/{union,path,authorizerfactory}. Differs: anonymous is limited to those paths even
 * if a binding names it (upstream needs an AuthenticationConfiguration for that).
 */
import { GROUP_MASTERS, GROUP_UNAUTHENTICATED } from '../authentication/interfaces.ts'
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from './interfaces.ts'

/** Without promises: what RBAC and everything before it offer. */
export interface SyncAuthorizer extends Authorizer {
  authorize(attributes: AuthorizationAttributes): AuthorizationDecision
}

const ALLOW: AuthorizationDecision = Object.freeze({ decision: 'Allow', reason: '' })
const ANONYMOUS_DENIED: AuthorizationDecision = Object.freeze({
  decision: 'Deny',
  reason: 'anonymous requests are limited to health and version',
})

const PUBLIC_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/'])

/** `authorizers` in the order they are asked: the first with an opinion decides, else their reasons are joined. */
export function createAuthorizer(...authorizers: readonly SyncAuthorizer[]): SyncAuthorizer {
  return {
    authorize(attributes) {
      const { user, isResourceRequest, verb, path } = attributes
      if (user.groups.includes(GROUP_MASTERS)) return ALLOW
      if (!isResourceRequest && (verb === 'get' || verb === 'head') && PUBLIC_PATHS.has(path)) return ALLOW
      if (user.groups.includes(GROUP_UNAUTHENTICATED)) return ANONYMOUS_DENIED
      return firstOpinion(authorizers, attributes)
    },
  }
}

function firstOpinion(
  authorizers: readonly SyncAuthorizer[],
  attributes: AuthorizationAttributes,
): AuthorizationDecision {
  let reason = ''
  let errors: string | undefined
  for (const authorizer of authorizers) {
    const outcome = authorizer.authorize(attributes)
    if (outcome.decision !== 'NoOpinion') return outcome
    if (outcome.reason !== '') reason = reason === '' ? outcome.reason : `${reason}\n${outcome.reason}`
    errors ??= outcome.evaluationError
  }
  return { decision: 'NoOpinion', reason, ...(errors === undefined ? {} : { evaluationError: errors }) }
}
