/**
 * What happens to an object that exists and was not made by a manifest: by default it is taken over, and the fields that
 * change hands are reported; an object annotated `addon.k3s.cattle.io/force: "false"` in the file refuses instead.
 * k3s takes over silently.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepEqual, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { HASH_LABEL } from './object-set.ts'

const FORCE = 'addon.k3s.cattle.io/force'
/** Paths named in one report. */
const PATHS_MAX = 20

class TakeoverRefusedError extends Error {
  override readonly name = 'TakeoverRefusedError'

  constructor(fields: readonly string[]) {
    const differing = fields.length === 0 ? 'no field differs' : `differing fields: ${fields.join(', ')}`
    super(`exists and belongs to somebody else (${differing}); remove the annotation ${FORCE}="false" to take it over`)
  }
}

/** The file says that the object must not be taken over. */
export function refusesTakeover(desired: DeepReadonly<KubeObject>): boolean {
  return desired.metadata.annotations?.[FORCE] === 'false'
}

/**
 * The live object's fields a patch would change, when the object does not carry our hash; undefined when it is ours.
 * Throws TakeoverRefusedError when the file does not allow it.
 */
export function takenOverFields(
  desired: DeepReadonly<KubeObject>,
  live: DeepReadonly<KubeObject>,
  patch: object,
): readonly string[] | undefined {
  const ours = desired.metadata.labels?.[HASH_LABEL]
  if (live.metadata.labels?.[HASH_LABEL] === ours) return undefined
  const fields = [...changedPaths(patch, live, '')].slice(0, PATHS_MAX)
  if (refusesTakeover(desired)) throw new TakeoverRefusedError(fields)
  return fields
}

/** Members of the patch that replace something else, as dotted paths. */
function* changedPaths(patch: object, live: object, parent: string): Generator<string> {
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$') || !Object.hasOwn(live, name)) continue
    const present = (live as Record<string, unknown>)[name]
    const path = parent === '' ? name : `${parent}.${name}`
    if (isObject(value) && isObject(present)) yield* changedPaths(value, present, path)
    else if (!deepEqual(value, present)) yield path
  }
}
