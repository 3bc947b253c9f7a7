/** The status of a Service of type LoadBalancer: its addresses, and whether its ports were free. Pure. */
import type { LoadBalancerIngress, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { Condition } from '#machinery/api/meta/v1.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Assignment } from './port-table.ts'

const PORT_CONFLICT = 'LoadBalancerPortConflict'

type ServiceStatus = NonNullable<Service['status']>

export function balancerStatus(
  { status, metadata }: DeepReadonly<Service>,
  addresses: readonly string[],
  assignment: Assignment,
  now: Date,
): ServiceStatus {
  const { conditions = [] } = status ?? {}
  const before = conditions.find(({ type }) => type === PORT_CONFLICT)
  const others = conditions.filter((condition) => condition !== before).map((condition) => ({ ...condition }))
  const current = conflictCondition(before, assignment, metadata.generation, now)
  const all = current === undefined ? others : [...others, current]
  return {
    loadBalancer: addresses.length === 0 ? {} : { ingress: addresses.map(newIngress) },
    ...(all.length === 0 ? {} : { conditions: all }),
  }
}

/** `TCP port 80 is taken by default/web on 2 of 3 nodes`, one such clause for each conflict. */
export function conflictMessage({ conflicts, available }: Assignment): string {
  const clauses = conflicts.map(({ port, holder, nodes }) => {
    const [protocol, number] = port.split('/')
    return `${protocol} port ${number} is taken by ${holder} on ${nodes} of ${available} nodes`
  })
  return clauses.join(', ')
}

/** A Service that never met a conflict has no such condition. */
function conflictCondition(
  before: DeepReadonly<Condition> | undefined,
  assignment: Assignment,
  observedGeneration: number | undefined,
  now: Date,
): Condition | undefined {
  const isConflict = assignment.conflicts.length > 0
  if (!isConflict && before === undefined) return undefined
  const status = isConflict ? 'True' : 'False'
  return {
    type: PORT_CONFLICT,
    status,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : formatTime(now),
    reason: isConflict ? 'PortTaken' : 'PortsFree',
    message: isConflict ? conflictMessage(assignment) : 'All ports are served on all available nodes',
  }
}

const newIngress = (ip: string): LoadBalancerIngress => ({ ip, ipMode: 'VIP' })
