/**
 * Whose fields an applied object's are. Every server applies as `deploy@<node>`; what another server, an earlier name of this
 * one, or nobody in particular (`before-first-apply`) owned of an object of ours becomes ours, or a field that leaves the file
 * would stay because of a co-owner that is no more. Upstream: client-go util/csaupgrade does the same for one manager.
 */
import type { KubeObject, ManagedFieldsEntry } from '#machinery/api/meta/v1.ts'
import type { JsonPatchOperation } from '#machinery/client/client.ts'
import { deepCopy, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Entry = DeepReadonly<ManagedFieldsEntry>
type FieldSet = Record<string, unknown>

const isDeployer = (manager = ''): boolean =>
  manager === 'deploy' || manager.startsWith('deploy@') || manager === 'before-first-apply'

/** This server has written the object already. */
export function isManagedBy(live: DeepReadonly<KubeObject>, manager: string): boolean {
  return live.metadata.managedFields?.some((entry) => entry.manager === manager) ?? false
}

/** A JSON patch that makes `manager` the one owner by Apply of all that deployers own; undefined when nothing changes. */
export function ownershipPatch(live: DeepReadonly<KubeObject>, manager: string): JsonPatchOperation[] | undefined {
  const entries = live.metadata.managedFields ?? []
  const ours = entries.filter((entry) => isDeployer(entry.manager) && (entry.subresource ?? '') === '')
  const isSettled = ours.every((entry) => entry.manager === manager && entry.operation === 'Apply')
  if (isSettled) return undefined
  const { time: _time, ...latest } = ours[ours.length - 1] ?? {}
  const fieldsV1 = ours.map((entry) => entry.fieldsV1).reduce<FieldSet>(union, {})
  const merged = { ...latest, manager, operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1 }
  return [
    { op: 'replace', path: '/metadata/managedFields', value: [...entries.filter((e) => !ours.includes(e)), merged] },
    { op: 'replace', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion },
  ]
}

/** FieldsV1 is a tree of members: the union of two sets is the union of their trees. */
function union(a: FieldSet, b: Entry['fieldsV1']): FieldSet {
  const merged = new Map<string, unknown>(Object.entries(a))
  for (const [name, members] of Object.entries((b ?? {}) as FieldSet)) {
    const known = merged.get(name)
    merged.set(name, isObject(known) && isObject(members) ? union(known, members as never) : deepCopy(members))
  }
  return Object.fromEntries(merged)
}
