/** Counters in the status of workloads. Upstream: pkg/apis/apps/validation Validate<Kind>StatusUpdate. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { checkNonNegative } from '../validation.ts'

type Counters = Readonly<Record<string, unknown>>

interface CounterRules {
  readonly counters: readonly string[]
  /** Each is bounded by `replicas`. */
  readonly partsOfReplicas: readonly string[]
  /** What bounds `availableReplicas` beside `replicas`, as it is called; undefined: nothing. */
  readonly availableBound?: string
}

export const DEPLOYMENT_COUNTERS: CounterRules = {
  counters: [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'terminatingReplicas',
    'collisionCount',
  ],
  partsOfReplicas: ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
  availableBound: 'readyReplicas',
}

export const REPLICA_SET_COUNTERS: CounterRules = {
  counters: [
    'replicas',
    'fullyLabeledReplicas',
    'readyReplicas',
    'availableReplicas',
    'observedGeneration',
    'terminatingReplicas',
  ],
  partsOfReplicas: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
  availableBound: 'readyReplicas',
}

export const REPLICATION_CONTROLLER_COUNTERS: CounterRules = {
  ...REPLICA_SET_COUNTERS,
  counters: ['replicas', 'readyReplicas', 'availableReplicas', 'fullyLabeledReplicas', 'observedGeneration'],
}

export const STATEFUL_SET_COUNTERS: CounterRules = {
  counters: [
    'replicas',
    'readyReplicas',
    'currentReplicas',
    'updatedReplicas',
    'availableReplicas',
    'observedGeneration',
    'collisionCount',
  ],
  partsOfReplicas: ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'],
  availableBound: 'status.readyReplicas',
}

export const DAEMON_SET_COUNTERS: CounterRules = {
  counters: [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ],
  partsOfReplicas: [],
}

export function validateCounters(rules: CounterRules, next: Counters = {}, old: Counters = {}): FieldError[] {
  const errors: FieldError[] = []
  const count = (name: string): number => (typeof next[name] === 'number' ? next[name] : 0)
  for (const name of rules.counters) checkNonNegative(errors, `status.${name}`, count(name))
  const replicas = count('replicas')
  for (const name of rules.partsOfReplicas) {
    if (count(name) <= replicas) continue
    errors.push(fieldInvalid(`status.${name}`, count(name), 'cannot be greater than status.replicas'))
  }
  if (rules.availableBound !== undefined && count('availableReplicas') > count('readyReplicas')) {
    const detail = `cannot be greater than ${rules.availableBound}`
    errors.push(fieldInvalid('status.availableReplicas', count('availableReplicas'), detail))
  }
  const { collisionCount: before } = old
  if (rules.counters.includes('collisionCount') && typeof before === 'number') {
    if (next['collisionCount'] === undefined || count('collisionCount') < before) {
      errors.push(fieldInvalid('status.collisionCount', count('collisionCount'), 'cannot be decremented'))
    }
  }
  return errors
}
