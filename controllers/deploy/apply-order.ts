/**
 * The order in which a file's objects are applied: Namespaces, then CustomResourceDefinitions, then the rest as written.
 * k3s applies in order of appearance and so needs several passes for a file that holds both a CRD and its objects.
 */
import type { ManifestObject } from './manifest.ts'

export interface ApplyPhases {
  readonly namespaces: readonly ManifestObject[]
  readonly customResourceDefinitions: readonly ManifestObject[]
  readonly others: readonly ManifestObject[]
}

/** Of several documents for one object the last wins, in the place of the first. */
export function applyPhases(objects: readonly ManifestObject[]): ApplyPhases {
  const unique = new Map<string, ManifestObject>()
  for (const item of objects) unique.set(objectId(item), item)
  const phases = { namespaces: [], customResourceDefinitions: [], others: [] } as Record<
    keyof ApplyPhases,
    ManifestObject[]
  >
  for (const item of unique.values()) phases[phaseOf(item)].push(item)
  return phases
}

function phaseOf({ kind }: ManifestObject): keyof ApplyPhases {
  if (kind.group === '' && kind.kind === 'Namespace') return 'namespaces'
  if (kind.group === 'apiextensions.k8s.io' && kind.kind === 'CustomResourceDefinition')
    return 'customResourceDefinitions'
  return 'others'
}

function objectId({ kind, object }: ManifestObject): string {
  return `${kind.group}/${kind.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`
}
