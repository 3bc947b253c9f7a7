/**
 * Lists of one resource: from the current objects, from the recent past by undoing the event window, or from the storage
 * log; whole or in pages that are consistent with each other.
 * Upstream: apiserver pkg/storage/{cacher/lister.go, etcd3/store.go GetList}.
 */

import type { StatusError } from '#machinery/meta/errors.ts'
import { newBadRequest, newExpired } from '#machinery/meta/errors.ts'
import type { Storage } from '../interface.ts'
import { StorageError } from '../interface.ts'
import { endOfPrefix } from '../sorted-map.ts'
import type { EntrySettings } from './cache-entry.ts'
import { CacheEntry } from './cache-entry.ts'
import { decodeContinue, encodeContinue, encodeContinueAfter, INCONSISTENT_REVISION } from './continue-token.ts'
import type { EventWindow } from './event-window.ts'
import type { StoreList, StoreListOptions } from './interface.ts'
import type { ObjectIndex, Scan } from './object-index.ts'
import type { Progress } from './progress.ts'
import { isUnset, parseRevision } from './resource-version.ts'
import type { Scope } from './scope.ts'
import { isInScope, isSelected } from './scope.ts'

const LIST_TOO_OLD = 'The resourceVersion for the provided list is too old.'
const CONTINUE_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.'

/** Entries read from the log at a time when a selector throws some away. */
const LOG_PAGE_MIN = 500

interface ListerParts {
  readonly storage: Storage
  readonly progress: Progress
  readonly objects: ObjectIndex
  /** A function, because a restarted cache has a new window. */
  readonly window: () => EventWindow
  readonly settings: EntrySettings
}

interface Page {
  readonly scope: Scope
  readonly startKey: string
  readonly limit: number
  readonly revision: number
}

export class Lister {
  readonly #parts: ListerParts

  constructor(parts: ListerParts) {
    this.#parts = parts
  }

  async list(scope: Scope, options: StoreListOptions): Promise<StoreList> {
    const { resourceVersion, resourceVersionMatch, limit } = options
    if (options.continueToken !== '') return this.#continue(scope, options)
    // With a limit, upstream reads a bare resourceVersion as Exact.
    const isExact = resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && limit > 0)
    if (isExact && !isUnset(resourceVersion)) {
      return this.#listAt({ scope, startKey: scope.prefix, limit, revision: parseRevision(resourceVersion) }, false)
    }
    await this.#waitFor(resourceVersion)
    // Upstream's cache answers "any version" whole, whatever the limit.
    return this.#listCurrent(scope, scope.prefix, resourceVersion === '0' ? 0 : limit)
  }

  async #waitFor(resourceVersion: string): Promise<void> {
    if (resourceVersion === '0') return
    const { storage, progress } = this.#parts
    const revision = resourceVersion === '' ? await storage.currentRevision() : parseRevision(resourceVersion)
    await progress.waitFor(revision)
  }

  async #continue(scope: Scope, options: StoreListOptions): Promise<StoreList> {
    const { revision, startKey } = decodeContinue(options.continueToken, scope.prefix)
    if (!isUnset(options.resourceVersion)) {
      throw newBadRequest('specifying resource version is not allowed when using continue')
    }
    const { limit } = options
    if (revision !== INCONSISTENT_REVISION) return this.#listAt({ scope, startKey, limit, revision }, true)
    await this.#waitFor('')
    return this.#listCurrent(scope, startKey, limit)
  }

  #listCurrent(scope: Scope, startKey: string, limit: number): StoreList {
    const { objects, progress } = this.#parts
    const { revision } = progress
    const { index } = scope
    if (scope.key !== undefined) return this.#listOne(scope, scope.key, startKey, objects.get(scope.key))
    const isIndexed = index !== undefined && objects.hasIndex(index.name)
    const scan = isIndexed ? objects.scanIndex(index.name, index.value) : objects.scan
    const count = (from: string): number => objects.count(from, endOfPrefix(scope.prefix))
    return collect({ scope, startKey, limit, revision }, scan, count)
  }

  #listOne(scope: Scope, key: string, startKey: string, entry: CacheEntry | undefined): StoreList {
    const isListed = entry !== undefined && key >= startKey && isSelected(scope, entry)
    return lastPage(isListed ? [entry] : [], this.#parts.progress.revision)
  }

  /** At exactly `page.revision`. */
  async #listAt(page: Page, isContinued: boolean): Promise<StoreList> {
    const { storage, progress, objects } = this.#parts
    const { revision, scope } = page
    await progress.waitFor(revision)
    const compacted = await storage.compactedRevision()
    if (revision < compacted) throw expired(page, isContinued)
    const window = this.#parts.window()
    if (revision < window.floor) return this.#listFromLog(page, isContinued)
    const scan = objects.scanUndone(window.undoTo(revision))
    const count = (from: string): number => {
      let counted = 0
      scan(from, endOfPrefix(scope.prefix), () => {
        counted++
        return true
      })
      return counted
    }
    return collect(page, scan, count)
  }

  async #listFromLog(page: Page, isContinued: boolean): Promise<StoreList> {
    const { scope, limit, revision } = page
    const items: CacheEntry[] = []
    const pageLimit = limit === 0 ? 0 : Math.max(limit, scope.isUnselective ? 0 : LOG_PAGE_MIN)
    let { startKey } = page
    for (;;) {
      const read = await this.#readLog(page, startKey, pageLimit, isContinued)
      for (const [i, { key, modRevision, value }] of read.entries.entries()) {
        const entry = new CacheEntry(key, modRevision, value, this.#parts.settings)
        startKey = `${key}\0`
        if (isSelected(scope, entry)) items.push(entry)
        const after = read.entries.length - i - 1 + read.remaining
        if (limit > 0 && items.length === limit && after > 0) return pageOf(page, items, key, after)
      }
      if (read.remaining === 0) return lastPage(items, revision)
    }
  }

  async #readLog(page: Page, startKey: string, limit: number, isContinued: boolean) {
    const { prefix } = page.scope
    try {
      return await this.#parts.storage.list(prefix, { revision: page.revision, startKey, limit })
    } catch (err) {
      if (err instanceof StorageError && err.code === 'Compacted') throw expired(page, isContinued)
      throw err
    }
  }
}

/** `count`: keys of the scope's prefix from a key on, for remainingItemCount. */
function collect(page: Page, scan: Scan, count: (from: string) => number): StoreList {
  const { scope, startKey, limit, revision } = page
  const items: CacheEntry[] = []
  let lastKey: string | undefined
  let hasMore = false
  const isWhole = scope.isUnselective
  scan(startKey, endOfPrefix(scope.prefix), (entry, key) => {
    if (limit > 0 && items.length === limit) {
      hasMore = true
      return false
    }
    lastKey = key
    if (isWhole || (isInScope(scope, key) && (scope.matches === undefined || scope.matches(entry)))) items.push(entry)
    return true
  })
  if (!hasMore || lastKey === undefined) return lastPage(items, revision)
  return pageOf(page, items, lastKey, isWhole ? count(`${lastKey}\0`) : 0)
}

function lastPage(items: CacheEntry[], revision: number): StoreList {
  return { items, resourceVersion: String(revision), continueToken: '', remainingItemCount: undefined }
}

function pageOf(page: Page, items: CacheEntry[], lastKey: string, remaining: number): StoreList {
  const { scope, revision } = page
  return {
    items,
    resourceVersion: String(revision),
    continueToken: encodeContinueAfter(lastKey, scope.prefix, revision),
    // With a selector nobody knows how many of the rest would match.
    remainingItemCount: scope.isUnselective ? remaining : undefined,
  }
}

function expired(page: Page, isContinued: boolean): StatusError {
  if (!isContinued) return newExpired(LIST_TOO_OLD)
  const error = newExpired(CONTINUE_TOO_OLD)
  const position = { startKey: page.startKey, revision: INCONSISTENT_REVISION }
  error.status.metadata = { continue: encodeContinue(position, page.scope.prefix) }
  return error
}
