/**
 * Watch events of stored objects as events of one version. They stay in order: while one is being converted, the store
 * below holds the next. With `matches`, what is shown decides what an event is, as the cache does for stored objects.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { transientObject } from '../../registry/generic/transient-object.ts'
import type { CachedObject, StoreWatchEvent, StoreWatchSink } from '../../storage/cacher/interface.ts'
import type { Views } from './views.ts'

interface ConvertingSinkOptions {
  readonly views: Views
  readonly sink: StoreWatchSink
  /** Aborted when an event cannot be converted. */
  readonly ended: AbortController
  /** Over shown objects. Absent: the store below has chosen. */
  readonly matches?: (shown: DeepReadonly<KubeObject>) => boolean
}

export function convertingSink({ views, sink, ended, matches }: ConvertingSinkOptions): StoreWatchSink {
  let pending: Promise<void> | undefined
  return {
    onEvent(event, resume) {
      const shown = show(event, views, matches)
      if (!(shown instanceof Promise)) return shown === undefined ? undefined : sink.onEvent(shown, resume)
      pending = shown
        .then((converted) => {
          pending = undefined
          if (converted === undefined || sink.onEvent(converted, resume) !== false) resume()
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

type Shown = StoreWatchEvent | undefined

/** Undefined: the change is none of the watcher's business. */
function show(event: StoreWatchEvent, views: Views, matches: ConvertingSinkOptions['matches']): Shown | Promise<Shown> {
  const { type } = event
  if (type === 'BOOKMARK') return { type, object: views.bookmark(event.object) }
  const object = views.one(event.object)
  if (matches === undefined) {
    return object instanceof Promise ? object.then((view) => ({ type, object: view })) : { type, object }
  }
  const previous = event.previous === undefined ? undefined : views.one(event.previous)
  if (!(object instanceof Promise) && !(previous instanceof Promise)) return choose(type, object, previous, matches)
  return Promise.all([object, previous]).then(([view, before]) => choose(type, view, before, matches))
}

function choose(
  type: StoreWatchEvent['type'],
  object: CachedObject,
  previous: CachedObject | undefined,
  matches: (shown: DeepReadonly<KubeObject>) => boolean,
): Shown {
  const isIn = matches(object.object)
  if (type !== 'MODIFIED') return isIn ? { type, object } : undefined
  const wasIn = previous !== undefined && matches(previous.object)
  if (isIn) return { type: wasIn ? 'MODIFIED' : 'ADDED', object }
  return wasIn ? { type: 'DELETED', object: lastChosen(previous, object) } : undefined
}

/** The last content that was chosen, with the resourceVersion of the change. */
function lastChosen(previous: CachedObject, { object }: CachedObject): CachedObject {
  const { resourceVersion = '' } = object.metadata
  const before = previous.object as KubeObject
  return transientObject(previous.key, { ...before, metadata: { ...before.metadata, resourceVersion } })
}
