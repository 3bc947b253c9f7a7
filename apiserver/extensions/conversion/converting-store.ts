/**
 * The store of a custom resource seen in one of several versions: everything above it works on that version and stays
 * synchronous. Objects that are stored in this version pass through.
 * Upstream: apiextensions-apiserver customresource_handler.go (crdConversionRESTOptionsGetter).
 * Differs: a page of an old list is selected by objects as they are stored where only a webhook knows better; peek answers
 * stored objects (their metadata is the same).
 */
import type { ObjectStore, Selection, StoreListOptions, StoreWatchOptions } from '../../storage/cacher/interface.ts'
import { convertingSink } from './converting-sink.ts'
import type { ViewOptions } from './views.ts'
import { baseOf, ConvertedObject, Views } from './views.ts'

export function createConvertingStore(base: ObjectStore, options: ViewOptions): ObjectStore {
  const views = new Views(options)
  return {
    create: async (key, object, writeOptions) =>
      views.one(await base.create(key, await views.toStorage(object), writeOptions)),
    update: async (expected, object, writeOptions) =>
      views.one(await base.update(baseOf(expected), await views.toStorage(object), writeOptions)),
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
      if (!views.isImmediate && listOptions.selection.matches !== undefined) await convertAll(base, views, listOptions)
      const list = await base.list({ ...listOptions, selection: selectionOf(views, listOptions.selection) })
      return { ...list, items: await views.all(list.items) }
    },
    async watch(watchOptions, sink, signal) {
      const { matches } = watchOptions.selection
      if (startsWithObjects(watchOptions)) await convertAll(base, views, watchOptions)
      const ended = new AbortController()
      signal.addEventListener('abort', () => ended.abort(signal.reason), { once: true })
      if (signal.aborted) ended.abort(signal.reason)
      // A webhook is asked after the store below has chosen: it must choose everything then.
      const isChosenLate = !views.isImmediate && matches !== undefined
      const selection = isChosenLate ? {} : selectionOf(views, watchOptions.selection)
      const converting = convertingSink({ views, sink, ended, ...(isChosenLate ? { matches } : {}) })
      await base.watch({ ...watchOptions, selection }, converting, ended.signal)
    },
    keyOf: (namespace, name) => base.keyOf(namespace, name),
    count: () => base.count(),
    ready: base.ready,
    // The base store belongs to the resource table.
    endWatches() {},
    close() {},
  }
}

/** By what is shown, as clients see it. */
function selectionOf(views: Views, { matches }: Selection): Selection {
  return matches === undefined ? {} : { matches: (stored) => matches(views.shown(stored)) }
}

/** In one call, so that neither selectors nor the first events wait for one each. */
async function convertAll(
  base: ObjectStore,
  views: Views,
  options: StoreListOptions | StoreWatchOptions,
): Promise<void> {
  const { namespace, name } = options
  await views.all(base.peekAll(namespace).filter(({ object }) => name === undefined || object.metadata.name === name))
}

function startsWithObjects({ resourceVersion, sendInitialEvents }: StoreWatchOptions): boolean {
  return sendInitialEvents ?? (resourceVersion === '' || resourceVersion === '0')
}
