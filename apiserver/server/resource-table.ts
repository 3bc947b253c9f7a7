/** The resources being served: definitions, their stores, and one scope per served version. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { createFrameCache } from '../endpoints/frame-cache.ts'
import type { EndpointScope } from '../endpoints/interfaces.ts'
import { createPresenter } from '../endpoints/presenter.ts'
import type { AdmissionChain } from '../registry/generic/admission-chain.ts'
import type { ResourceDefinition, ResourceStore } from '../registry/generic/interfaces.ts'
import { createResourceStore } from '../registry/generic/store.ts'
import type { Cacher, ObjectStore, ObjectStoreOptions } from '../storage/cacher/interface.ts'

export interface ResourceTable {
  scopeFor(group: string, version: string, resource: string): EndpointScope | undefined
  storeFor(group: string, resource: string): ResourceStore | undefined
  /** In the order they were added. */
  definitions(): readonly ResourceDefinition[]
  /** Replaces an equal group and resource; its open watches end, because they show objects as the old definition did. */
  add(definition: ResourceDefinition): ObjectStore | undefined
  remove(group: string, resource: string): void
}

interface Served {
  readonly definition: ResourceDefinition
  readonly store: ResourceStore | undefined
}

export function createResourceTable(cacher: Cacher, admission: AdmissionChain, onChange: () => void): ResourceTable {
  const served = new Map<string, Served>()
  const scopes = new Map<string, EndpointScope>()
  let list: readonly ResourceDefinition[] | undefined

  const changed = (): void => {
    list = undefined
    onChange()
  }
  const dropScopes = (definition: ResourceDefinition): void => {
    for (const { version } of definition.versions)
      scopes.delete(scopeKey(definition.group, version, definition.resource))
  }
  const addScopes = (base: ResourceDefinition, baseStore: ResourceStore | undefined): void => {
    for (const stored of base.versions) {
      if (!stored.served) continue
      const { converted } = stored
      const definition = converted?.definition ?? base
      const version = definition.versions.find((one) => one.version === stored.version) ?? stored
      const isView = converted !== undefined && baseStore !== undefined
      const store = isView ? createResourceStore(definition, converted.wrap(baseStore.objects), admission) : baseStore
      scopes.set(scopeKey(definition.group, version.version, definition.resource), {
        definition,
        version,
        store,
        admission,
        apiVersion: apiVersionOf({ group: definition.group, version: version.version }),
        presenter: createPresenter(definition, version),
        frames: createFrameCache(),
        protobufFrames: createFrameCache(),
      })
    }
  }
  return {
    scopeFor: (group, version, resource) => scopes.get(scopeKey(group, version, resource)),
    storeFor: (group, resource) => served.get(tableKey(group, resource))?.store,
    definitions() {
      list ??= [...served.values()].map(({ definition }) => definition)
      return list
    },
    add(definition) {
      const key = tableKey(definition.group, definition.resource)
      const previous = served.get(key)
      if (previous !== undefined) dropScopes(previous.definition)
      const shared =
        definition.storedWith && served.get(tableKey(definition.storedWith.group, definition.storedWith.resource))
      const objects = shared?.store?.objects ?? openObjects(cacher, definition, previous)
      const store = objects === undefined ? undefined : createResourceStore(definition, objects, admission)
      served.set(key, { definition, store })
      addScopes(definition, store)
      changed()
      return objects
    },
    remove(group, resource) {
      const key = tableKey(group, resource)
      const previous = served.get(key)
      if (previous === undefined) return
      served.delete(key)
      dropScopes(previous.definition)
      if (previous.definition.storedWith === undefined) previous.store?.objects.close()
      changed()
    },
  }
}

const scopeKey = (group: string, version: string, resource: string): string => `${group}/${version}/${resource}`
const tableKey = (group: string, resource: string): string => `${group}/${resource}`

function openObjects(
  cacher: Cacher,
  definition: ResourceDefinition,
  previous: Served | undefined,
): ObjectStore | undefined {
  const isVirtual = definition.virtualCreate !== undefined || definition.virtualList !== undefined
  const open = previous?.store?.objects
  if (open !== undefined && !isVirtual && previous !== undefined && isSameStorage(previous.definition, definition)) {
    open.endWatches()
    return open
  }
  open?.close()
  return isVirtual ? undefined : cacher.openStore(storeOptions(definition))
}

function isSameStorage(a: ResourceDefinition, b: ResourceDefinition): boolean {
  return a.namespaced === b.namespaced && a.kind === b.kind && a.storageVersion === b.storageVersion
}

function storeOptions(definition: ResourceDefinition): ObjectStoreOptions {
  const { group, resource, namespaced, kind, storageVersion, indexedFields, selectableFields } = definition
  const indexes: Record<string, (object: DeepReadonly<KubeObject>) => string | undefined> = {}
  for (const field of indexedFields ?? []) {
    const read = selectableFields?.[field]
    if (read !== undefined) indexes[field] = read
  }
  const apiVersion = apiVersionOf({ group, version: storageVersion })
  return { group, resource, namespaced, kind, apiVersion, indexes }
}
