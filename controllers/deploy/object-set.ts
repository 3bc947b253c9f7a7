/**
 * Which objects belong to an Addon: not by ownerReferences (they may live in any namespace or none) but by a hash label and
 * annotations, the same ones k3s writes, so its tooling understands ours. Upstream: rancher/wrangler pkg/apply.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepCopy, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'

export const HASH_LABEL = 'objectset.rio.cattle.io/hash'
export const PRUNE_LABEL = 'objectset.rio.cattle.io/prune'
const APPLIED = 'objectset.rio.cattle.io/applied'
const OWNER_GVK = 'k3s.cattle.io/v1, Kind=Addon'
/** Applied configurations from this size on are stored compressed. */
const PLAIN_LIMIT_BYTES = 1024
/** No object is larger than this; a longer one is not ours to unpack. */
const APPLIED_LIMIT_BYTES = 8 * 1024 * 1024

export interface AddonIdentity {
  readonly namespace: string
  readonly name: string
}

/** The value of the hash label: SHA-1 over set id (empty), owner kind, name and namespace, plainly concatenated. */
export function objectSetHash(addon: AddonIdentity): string {
  return createHash('sha1').update(`${OWNER_GVK}${addon.name}${addon.namespace}`).digest('hex')
}

/** The object as it will be written: labelled, annotated, with its own configuration recorded for later merges. */
export async function withOwner(object: DeepReadonly<KubeObject>, addon: AddonIdentity): Promise<KubeObject> {
  const owned = deepCopy<KubeObject>(object)
  owned.metadata.labels = { ...owned.metadata.labels, [HASH_LABEL]: objectSetHash(addon) }
  owned.metadata.annotations = {
    ...owned.metadata.annotations,
    'objectset.rio.cattle.io/id': '',
    'objectset.rio.cattle.io/owner-gvk': OWNER_GVK,
    'objectset.rio.cattle.io/owner-name': addon.name,
    'objectset.rio.cattle.io/owner-namespace': addon.namespace,
  }
  const applied = await encodeApplied(owned)
  owned.metadata.annotations[APPLIED] = applied
  return owned
}

/** What we applied last, as recorded on the live object; undefined when it was never ours. */
export async function lastApplied(live: DeepReadonly<KubeObject>): Promise<JsonObject | undefined> {
  const recorded = live.metadata.annotations?.[APPLIED]
  if (recorded === undefined) return undefined
  try {
    const json = recorded.startsWith('{') ? recorded : await decompress(recorded)
    const value: unknown = JSON.parse(json)
    return isObject(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined // Somebody edited the annotation: merge without it, which removes nothing.
  }
}

async function encodeApplied(object: KubeObject): Promise<string> {
  const json = JSON.stringify(object)
  if (Buffer.byteLength(json) < PLAIN_LIMIT_BYTES) return json
  return (await promisify(gzip)(json)).toString('base64').replace(/=+$/, '')
}

async function decompress(text: string): Promise<string> {
  const bytes = await promisify(gunzip)(Buffer.from(text, 'base64'), { maxOutputLength: APPLIED_LIMIT_BYTES } as never)
  return bytes.toString()
}
