/**
 * Whether the matchConditions of a webhook hold for a request it is otherwise called for.
 * Upstream: apiserver pkg/admission/plugin/webhook/generic/webhook.go (ShouldCallHook).
 */
import { newForbidden } from '#machinery/meta/errors.ts'
import { CelAuthorizer, ResourceCheck } from '../../cel/authorizer-library.ts'
import type { AdmissionDeps, WebhookDeps } from '../deps.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import type { Invocation } from './matching.ts'
import type { WebhookCall, WebhookType } from './metrics.ts'
import { describeRequest } from './review.ts'
import { showObjects } from './shown-objects.ts'

export interface ConditionDeps extends Pick<AdmissionDeps, 'authorizer' | 'clock'> {
  readonly webhooks: WebhookDeps
}

/** False: it is not called. Throws Forbidden when they cannot be evaluated and failurePolicy is Fail. */
export async function conditionsHold(
  deps: ConditionDeps,
  invocation: Invocation,
  attributes: AdmissionAttributes,
  type: WebhookType,
): Promise<boolean> {
  const { hook } = invocation
  if (hook.conditions === undefined) return true
  const { clock, webhooks } = deps
  const variables = await variablesOf(deps, invocation, attributes)
  const labels: WebhookCall = { name: hook.webhook.name, type, operation: attributes.operation }
  const startMs = clock.monotonicMs()
  const { matches, errors = [] } = hook.conditions.evaluate(variables)
  webhooks.metrics.conditionsEvaluated(labels, (clock.monotonicMs() - startMs) / 1000, errors.length)
  if (matches === true) return true
  if (matches === undefined && !hook.isIgnoringFailures) {
    const why = errors.length === 1 ? `${errors[0]}` : `[${errors.join(', ')}]`
    const fields = { webhook: hook.webhook.name, configuration: hook.configurationName, error: why }
    webhooks.logger.warn(fields, 'cannot evaluate match conditions, failing closed')
    throw newForbidden(attributes, attributes.name, why)
  }
  webhooks.metrics.conditionsExcluded(labels)
  return false
}

async function variablesOf({ authorizer }: ConditionDeps, invocation: Invocation, attributes: AdmissionAttributes) {
  const { object, oldObject } = await showObjects(invocation, attributes)
  const { group, resource, subresource, namespace, name } = attributes
  const of = new CelAuthorizer(authorizer, attributes.user)
  return {
    object,
    oldObject,
    request: describeRequest(attributes, invocation),
    namespaceObject: null,
    authorizer: of,
    'authorizer.requestResource': new ResourceCheck(of, { apiGroup: group, resource, subresource, namespace, name }),
  }
}
