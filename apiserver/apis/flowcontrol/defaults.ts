/** Upstream: pkg/apis/flowcontrol/v1/defaults.go. */
import type { FlowSchema, PriorityLevelConfiguration } from '#machinery/api/flowcontrol/v1/types.gen.ts'

const MATCHING_PRECEDENCE = 1000
const QUEUING = { queues: 64, handSize: 8, queueLengthLimit: 50 } as const

export function setFlowSchemaDefaults(schema: FlowSchema): void {
  schema.spec ??= { priorityLevelConfiguration: { name: '' } }
  schema.spec.matchingPrecedence ||= MATCHING_PRECEDENCE
}

export function setPriorityLevelDefaults(level: PriorityLevelConfiguration): void {
  const limited = level.spec?.limited
  if (limited !== undefined) {
    limited.nominalConcurrencyShares ??= 30
    limited.lendablePercent ??= 0
    const queuing = limited.limitResponse?.queuing
    if (queuing !== undefined) {
      queuing.queues ||= QUEUING.queues
      queuing.handSize ||= QUEUING.handSize
      queuing.queueLengthLimit ||= QUEUING.queueLengthLimit
    }
  }
  const exempt = level.spec?.exempt
  if (exempt !== undefined) {
    exempt.nominalConcurrencyShares ??= 0
    exempt.lendablePercent ??= 0
  }
}
