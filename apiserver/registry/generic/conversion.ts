/** Between the storage version and the served ones of a resource, in the process. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceDefinition, VersionDefinition } from './interfaces.ts'

export function storedApiVersion(definition: ResourceDefinition): string {
  return (
    definition.storedWith?.apiVersion ?? apiVersionOf({ group: definition.group, version: definition.storageVersion })
  )
}

/** Custom resources have `fromStorage` for their storage version too: defaults and pruning on read. */
export function isStoredForm(definition: ResourceDefinition, version: VersionDefinition): boolean {
  return version.version === definition.storageVersion && version.fromStorage === undefined
}

/** Without hooks.decorate: what a patch is applied to. The stored object itself when nothing changes. */
export function fromStorage(
  definition: ResourceDefinition,
  version: VersionDefinition,
  stored: DeepReadonly<KubeObject>,
): DeepReadonly<KubeObject> {
  if (isStoredForm(definition, version)) return stored
  const shown = version.fromStorage === undefined ? { ...stored } : version.fromStorage(stored)
  const apiVersion = apiVersionOf({ group: definition.group, version: version.version })
  if (shown === stored && stored.apiVersion === apiVersion) return stored
  const { kind, metadata } = stored
  return Object.assign({ kind, apiVersion, metadata }, shown, { kind, apiVersion })
}

/** The storage form of a decoded object. */
export function toStorage(definition: ResourceDefinition, version: VersionDefinition, object: KubeObject): KubeObject {
  const stored = version.toStorage === undefined ? object : version.toStorage(object)
  stored.apiVersion = storedApiVersion(definition)
  stored.kind = definition.kind
  return stored
}
