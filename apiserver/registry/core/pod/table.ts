/** `kubectl get pods`. Upstream: pkg/printers/internalversion/printers.go printPod. */
import type { ContainerStatus, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TableConvertor, TableRowCondition } from '../../generic/interfaces.ts'
import { AGE, ageOf, defineTable, NAME, orNone } from '../../table.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenStatus = DeepReadonly<ContainerStatus>

const cells = defineTable([
  NAME,
  { name: 'Ready', value: (pod: FrozenPod) => readyText(pod) },
  { name: 'Status', value: (pod: FrozenPod) => podStatusText(pod) },
  { name: 'Restarts', value: (pod: FrozenPod, now) => restartsText(pod, now) },
  AGE,
  { name: 'IP', wide: true, value: (pod: FrozenPod) => orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP) },
  { name: 'Node', wide: true, value: (pod: FrozenPod) => orNone(pod.spec.nodeName) },
  { name: 'Nominated Node', wide: true, value: (pod: FrozenPod) => orNone(pod.status?.nominatedNodeName) },
  { name: 'Readiness Gates', wide: true, value: (pod: FrozenPod) => readinessGates(pod) },
])

export const podTable: TableConvertor = { ...cells, conditions: (object) => ended((object as FrozenPod).status?.phase) }

const SUCCEEDED = rowCondition('Succeeded', 'The pod has completed successfully.')
const FAILED = rowCondition('Failed', 'The pod failed.')

function rowCondition(reason: string, message: string): readonly TableRowCondition[] {
  return [{ type: 'Completed', status: 'True', reason, message }]
}

function ended(phase: string | undefined): readonly TableRowCondition[] | undefined {
  return phase === 'Succeeded' ? SUCCEEDED : phase === 'Failed' ? FAILED : undefined
}

function isSidecar(pod: FrozenPod, name: string): boolean {
  return (
    pod.spec.initContainers?.some((container) => container.name === name && container.restartPolicy === 'Always') ===
    true
  )
}

/** How far initialization has come. */
interface Initialization {
  /** Those looked at: up to the first that is neither done nor a started sidecar. */
  readonly statuses: readonly FrozenStatus[]
  /** What that one is doing; undefined: there is none. */
  readonly reason: string | undefined
}

function initializationOf(pod: FrozenPod): Initialization {
  const statuses = pod.status?.initContainerStatuses ?? []
  for (const [i, status] of statuses.entries()) {
    const reason = initReason(pod, status, i)
    if (reason !== undefined) return { statuses: statuses.slice(0, i + 1), reason }
  }
  return { statuses, reason: undefined }
}

function initReason(pod: FrozenPod, { name, state, started }: FrozenStatus, i: number): string | undefined {
  const { terminated, waiting } = state ?? {}
  if (terminated !== undefined && (terminated.exitCode ?? 0) === 0) return undefined
  if (started === true && isSidecar(pod, name)) return undefined
  if (terminated !== undefined) return `Init:${terminatedText(terminated)}`
  const why = waiting?.reason ?? ''
  return why !== '' && why !== 'PodInitializing' ? `Init:${why}` : `Init:${i}/${(pod.spec.initContainers ?? []).length}`
}

/** Whether the containers count: they do once the init containers, or the condition, say so. */
function hasContainers(pod: FrozenPod, { reason }: Initialization): boolean {
  const initialized = pod.status?.conditions?.find(({ type }) => type === 'Initialized')
  return reason === undefined || initialized?.status === 'True'
}

const isRunning = ({ ready, state }: FrozenStatus): boolean =>
  ready === true && state?.running !== undefined && state.terminated === undefined && !state.waiting?.reason

function readyText(pod: FrozenPod): string {
  const initialization = initializationOf(pod)
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const readySidecars = initialization.statuses.filter(
    ({ name, ready, started, state }) =>
      ready === true && started === true && state?.terminated?.exitCode !== 0 && isSidecar(pod, name),
  )
  const running = hasContainers(pod, initialization) ? (pod.status?.containerStatuses ?? []).filter(isRunning) : []
  return `${readySidecars.length + running.length}/${pod.spec.containers.length + sidecars.length}`
}

/** What kubectl shows as STATUS: the most telling of phase, reason, container states and deletion. */
export function podStatusText(pod: FrozenPod): string {
  const { phase = '', reason: why = '', conditions } = pod.status ?? {}
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (why === 'NodeLost') return 'Unknown'
    if (phase !== 'Succeeded' && phase !== 'Failed') return 'Terminating'
  }
  const isGated = conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')
  const initialization = initializationOf(pod)
  const reason = initialization.reason ?? (isGated === true ? 'SchedulingGated' : why === '' ? phase : why)
  return hasContainers(pod, initialization) ? containersStatusText(pod, reason) : reason
}

function containersStatusText(pod: FrozenPod, initial: string): string {
  let reason = initial
  let failure = ''
  let hasRunning = false
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    const { waiting, terminated } = status.state ?? {}
    if ((waiting?.reason ?? '') !== '') reason = waiting?.reason ?? ''
    else if (terminated !== undefined) {
      reason = terminatedText(terminated)
      if ((terminated.exitCode ?? 0) !== 0) failure = reason
    } else if (isRunning(status)) hasRunning = true
  }
  if (reason !== 'Completed') return reason
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  if (hasRunning && isReady) return 'Running'
  return failure || (hasRunning ? 'NotReady' : reason)
}

interface Terminated {
  readonly reason?: string
  readonly signal?: number
  readonly exitCode?: number
}

function terminatedText({ reason = '', signal = 0, exitCode = 0 }: Terminated): string {
  if (reason !== '') return reason
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

/** Of the init containers while they run, else of sidecars and containers. */
function restartsText(pod: FrozenPod, now: Date): string {
  const initialization = initializationOf(pod)
  const statuses = hasContainers(pod, initialization)
    ? [...initialization.statuses.filter(({ name }) => isSidecar(pod, name)), ...(pod.status?.containerStatuses ?? [])]
    : initialization.statuses
  let restarts = 0
  let last = ''
  for (const { restartCount, lastState } of statuses) {
    restarts += restartCount ?? 0
    const finishedAt = lastState?.terminated?.finishedAt ?? ''
    if (finishedAt > last) last = finishedAt
  }
  return restarts !== 0 && last !== '' ? `${restarts} (${ageOf(last, now)} ago)` : String(restarts)
}

function readinessGates(pod: FrozenPod): string {
  const gates = pod.spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const isTrue = (gate: string): boolean => pod.status?.conditions?.find(({ type }) => type === gate)?.status === 'True'
  return `${gates.filter(({ conditionType }) => isTrue(conditionType)).length}/${gates.length}`
}
