/** Conditions of a CRD. Upstream: apiextensions-apiserver pkg/apihelpers/helpers.go. */
import type { CustomResourceDefinitionCondition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { Crd } from './types.ts'

type CrdConditionType =
  | 'Established'
  | 'NamesAccepted'
  | 'NonStructuralSchema'
  | 'Terminating'
  | 'KubernetesAPIApprovalPolicyConformant'

export interface NewCondition {
  readonly type: CrdConditionType
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

export function findCondition(crd: Crd, type: CrdConditionType): CustomResourceDefinitionCondition | undefined {
  return crd.status?.conditions?.find((condition) => condition.type === type)
}

export function isConditionTrue(crd: Crd, type: CrdConditionType): boolean {
  return findCondition(crd, type)?.status === 'True'
}

/** Keeps the transition time while the status stays. */
export function setCondition(crd: Crd, condition: NewCondition, now: Date): void {
  crd.status ??= {}
  crd.status.conditions ??= []
  const existing = findCondition(crd, condition.type)
  if (existing === undefined) {
    crd.status.conditions.push({ ...condition, lastTransitionTime: formatTime(now) })
    return
  }
  if (existing.status !== condition.status || existing.lastTransitionTime === undefined) {
    existing.lastTransitionTime = formatTime(now)
  }
  existing.status = condition.status
  existing.reason = condition.reason
  existing.message = condition.message
}

export function removeCondition(crd: Crd, type: CrdConditionType): void {
  const conditions = crd.status?.conditions
  if (crd.status === undefined || conditions === undefined) return
  crd.status.conditions = conditions.filter((condition) => condition.type !== type)
}
