/** What a verb answers when nothing was stored: dry runs, and the last state of an object that an update removed. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'

export function transientObject(key: string, object: KubeObject): CachedObject {
  return {
    key,
    object,
    revision: 0,
    sizeBytes: 0,
    json: () => Buffer.from(JSON.stringify(object)),
    memo: (_representation, make) => make(),
    encoded: (_representation, make) => make(),
  }
}
