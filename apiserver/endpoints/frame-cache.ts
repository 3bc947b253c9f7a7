/**
 * Encoded watch frames shared by the watchers of one resource version. Only the latest ones are kept: watchers of the
 * same events come by one right after another, and objects must not carry their frames around for life.
 */
import type { CachedObject } from '../storage/cacher/interface.ts'
import type { FrameCache } from './interfaces.ts'

const ENTRIES_MAX = 256
const BYTES_MAX = 2 * 1024 * 1024

interface Entry {
  readonly type: string
  readonly bytes: Buffer
}

export function createFrameCache(): FrameCache {
  const entries = new Map<CachedObject, Entry>()
  let total = 0
  const evictOldest = (): void => {
    for (const [object, entry] of entries) {
      entries.delete(object)
      total -= entry.bytes.length
      return
    }
  }
  return {
    get(object, type, encode) {
      const known = entries.get(object)
      if (known?.type === type) return known.bytes
      const bytes = encode()
      if (known !== undefined) {
        entries.delete(object)
        total -= known.bytes.length
      }
      entries.set(object, { type, bytes })
      total += bytes.length
      while (entries.size > ENTRIES_MAX || (total > BYTES_MAX && entries.size > 1)) evictOldest()
      return bytes
    },
  }
}
