/** May they? Upstream: apiserver pkg/endpoints/filters/authorization.go, handlers/responsewriters/errors.go. */
import type { StatusError } from '#machinery/meta/errors.ts'
import { newForbidden } from '#machinery/meta/errors.ts'
import type { Annotate } from '../audit/interfaces.ts'
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from '../authorization/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'

export function withAuthorization(next: Handler, authorizer: Authorizer): Handler {
  const proceed = (call: ApiCall, attributes: AuthorizationAttributes, decision: AuthorizationDecision) => {
    if (call.annotate !== undefined) annotateDecision(call.annotate, decision)
    requireAllowed(decision, attributes)
    return next(call)
  }
  return (call) => {
    const attributes = attributesOf(call, call.info.verb)
    const outcome = authorizer.authorize(attributes)
    if (!(outcome instanceof Promise)) return proceed(call, attributes, outcome)
    return outcome.then((decision) => proceed(call, attributes, decision))
  }
}

function annotateDecision(annotate: Annotate, { decision, reason }: AuthorizationDecision): void {
  annotate('authorization.k8s.io/decision', decision === 'Allow' ? 'allow' : 'forbid')
  annotate('authorization.k8s.io/reason', reason)
}

/** Throws Forbidden unless the call's user may use this verb on what the call is about. */
export function authorizeCall(call: ApiCall, verb: string, authorizer: Authorizer): void | Promise<void> {
  const attributes = attributesOf(call, verb)
  const outcome = authorizer.authorize(attributes)
  if (outcome instanceof Promise) return outcome.then((decision) => requireAllowed(decision, attributes))
  return requireAllowed(outcome, attributes)
}

const SELECTING: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection'])

export function attributesOf(call: ApiCall, verb: string): AuthorizationAttributes {
  const { info, user } = call
  const isSelecting = info.isResourceRequest && SELECTING.has(verb)
  return {
    user,
    verb,
    isResourceRequest: info.isResourceRequest,
    apiGroup: info.apiGroup,
    apiVersion: info.apiVersion,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
    fieldSelector: isSelecting ? call.query.get('fieldSelector') : '',
    labelSelector: isSelecting ? call.query.get('labelSelector') : '',
  }
}

function requireAllowed(decision: AuthorizationDecision, attributes: AuthorizationAttributes): void {
  if (decision.decision !== 'Allow') throw forbidden(attributes, decision.reason)
}

export function forbidden(attributes: AuthorizationAttributes, reason: string): StatusError {
  const message = forbiddenMessage(attributes)
  const why = reason === '' ? message : `${message}: ${reason}`
  const resource = attributes.isResourceRequest ? attributes.resource : ''
  return newForbidden({ group: attributes.apiGroup, resource }, attributes.name, why)
}

function forbiddenMessage({ user, ...attributes }: AuthorizationAttributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`
  if (!attributes.isResourceRequest) return `${who} path ${JSON.stringify(attributes.path)}`
  const { resource, subresource, namespace } = attributes
  const full = subresource === '' ? resource : `${resource}/${subresource}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  return `${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(attributes.apiGroup)} ${where}`
}
