/**
 * The member order objects are stored and shown in: kind, apiVersion, metadata first, metadata's own members as upstream
 * prints them. Members that Go's omitempty leaves out are left out here.
 */
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from '#machinery/api/meta/v1.ts'
import { deepEqual, isObject, setMember } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'

const METADATA_ORDER = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const satisfies readonly (keyof ObjectMeta)[]

/** A new top level over the same members. selfLink and resourceVersion do not come along. */
export function inStoredOrder(object: KubeObject, kind: string, apiVersion: string): KubeObject {
  const ordered: KubeObject = { kind, apiVersion, metadata: orderedMetadata(object.metadata) }
  const members = object as unknown as Record<string, unknown>
  for (const key of Object.keys(members)) {
    if (key === 'kind' || key === 'apiVersion' || key === 'metadata') continue
    if (members[key] !== undefined) setMember(ordered as unknown as Record<string, unknown>, key, members[key])
  }
  return ordered
}

function orderedMetadata(meta: ObjectMeta): ObjectMeta {
  const ordered: Record<string, unknown> = {}
  for (const key of METADATA_ORDER) {
    const value = meta[key]
    if (!isEmpty(value)) ordered[key] = value
  }
  return ordered as ObjectMeta
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return isObject(value) && Object.keys(value).length === 0
}

/**
 * An update that changes nothing writes nothing: the resourceVersion stays. The times in managedFields alone are no change.
 * Upstream: apiserver pkg/endpoints/handlers/fieldmanager/equality.go.
 */
export function isUnchanged(stored: KubeObject, current: CachedObject): boolean {
  if (current.isStale === true) return false
  const { managedFields } = current.object.metadata
  if (managedFields !== undefined && stored.metadata.managedFields !== managedFields) {
    if (!isEqualButTimes(stored.metadata.managedFields, managedFields)) return false
    const metadata = { ...stored.metadata, managedFields: managedFields as ManagedFieldsEntry[] }
    return deepEqual(withRevisionOf({ ...stored, metadata }, current), current.object)
  }
  return deepEqual(withRevisionOf(stored, current), current.object)
}

function isEqualButTimes(a: ObjectMeta['managedFields'], b: DeepReadonly<ManagedFieldsEntry[]>): boolean {
  if (a === undefined || a.length !== b.length) return false
  return a.every((entry, i) => deepEqual({ ...entry, time: undefined }, { ...b[i], time: undefined }))
}

export function withRevisionOf(stored: KubeObject, current: CachedObject): KubeObject {
  const { resourceVersion } = current.object.metadata
  if (resourceVersion === undefined) return stored
  return { ...stored, metadata: { ...stored.metadata, resourceVersion } }
}
