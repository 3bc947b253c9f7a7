/**
 * The Pod conditions a kubelet owns, and how they go together with those of others. Pure.
 * Upstream: pkg/kubelet/status/generate.go; status_manager.go for the transition times.
 */
import type { ContainerStatus, Pod, PodCondition } from '#machinery/api/core/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Phase } from './phase.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenCondition = DeepReadonly<PodCondition>

interface Verdict {
  readonly status: 'True' | 'False'
  readonly reason?: string
  readonly message?: string
}

const OWN_TYPES: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
])
const TRUE: Verdict = { status: 'True' }

export interface ConditionFacts {
  readonly pod: FrozenPod
  readonly phase: Phase
  /** Init containers first. */
  readonly statuses: readonly ContainerStatus[]
  readonly hasSandbox: boolean
  readonly nowMs: number
}

/** Others' conditions first, as they were; then kubelet's. */
export function podConditions(facts: ConditionFacts): PodCondition[] {
  const { pod, nowMs } = facts
  const before = pod.status?.conditions ?? []
  const others = before.filter(({ type }) => !OWN_TYPES.has(type))
  const containersReady = containersReadyVerdict(facts)
  const verdicts: readonly [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: facts.hasSandbox ? 'True' : 'False' }],
    ['Initialized', initializedVerdict(facts)],
    ['Ready', containersReady.status === 'True' ? readinessGatesVerdict(pod, others) : containersReady],
    ['ContainersReady', containersReady],
    ['PodScheduled', TRUE],
  ]
  const own = verdicts.map(([type, verdict]) => {
    const old = before.find((condition) => condition.type === type)
    return newCondition(type, verdict, old, pod.metadata.generation, nowMs)
  })
  return [...others.map((condition) => ({ ...condition })), ...own]
}

function newCondition(
  type: string,
  verdict: Verdict,
  old: FrozenCondition | undefined,
  observedGeneration: number | undefined,
  nowMs: number,
): PodCondition {
  const isSame = old?.status === verdict.status && old.lastTransitionTime !== undefined
  return {
    type,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    status: verdict.status,
    lastTransitionTime: isSame ? (old.lastTransitionTime ?? '') : formatTime(new Date(nowMs)),
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.message === undefined ? {} : { message: verdict.message }),
  }
}

function containersReadyVerdict({ pod, phase, statuses }: ConditionFacts): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const counted = [...sidecars, ...pod.spec.containers].map(({ name }) => name)
  return allOf(counted, statuses, ({ ready }) => ready, ['ContainersNotReady', 'unready'])
}

function initializedVerdict({ pod, phase, statuses }: ConditionFacts): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  const hasStartedMain = pod.spec.containers.some(({ name }) => {
    const status = statuses.find((other) => other.name === name)
    return status?.state?.running ?? status?.state?.terminated ?? status?.lastState?.terminated
  })
  if (hasStartedMain) return TRUE
  const initContainers = pod.spec.initContainers ?? []
  const sidecars = new Set(initContainers.filter((one) => one.restartPolicy === 'Always').map(({ name }) => name))
  const isDone = ({ name, ready, started }: ContainerStatus): boolean => (sidecars.has(name) ? started === true : ready)
  const names = initContainers.map(({ name }) => name)
  return allOf(names, statuses, isDone, ['ContainersNotInitialized', 'incomplete'])
}

function allOf(
  names: readonly string[],
  statuses: readonly ContainerStatus[],
  passes: (status: ContainerStatus) => boolean,
  [reason, word]: readonly [reason: string, word: string],
): Verdict {
  const unknown = names.filter((name) => !statuses.some((status) => status.name === name))
  const failing = names.filter((name) => statuses.some((status) => status.name === name && !passes(status)))
  const messages = [
    ...(unknown.length === 0 ? [] : [`containers with unknown status: [${unknown.join(' ')}]`]),
    ...(failing.length === 0 ? [] : [`containers with ${word} status: [${failing.join(' ')}]`]),
  ]
  return messages.length === 0 ? TRUE : { status: 'False', reason, message: messages.join(', ') }
}

function readinessGatesVerdict(pod: FrozenPod, others: readonly FrozenCondition[]): Verdict {
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = others.find(({ type }) => type === conditionType)
    if (condition === undefined)
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    return condition.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`]
  })
  if (messages.length === 0) return TRUE
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') }
}
