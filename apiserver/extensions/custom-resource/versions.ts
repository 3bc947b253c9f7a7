/**
 * The versions of one custom resource. Objects travel through the registry in the storage version; the version a client
 * wrote is remembered beside the draft, because its own schema has to validate it.
 */
import type { CustomResourceSubresourceScale } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { assert } from '#machinery/util/assert.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { CustomObjectSchema } from '../schema/custom-object-schema.ts'

export interface ServedVersion {
  readonly name: string
  readonly schema: CustomObjectSchema
  readonly hasStatus: boolean
  readonly scale: DeepReadonly<CustomResourceSubresourceScale> | undefined
}

export class ServedVersions {
  readonly storage: ServedVersion
  readonly #origins = new WeakMap<object, ServedVersion>()

  constructor(versions: readonly ServedVersion[], storageVersion: string) {
    const storage = versions.find((version) => version.name === storageVersion)
    assert(storage !== undefined, 'a CRD without a storage version does not pass validation')
    this.storage = storage
  }

  /** The version the object was written in; the storage version for everything that was not converted. */
  of(object: object): ServedVersion {
    return this.#origins.get(object) ?? this.storage
  }

  /** Conversion None: only apiVersion differs. What the storage version does not know goes after validation. */
  toStorage(object: KubeObject, from: ServedVersion): KubeObject {
    if (from !== this.storage) this.#origins.set(object, from)
    return object
  }

  settle(object: KubeObject): void {
    if (this.of(object) !== this.storage) this.storage.schema.prune(object)
  }
}
