/**
 * Cached objects of a custom resource as one version shows them: defaulted by the version they are stored in, converted,
 * pruned by the version they become. What was converted is remembered with the cached object, for all readers.
 * Upstream: apiextensions-apiserver customresource_handler.go (schemaCoercingDecoder, schemaCoercingConverter).
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { transientObject } from '../../registry/generic/transient-object.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'
import type { CustomObjectSchema } from '../schema/custom-object-schema.ts'
import type { Converter } from './converter.ts'
import { memoized } from '../../storage/cacher/memoized.ts'

export interface ViewOptions {
  readonly converter: Converter
  /** `example.com/v2`: what is shown. */
  readonly apiVersion: string
  readonly storageApiVersion: string
  /** Of a version of the resource; undefined for one that is gone from the CRD. */
  schemaOf(apiVersion: string): CustomObjectSchema | undefined
}

type ReadonlyObject = DeepReadonly<KubeObject>

/** Names the memo slots: what another CRD's webhook has converted is not what this one shows. */
let viewCount = 0

interface Slot {
  view: CachedObject | undefined
  pending: Promise<CachedObject> | undefined
}

export class Views {
  readonly #options: ViewOptions
  readonly #slotName = `converted:${viewCount++}`
  /** What stored objects have become, for selectors, which see nothing but them. */
  readonly #shown = new WeakMap<object, ReadonlyObject>()

  constructor(options: ViewOptions) {
    this.#options = options
  }

  /** Whether what is stored can be shown without asking anybody else. */
  get isImmediate(): boolean {
    return this.#options.converter.isImmediate === true
  }

  bookmark(object: CachedObject): CachedObject {
    const { apiVersion } = this.#options
    return object.object.apiVersion === apiVersion
      ? object
      : transientObject(object.key, { ...(object.object as KubeObject), apiVersion })
  }

  /** Without a promise when there is nothing to convert, or nobody to ask. */
  one(base: CachedObject): CachedObject | Promise<CachedObject> {
    const slot = this.#slotOf(base)
    const known = slot.view ?? slot.pending ?? this.#withoutConversion(base, slot)
    if (known !== undefined) return known
    const converted = this.#read([base.object])
    if (!(converted instanceof Promise)) return this.#keep(base, slot, converted[0] as KubeObject)
    slot.pending = converted
      .then(([object]) => this.#keep(base, slot, object as KubeObject))
      .finally(() => {
        slot.pending = undefined
      })
    return slot.pending
  }

  /** One call for all that need it. */
  async all(items: readonly CachedObject[]): Promise<CachedObject[]> {
    const found = items.map((item) => {
      const slot = this.#slotOf(item)
      return { item, slot, view: slot.view ?? this.#withoutConversion(item, slot) }
    })
    const missing = found.filter(({ view }) => view === undefined)
    if (missing.length > 0) {
      const converted = await this.#read(missing.map(({ item }) => item.object))
      missing.forEach((entry, index) => {
        entry.view = this.#keep(entry.item, entry.slot, converted[index] as KubeObject)
      })
    }
    return found.map(({ item, view }) => view ?? item)
  }

  /** What a stored object is shown as, for selectors; as it is stored when only a webhook knows and was not asked yet. */
  shown(stored: ReadonlyObject): ReadonlyObject {
    const known = this.#shown.get(stored)
    if (known !== undefined) return known
    const { apiVersion, schemaOf } = this.#options
    if (stored.apiVersion === apiVersion) return schemaOf(apiVersion)?.read(stored) ?? stored
    if (!this.isImmediate) return stored
    const [object] = this.#read([stored]) as KubeObject[]
    this.#shown.set(stored, object as KubeObject)
    return object as KubeObject
  }

  /** What is written, in the version it is stored in: nobody fills defaults in. */
  async toStorage(object: KubeObject): Promise<KubeObject> {
    const { apiVersion, storageApiVersion } = this.#options
    if (apiVersion === storageApiVersion) return object
    const [stored] = await this.#convert([object], storageApiVersion)
    return stored as KubeObject
  }

  /** Defaulted by the version they are stored in. */
  #read(stored: readonly ReadonlyObject[]): KubeObject[] | Promise<KubeObject[]> {
    const { apiVersion, schemaOf } = this.#options
    const read = stored.map((object) => schemaOf(object.apiVersion)?.read(object) ?? object)
    return this.#convert(read, apiVersion)
  }

  /** Pruned by the version they become. */
  #convert(objects: readonly ReadonlyObject[], apiVersion: string): KubeObject[] | Promise<KubeObject[]> {
    const { converter, schemaOf } = this.#options
    const schema = schemaOf(apiVersion)
    const settle = (converted: KubeObject[]): KubeObject[] =>
      schema === undefined ? converted : converted.map((object) => schema.known(object))
    const converted = converter.convert(objects, apiVersion)
    return converted instanceof Promise ? converted.then(settle) : settle(converted)
  }

  #slotOf(base: CachedObject): Slot {
    return base.memo(this.#slotName, (): Slot => ({ view: undefined, pending: undefined }))
  }

  #withoutConversion(base: CachedObject, slot: Slot): CachedObject | undefined {
    const { apiVersion, storageApiVersion, schemaOf } = this.#options
    if (base.object.apiVersion !== apiVersion) return undefined
    const shown = schemaOf(apiVersion)?.read(base.object) ?? base.object
    if (shown === base.object && apiVersion === storageApiVersion) return base
    return this.#keep(base, slot, shown)
  }

  #keep(base: CachedObject, slot: Slot, object: ReadonlyObject): CachedObject {
    const isStale = base.object.apiVersion !== this.#options.storageApiVersion
    slot.view = new ConvertedObject(base, object, this.#slotName, isStale)
    this.#shown.set(base.object, object)
    return slot.view
  }
}

export const baseOf = (cached: CachedObject): CachedObject => (cached instanceof ConvertedObject ? cached.base : cached)

export class ConvertedObject implements CachedObject {
  readonly base: CachedObject
  readonly object: DeepReadonly<KubeObject>
  readonly isStale: boolean
  readonly #slotName: string
  #memos: Map<string, unknown> | undefined

  constructor(base: CachedObject, object: DeepReadonly<KubeObject>, slotName: string, isStale: boolean) {
    this.base = base
    this.#slotName = slotName
    this.object = object
    this.isStale = isStale
  }

  /** The same content at the revision of its deletion: it need not be converted again. */
  movedTo(base: CachedObject): ConvertedObject {
    const { resourceVersion } = base.object.metadata
    const metadata = resourceVersion === undefined ? this.object.metadata : { ...this.object.metadata, resourceVersion }
    return new ConvertedObject(base, { ...this.object, metadata }, this.#slotName, this.isStale)
  }

  get key(): string {
    return this.base.key
  }

  get revision(): number {
    return this.base.revision
  }

  get sizeBytes(): number {
    return this.base.sizeBytes
  }

  json(): Buffer {
    return this.encoded('json', () => Buffer.from(JSON.stringify(this.object)))
  }

  /** Within the budget of the cached object's own. */
  encoded(representation: string, make: () => Buffer): Buffer {
    return this.base.encoded(`${this.#slotName}:${representation}`, make)
  }

  memo<T>(representation: string, make: () => T): T {
    this.#memos ??= new Map()
    return memoized(this.#memos, representation, make)
  }
}
