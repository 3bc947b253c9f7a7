/**
 * ValidatingAdmissionWebhook: all that match at once, on the object as it is going to be stored. The first refusal, in the
 * order of the configurations, is the answer. Upstream: apiserver pkg/admission/plugin/webhook/validating.
 */
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import type { WebhookCallDeps } from './call.ts'
import { callWebhook } from './call.ts'
import { type ConditionDeps, conditionsHold } from './conditions.ts'
import { createWebhookSource } from './configuration.ts'
import type { Invocation } from './matching.ts'
import { isExempt, matchWebhook } from './matching.ts'
import { settle } from './outcome.ts'

const AUDIT_PREFIX = 'failed-open.validating.webhook.admission.k8s.io/'

export function createValidatingWebhook(deps: AdmissionDeps): AdmissionPlugin {
  const { webhooks } = deps
  const hooks = webhooks === undefined ? () => [] : createWebhookSource(() => webhooks.validating())
  return {
    name: 'ValidatingAdmissionWebhook',
    handles: () => true,
    validate(attributes) {
      if (isExempt(attributes)) return undefined
      const current = hooks()
      if (current.length === 0 || webhooks === undefined) return undefined
      const invocations: Invocation[] = []
      for (const hook of current) {
        const invocation = matchWebhook(hook, attributes, deps)
        if (invocation !== undefined) invocations.push(invocation)
      }
      return invocations.length === 0 ? undefined : validateAll({ ...deps, webhooks }, invocations, attributes)
    },
  }
}

async function validateAll(
  deps: WebhookCallDeps & ConditionDeps,
  candidates: readonly Invocation[],
  attributes: AdmissionAttributes,
): Promise<void> {
  const invocations: Invocation[] = []
  for (const candidate of candidates) {
    if (await conditionsHold(deps, candidate, attributes, 'validating')) invocations.push(candidate)
  }
  const outcomes = await Promise.allSettled(
    invocations.map(async (invocation, index) => {
      const call = async (): Promise<void> => void (await callWebhook(deps, invocation, attributes, 'validating'))
      const isSettled = await settle(deps, invocation, attributes, 'validating', call)
      const { name } = invocation.hook.webhook
      if (!isSettled) attributes.request?.annotate?.(`${AUDIT_PREFIX}round_0_index_${index}`, name)
    }),
  )
  const refused = outcomes.find((outcome) => outcome.status === 'rejected')
  if (refused !== undefined) throw refused.reason
}
