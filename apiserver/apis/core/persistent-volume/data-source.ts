/**
 * dataSource and dataSourceRef of a claim, before it is written: what older clients leave out or may not say is put right.
 * Upstream: pkg/api/persistentvolumeclaim/util.go (KEP 1495), called by PrepareForCreate and PrepareForUpdate of claims
 * alone; templates of claims stay as they are.
 */
import type { PersistentVolumeClaimSpec, TypedLocalObjectReference } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { IsGateEnabled } from '../../feature-gates.ts'

type OldSpec = DeepReadonly<PersistentVolumeClaimSpec> | undefined

/** Edits `spec`; `old` is undefined on create. */
export function prepareDataSources(spec: PersistentVolumeClaimSpec, old: OldSpec, isGateEnabled: IsGateEnabled): void {
  dropOtherNamespace(spec, old, isGateEnabled)
  dropOddSource(spec, old)
  mirrorDataSources(spec)
}

/** Sources in other namespaces are alpha. */
function dropOtherNamespace(spec: PersistentVolumeClaimSpec, old: OldSpec, isGateEnabled: IsGateEnabled): void {
  if ((spec.dataSourceRef?.namespace ?? '') === '' || old?.dataSourceRef !== undefined) return
  if (!isGateEnabled('CrossNamespaceVolumeDataSource')) delete spec.dataSourceRef
}

/** What is neither claim nor snapshot was always ignored in dataSource; it can be asked for by dataSourceRef only. */
function dropOddSource(spec: PersistentVolumeClaimSpec, old: OldSpec): void {
  if (old?.dataSource !== undefined || old?.dataSourceRef !== undefined) return
  if (spec.dataSourceRef === undefined && !isClaimOrSnapshot(spec.dataSource)) delete spec.dataSource
}

function isClaimOrSnapshot(source: TypedLocalObjectReference | undefined): boolean {
  const { apiGroup = '', kind } = source ?? {}
  if (kind === 'PersistentVolumeClaim') return apiGroup === ''
  return kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io'
}

/** Of the two the one that is missing becomes the other, unless that leads out of the namespace. */
function mirrorDataSources(spec: PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec
  if (dataSource !== undefined && dataSourceRef === undefined) {
    spec.dataSourceRef = { ...dataSource }
  } else if (dataSource === undefined && dataSourceRef !== undefined && (dataSourceRef.namespace ?? '') === '') {
    const { namespace: _none, ...local } = dataSourceRef
    spec.dataSource = local
  }
}
