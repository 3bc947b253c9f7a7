/** Conversion between the storage version and a served one; converted bytes are remembered on the cached object. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { protobufKind } from '#machinery/schema/protobuf/encode.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { fromStorage, isStoredForm } from '../registry/generic/conversion.ts'
import type { ResourceDefinition, VersionDefinition } from '../registry/generic/interfaces.ts'
import type { CachedObject } from '../storage/cacher/interface.ts'
import type { Presenter } from './interfaces.ts'

export { fromStorage, toStorage } from '../registry/generic/conversion.ts'

/** Names the memo slots of one presenter: what an earlier definition of a custom resource converted is not what the next shows. */
let presenterCount = 0

export function createPresenter(definition: ResourceDefinition, version: VersionDefinition): Presenter {
  const decorate = definition.hooks?.decorate
  const kind = protobufKind(definition.group, version.version, definition.kind)
  if (isStoredForm(definition, version) && decorate === undefined) {
    return {
      object: (cached) => cached.object,
      json: (cached) => cached.json(),
      protobuf: kind && ((cached) => cached.encoded('protobuf', () => kind.encode(cached.object))),
    }
  }
  const convert = (cached: CachedObject): DeepReadonly<KubeObject> => fromStorage(definition, version, cached.object)
  if (decorate === undefined) {
    const slot = `version:${version.version}:${presenterCount++}`
    const object = (cached: CachedObject) => cached.memo(slot, () => convert(cached))
    return {
      object,
      json: (cached) => {
        const shown = object(cached)
        if (shown === cached.object) return cached.json()
        return cached.encoded(`${slot}:json`, () => Buffer.from(JSON.stringify(shown)))
      },
      protobuf: kind && ((cached) => cached.encoded(`${slot}:protobuf`, () => kind.encode(object(cached)))),
    }
  }
  const object = (cached: CachedObject): DeepReadonly<KubeObject> => {
    const shown = deepCopy<KubeObject>(convert(cached))
    decorate(shown)
    return shown
  }
  return {
    object,
    json: (cached) => Buffer.from(JSON.stringify(object(cached))),
    protobuf: kind && ((cached) => kind.encode(object(cached))),
  }
}
