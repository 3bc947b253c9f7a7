/**
 * Fields behind feature gates that are off are not taken from clients, but stay where they are stored already.
 * Upstream: pkg/api/pod/util.go dropDisabledFields, for the gates that are off in 1.36.
 */
import type { PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { IsGateEnabled } from '../../feature-gates.ts'

type FrozenSpec = DeepReadonly<PodSpec>
type Drop = (spec: PodSpec | undefined, old: FrozenSpec | undefined) => void

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const
const PROJECTIONS = ['clusterTrustBundle', 'podCertificate'] as const

export function disabledFieldDropper(isGateEnabled: IsGateEnabled): Drop {
  const stopSignals = isGateEnabled('ContainerStopSignals')
  const groups = isGateEnabled('GenericWorkload')
  const projections = PROJECTIONS.filter(
    (name) => !isGateEnabled(name === 'podCertificate' ? 'PodCertificateRequest' : 'ClusterTrustBundleProjection'),
  )
  return (spec, old) => {
    if (spec === undefined) return
    if (!stopSignals && !usesStopSignals(old)) dropStopSignals(spec)
    if (!groups && spec.schedulingGroup !== undefined && old?.schedulingGroup === undefined) delete spec.schedulingGroup
    for (const projection of projections) dropProjection(spec, old, projection)
  }
}

function usesStopSignals(spec: FrozenSpec | undefined): boolean {
  return LISTS.some((list) => spec?.[list]?.some(({ lifecycle }) => lifecycle?.stopSignal !== undefined))
}

/** A lifecycle that was nothing else goes with it. */
function dropStopSignals(spec: PodSpec): void {
  for (const list of LISTS) {
    for (const container of spec[list] ?? []) {
      if (container.lifecycle?.stopSignal === undefined) continue
      delete container.lifecycle.stopSignal
      if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle
    }
  }
}

function dropProjection(spec: PodSpec, old: FrozenSpec | undefined, name: (typeof PROJECTIONS)[number]): void {
  const isUsed = (of: FrozenSpec): boolean =>
    (of.volumes ?? []).some(({ projected }) => projected?.sources?.some((source) => source[name] !== undefined))
  if (!isUsed(spec) || (old !== undefined && isUsed(old))) return
  for (const { projected } of spec.volumes ?? []) for (const source of projected?.sources ?? []) delete source[name]
}
