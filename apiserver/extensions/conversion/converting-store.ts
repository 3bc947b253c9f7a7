/**
 * The store of a custom resource seen in one version, when a webhook converts: everything above it works on that version
 * and stays synchronous. Objects that are stored in this version pass through; what was converted is remembered with the
 * cached object, for all readers. Upstream: apiextensions-apiserver customresource_handler.go (crdConversionRESTOptionsGetter).
 * Differs: selectors are applied to objects as they are stored; peek answers stored objects (their metadata is the same).
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { transientObject } from '../../registry/generic/transient-object.ts'
import type { CachedObject, ObjectStore, StoreWatchOptions, StoreWatchSink } from '../../storage/cacher/interface.ts'
import type { CustomObjectSchema } from '../schema/custom-object-schema.ts'
import type { Converter } from './converter.ts'

export interface ConvertingStoreOptions {
  readonly converter: Converter
  /** `example.com/v2`: what this store shows. */
  readonly apiVersion: string
  readonly storageApiVersion: string
  /** Of a version of the resource; undefined for one that is gone from the CRD. */
  schemaOf(apiVersion: string): CustomObjectSchema | undefined
}

/** Names the memo slots: what another CRD's webhook has converted is not what this one shows. */
let storeCount = 0

export function createConvertingStore(base: ObjectStore, options: ConvertingStoreOptions): ObjectStore {
  const views = new Views(options)
  const toStorage = (object: KubeObject): KubeObject | Promise<KubeObject> =>
    options.storageApiVersion === options.apiVersion
      ? object
      : views.convert([object], options.storageApiVersion).then(([stored]) => stored as KubeObject)
  return {
    create: async (key, object, writeOptions) =>
      views.one(await base.create(key, await toStorage(object), writeOptions)),
    update: async (expected, object, writeOptions) =>
      views.one(await base.update(baseOf(expected), await toStorage(object), writeOptions)),
    async delete(expected) {
      const deleted = await base.delete(baseOf(expected))
      return expected instanceof ConvertedObject ? expected.movedTo(deleted) : deleted
    },
    async get(key, resourceVersion) {
      const found = await (resourceVersion === undefined ? base.get(key) : base.get(key, resourceVersion))
      return found === undefined ? undefined : views.one(found)
    },
    peek: (key) => base.peek(key),
    peekAll: (namespace) => base.peekAll(namespace),
    peekIndexed: (index, value) => base.peekIndexed(index, value),
    async list(listOptions) {
      const list = await base.list(listOptions)
      return { ...list, items: await views.all(list.items) }
    },
    async watch(watchOptions, sink, signal) {
      if (startsWithObjects(watchOptions)) {
        const { matches } = watchOptions.selection
        const initial = base.peekAll(watchOptions.namespace).filter(({ object }) => matches?.(object) ?? true)
        await views.all(initial)
      }
      const ended = new AbortController()
      signal.addEventListener('abort', () => ended.abort(signal.reason), { once: true })
      if (signal.aborted) ended.abort(signal.reason)
      await base.watch(watchOptions, convertingSink(views, sink, ended), ended.signal)
    },
    keyOf: (namespace, name) => base.keyOf(namespace, name),
    count: () => base.count(),
    ready: base.ready,
    // The base store belongs to the resource table.
    close() {},
  }
}

function startsWithObjects({ resourceVersion, sendInitialEvents }: StoreWatchOptions): boolean {
  return sendInitialEvents ?? (resourceVersion === '' || resourceVersion === '0')
}

/** Events stay in order: while one is being converted, the store below holds the next. */
function convertingSink(views: Views, sink: StoreWatchSink, ended: AbortController): StoreWatchSink {
  let pending: Promise<void> | undefined
  return {
    onEvent(event, resume) {
      const { type } = event
      const view = type === 'BOOKMARK' ? views.bookmark(event.object) : views.one(event.object)
      if (!(view instanceof Promise)) return sink.onEvent({ type, object: view }, resume)
      pending = view
        .then((object) => {
          pending = undefined
          if (sink.onEvent({ type, object }, resume) !== false) resume()
        })
        .catch(() => {
          // Nobody can be shown what happened: the watcher starts again, and a list tells it why.
          sink.onEnd('closed')
          ended.abort()
        })
      return false
    },
    onEnd(reason) {
      if (pending === undefined) sink.onEnd(reason)
      else void pending.then(() => sink.onEnd(reason))
    },
  }
}

interface Slot {
  view: CachedObject | undefined
  pending: Promise<CachedObject> | undefined
}

class Views {
  readonly #options: ConvertingStoreOptions
  readonly #slotName = `converted:${storeCount++}`

  constructor(options: ConvertingStoreOptions) {
    this.#options = options
  }

  bookmark(object: CachedObject): CachedObject {
    const { apiVersion } = this.#options
    return object.object.apiVersion === apiVersion
      ? object
      : transientObject(object.key, { ...(object.object as KubeObject), apiVersion })
  }

  /** Without a promise when there is nothing to convert. */
  one(base: CachedObject): CachedObject | Promise<CachedObject> {
    const slot = this.#slotOf(base)
    const known = slot.view ?? slot.pending ?? this.#withoutConversion(base, slot)
    if (known !== undefined) return known
    const { apiVersion } = this.#options
    slot.pending = this.convert([base.object], apiVersion)
      .then(([converted]) => this.#keep(base, slot, converted as KubeObject))
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
      const { apiVersion } = this.#options
      const converted = await this.convert(
        missing.map(({ item }) => item.object),
        apiVersion,
      )
      missing.forEach((entry, index) => {
        entry.view = this.#keep(entry.item, entry.slot, converted[index] as KubeObject)
      })
    }
    return found.map(({ item, view }) => view ?? item)
  }

  /** Defaulted by the version they come from, pruned by the one they become. */
  async convert(objects: readonly DeepReadonly<KubeObject>[], apiVersion: string): Promise<KubeObject[]> {
    const { converter, schemaOf } = this.#options
    const read = objects.map((object) => schemaOf(object.apiVersion)?.read(object) ?? object)
    const converted = await converter.convert(read, apiVersion)
    const schema = schemaOf(apiVersion)
    for (const object of converted) schema?.prune(object)
    return converted
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

  #keep(base: CachedObject, slot: Slot, object: DeepReadonly<KubeObject>): CachedObject {
    const isStale = base.object.apiVersion !== this.#options.storageApiVersion
    slot.view = new ConvertedObject(base, object, this.#slotName, isStale)
    return slot.view
  }
}

const baseOf = (cached: CachedObject): CachedObject => (cached instanceof ConvertedObject ? cached.base : cached)

class ConvertedObject implements CachedObject {
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
    if (this.#memos.has(representation)) return this.#memos.get(representation) as T
    const made = make()
    this.#memos.set(representation, made)
    return made
  }
}
