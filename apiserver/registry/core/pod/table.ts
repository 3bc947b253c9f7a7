/** `kubectl get pods`. Upstream: pkg/printers/internalversion/printers.go printPod. */
import type { ContainerStatus, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, ageOf, defineTable, NAME, orNone } from '../../table.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenStatus = DeepReadonly<ContainerStatus>

export const podTable = defineTable([
  NAME,
  { name: 'Ready', value: (pod: FrozenPod) => readyContainers(pod) },
  { name: 'Status', value: (pod: FrozenPod) => podStatusText(pod) },
  { name: 'Restarts', value: (pod: FrozenPod, now) => restartsText(pod, now) },
  AGE,
  { name: 'IP', wide: true, value: (pod: FrozenPod) => orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP) },
  { name: 'Node', wide: true, value: (pod: FrozenPod) => orNone(pod.spec.nodeName) },
  { name: 'Nominated Node', wide: true, value: (pod: FrozenPod) => orNone(pod.status?.nominatedNodeName) },
  { name: 'Readiness Gates', wide: true, value: (pod: FrozenPod) => readinessGates(pod) },
])

function isSidecar(pod: FrozenPod, name: string): boolean {
  return (
    pod.spec.initContainers?.some((container) => container.name === name && container.restartPolicy === 'Always') ===
    true
  )
}

function readyContainers(pod: FrozenPod): string {
  const sidecars = (pod.spec.initContainers ?? []).filter(({ name }) => isSidecar(pod, name))
  const statuses = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []).filter(({ name }) => isSidecar(pod, name)),
  ]
  const ready = statuses.filter(
    (status) => status.ready === true && (status.state?.running !== undefined || isSidecar(pod, status.name)),
  )
  return `${ready.length}/${pod.spec.containers.length + sidecars.length}`
}

/** What kubectl shows as STATUS: the most telling of phase, reason, container states and deletion. */
export function podStatusText(pod: FrozenPod): string {
  let reason = pod.status?.phase ?? ''
  if ((pod.status?.reason ?? '') !== '') reason = pod.status?.reason ?? ''
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.reason === 'SchedulingGated') reason = 'SchedulingGated'
  const init = initStatusText(pod)
  if (init !== undefined) reason = init
  const isInitialized =
    pod.status?.conditions?.some(({ type, status }) => type === 'Initialized' && status === 'True') === true
  if (init === undefined || isInitialized) reason = containersStatusText(pod, reason)
  if (pod.metadata.deletionTimestamp === undefined) return reason
  if (pod.status?.reason === 'NodeLost') return 'Unknown'
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' ? reason : 'Terminating'
}

function initStatusText(pod: FrozenPod): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? []
  for (const [i, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {}
    if (terminated !== undefined && terminated.exitCode === 0) continue
    if (isSidecar(pod, status.name) && status.started === true) continue
    if (terminated !== undefined) {
      if ((terminated.reason ?? '') !== '') return `Init:${terminated.reason}`
      const { signal = 0, exitCode } = terminated
      return signal !== 0 ? `Init:Signal:${signal}` : `Init:ExitCode:${exitCode}`
    }
    const why = waiting?.reason ?? ''
    if (why !== '' && why !== 'PodInitializing') return `Init:${why}`
    return `Init:${i}/${(pod.spec.initContainers ?? []).length}`
  }
  return undefined
}

function containersStatusText(pod: FrozenPod, initial: string): string {
  let reason = initial
  let hasRunning = false
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    const { waiting, terminated, running } = status.state ?? {}
    if ((waiting?.reason ?? '') !== '') reason = waiting?.reason ?? ''
    else if (terminated !== undefined) reason = terminatedText(terminated)
    else if (status.ready === true && running !== undefined) hasRunning = true
  }
  if (reason !== 'Completed' || !hasRunning) return reason
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  return isReady ? 'Running' : 'NotReady'
}

function terminatedText({
  reason = '',
  signal = 0,
  exitCode,
}: {
  reason?: string
  signal?: number
  exitCode: number
}): string {
  if (reason !== '') return reason
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

function restartsText(pod: FrozenPod, now: Date): string {
  const isInitializing = initStatusText(pod) !== undefined
  const init = (pod.status?.initContainerStatuses ?? []).filter(({ name }) => isInitializing || isSidecar(pod, name))
  const statuses: readonly FrozenStatus[] = isInitializing ? init : [...init, ...(pod.status?.containerStatuses ?? [])]
  const restarts = statuses.reduce((sum, status) => sum + (status.restartCount ?? 0), 0)
  const last =
    statuses
      .map((status) => status.lastState?.terminated?.finishedAt ?? '')
      .sort()
      .at(-1) ?? ''
  return restarts > 0 && last !== '' ? `${restarts} (${ageOf(last, now)} ago)` : String(restarts)
}

function readinessGates(pod: FrozenPod): string {
  const gates = pod.spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const isTrue = (gate: string): boolean =>
    pod.status?.conditions?.some(({ type, status }) => type === gate && status === 'True') === true
  return `${gates.filter(({ conditionType }) => isTrue(conditionType)).length}/${gates.length}`
}
