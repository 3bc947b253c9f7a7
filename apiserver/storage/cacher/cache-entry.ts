/**
 * CachedObject as the cache holds it: the stored bytes (without resourceVersion), and, made on first use, the decoded
 * object, the JSON with resourceVersion, and the endpoints layer's representations.
 *
 * Values are stored as JSON with kind, apiVersion and metadata first, so that adding the resourceVersion is one splice at
 * a known place instead of a decode and an encode.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { assert } from '#machinery/util/assert.ts'
import { deepFreeze, setMember } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EncodedBudget } from './encoded-budget.ts'
import type { CachedObject } from './interface.ts'
import { memoized } from './memoized.ts'

const METADATA_MARK = '"metadata":{'
const CLOSING_BRACE = 0x7d

/** What all entries of a cacher share. */
export interface EntrySettings {
  readonly isFrozen: boolean
  readonly encoded: EncodedBudget
  /** For what `encoded` holds beside the JSON. */
  readonly representations: EncodedBudget
}

export class CacheEntry implements CachedObject {
  readonly key: string
  readonly revision: number
  readonly #value: Buffer
  readonly #settings: EntrySettings
  #object: KubeObject | undefined
  #json: Buffer | undefined
  #memos: Map<string, unknown> | undefined
  #representations: Map<string, Buffer> | undefined

  /** `object`, when known, is the decoded value with this revision as its resourceVersion. */
  constructor(key: string, revision: number, value: Buffer, settings: EntrySettings, object?: KubeObject) {
    this.key = key
    this.revision = revision
    this.#value = value
    this.#settings = settings
    this.#object = object !== undefined && settings.isFrozen ? deepFreeze(object) : object
  }

  get sizeBytes(): number {
    return this.#value.length
  }

  get object(): DeepReadonly<KubeObject> {
    if (this.#object === undefined) {
      const object = JSON.parse(this.#value.toString('utf8')) as KubeObject
      object.metadata.resourceVersion = String(this.revision)
      this.#object = this.#settings.isFrozen ? deepFreeze(object) : object
    }
    return this.#object
  }

  json(): Buffer {
    if (this.#json === undefined) {
      this.#json = spliceResourceVersion(this.#value, this.revision)
      this.#settings.encoded.add(this, '', this.#json.length)
    }
    return this.#json
  }

  encoded(representation: string, make: () => Buffer): Buffer {
    const known = this.#representations?.get(representation)
    if (known !== undefined) return known
    const bytes = make()
    this.#representations ??= new Map()
    this.#representations.set(representation, bytes)
    this.#settings.representations.add(this, representation, bytes.length)
    return bytes
  }

  /** For the budgets: what was dropped is made anew when it is next asked for. */
  dropEncoded(representation: string): void {
    if (representation === '') this.#json = undefined
    else this.#representations?.delete(representation)
  }

  memo<T>(representation: string, make: () => T): T {
    this.#memos ??= new Map()
    return memoized(this.#memos, representation, make)
  }

  /** The same content at the revision of the delete (or of the change that took it out of a selection). */
  atRevision(revision: number): CacheEntry {
    const object = this.#object
    const moved = object && {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    }
    return new CacheEntry(this.key, revision, this.#value, this.#settings, moved)
  }

  /**
   * Called when a newer version has replaced this one: what can be made again from the bytes is let go, because the event
   * window keeps replaced versions around. Readers who already hold the decoded object keep it.
   */
  release(): void {
    this.#object = undefined
    this.#json = undefined
    this.#memos = undefined
    this.#representations = undefined
  }
}

/**
 * The object as it is stored: kind, apiVersion and metadata first, no resourceVersion. A shallow copy, so that a draft may
 * share parts, even its metadata, with the cached object it was made from.
 */
export function toStoredForm(object: KubeObject): KubeObject {
  assert(typeof object.metadata === 'object', 'the registry validates metadata before it writes')
  const { resourceVersion: _, ...metadata } = object.metadata
  const ordered = { kind: object.kind, apiVersion: object.apiVersion, metadata }
  for (const member of Object.keys(object)) {
    if (Object.hasOwn(ordered, member)) continue
    setMember(ordered as Record<string, unknown>, member, (object as unknown as Record<string, unknown>)[member])
  }
  return ordered
}

/**
 * `object` is in stored form. Not from Node's shared pool: these bytes live long, and would keep slabs alive that are full
 * of what does not.
 */
export function encodeStored(object: KubeObject): Buffer {
  const text = JSON.stringify(object)
  const value = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  value.write(text)
  return value
}

function spliceResourceVersion(value: Buffer, revision: number): Buffer {
  const mark = value.indexOf(METADATA_MARK)
  assert(mark > 0, 'stored objects carry metadata')
  const at = mark + METADATA_MARK.length
  const comma = value[at] === CLOSING_BRACE ? '' : ','
  const member = `"resourceVersion":"${revision}"${comma}`
  const json = Buffer.allocUnsafeSlow(value.length + member.length)
  value.copy(json, 0, 0, at)
  json.write(member, at, 'latin1')
  value.copy(json, at + member.length, at)
  return json
}
