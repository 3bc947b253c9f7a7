/** Random objects of every built-in kind through what may lose or break them: decoding, defaulting, the patches, apply. */
import { describe, expect, it } from 'vitest'
import type { ApplyWriteRequest } from '#apiserver/registry/generic/interfaces.ts'
import { createFieldManager } from '#apiserver/registry/managed-fields/field-manager.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { applyMergePatch, createMergePatch } from '#machinery/patch/merge-patch.ts'
import { createThreeWayStrategicMergePatch } from '#machinery/patch/strategic-diff.ts'
import { applyStrategicMergePatch } from '#machinery/patch/strategic-merge.ts'
import { decodeProtobuf } from '#machinery/schema/protobuf/decode.ts'
import { encodeProtobuf } from '#machinery/schema/protobuf/encode.ts'
import { fieldSetOf } from '#machinery/structured-merge/field-set-of.ts'
import { removeItems } from '#machinery/structured-merge/remove.ts'
import { deepCopy, deepFreeze } from '#machinery/util/json.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { JsonObject } from '#machinery/util/types.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { Plain } from '#test/support/random-change.ts'
import { divided, thinned, uniqueItems, withoutEmpty, withoutNulls } from '#test/support/random-change.ts'
import type { Row } from './random-kinds.ts'
import { configOf, everyObject, OBJECTS, objectOf, otherOf, ROWS, SEED } from './random-kinds.ts'

describe(`${OBJECTS} random objects of seed ${SEED}`, () => {
  it('pass both codecs unchanged', () => {
    everyObject((row, random) => {
      const object = objectOf(row, random)
      const bytes = encodeProtobuf(object)
      if (bytes === undefined) throw new Error('no protobuf form')
      expect(decodeProtobuf(bytes)).toEqual(object)
      const parsed = JSON.parse(JSON.stringify(object)) as KubeObject
      expect(row.version.schema.decode(parsed).unknownFields).toEqual([])
      expect(parsed).toEqual(object)
    })
  })

  it('lose what the schema does not know and nothing else', () => {
    everyObject((row, random) => {
      const object = objectOf(row, random)
      const polluted = deepCopy<KubeObject & Plain>(object)
      polluted['aliens'] = { x: 1 }
      ;(polluted.metadata as unknown as Plain)['alien'] = [1]
      const { unknownFields } = row.version.schema.decode(polluted)
      expect([...unknownFields].sort()).toEqual(['unknown field "aliens"', 'unknown field "metadata.alien"'])
      expect(polluted).toEqual(object)
    })
  })

  it('are defaulted once and for all', () => {
    everyObject((row, random) => {
      const object: KubeObject & JsonObject = deepCopy(otherOf(row, objectOf(row, random), random))
      row.version.schema.decode(object)
      row.version.schema.applyDefaults(object)
      const once = deepCopy(object)
      expect(row.version.schema.decode(once).unknownFields).toEqual([])
      expect(once).toEqual(object)
      row.version.schema.applyDefaults(object)
      expect(object).toEqual(once)
    })
  })

  it('become one another by JSON merge patch', () => {
    everyObject((row, random) => {
      const from = deepFreeze(withoutNulls(objectOf(row, random)))
      const to = deepFreeze(withoutNulls(otherOf(row, from as KubeObject & JsonObject, random)))
      const patch = createMergePatch(from as JsonObject, to as JsonObject)
      expect(applyMergePatch(from as JsonObject, patch)).toEqual(to)
      expect(createMergePatch(to as JsonObject, to as JsonObject)).toEqual({})
    })
  })

  it('become one another by strategic merge patch', () => {
    everyObject((row, random) => {
      const schema = row.version.schema.strategicMerge
      if (schema === undefined) throw new Error('no strategic merge')
      const from = withoutNulls(objectOf(row, random))
      uniqueItems(row.type, from)
      const to = withoutNulls(otherOf(row, from, random))
      uniqueItems(row.type, to)
      const patch = createThreeWayStrategicMergePatch(from, to, from, schema)
      const patched = applyStrategicMergePatch(from, patch, schema)
      expect(withoutEmpty(patched)).toEqual(withoutEmpty(to))
      expect(applyStrategicMergePatch(to, createThreeWayStrategicMergePatch(to, to, to, schema), schema)).toEqual(to)
    })
  })
})

/** Conversions to other versions lose what those do not have; nothing is stored of reviews. */
const APPLIED = ROWS.filter(
  ({ definition, version }) => definition.virtualCreate === undefined && version.toStorage === undefined,
)

/** Nobody owns the spec of a certificate request, which no write can change: an apply takes none of it away. */
const OWNED = APPLIED.filter(({ definition }) => definition.kind !== 'CertificateSigningRequest')

const clock = new FakeClock()

/** A resource that holds one object, as the server applies to it. */
class Applied {
  live: KubeObject | undefined
  readonly #row: Row
  readonly #fields

  constructor(row: Row) {
    this.#row = row
    this.#fields = createFieldManager(row.definition)
  }

  apply(manager: string, config: KubeObject): KubeObject {
    const { object, managedFields } = this.#fields.apply(this.live, deepFreeze(config) as KubeObject, {
      ...this.#request(manager),
    })
    this.#row.version.schema.decode(object)
    if (managedFields !== undefined) object.metadata.managedFields = managedFields
    this.live = deepFreeze(JSON.parse(JSON.stringify(object)) as KubeObject) as KubeObject
    return this.live
  }

  fillDefaults(): KubeObject {
    const copy = deepCopy(this.live as KubeObject)
    this.#row.version.schema.applyDefaults(copy)
    this.live = deepFreeze(copy) as KubeObject
    return this.live
  }

  get withoutOwners(): unknown {
    const copy = deepCopy(this.live as KubeObject)
    delete copy.metadata.managedFields
    return withoutEmpty(copy)
  }

  get managers(): string[] {
    return (this.live?.metadata.managedFields ?? []).map(({ manager }) => manager ?? '')
  }

  #request(manager: string): ApplyWriteRequest {
    const { definition, version } = this.#row
    const context = {
      user: { name: 'tester', uid: '', groups: [], extra: new Map() },
      namespace: 'ns',
      isDryRun: false,
      clock,
      random: systemRandom,
      signal: new AbortController().signal,
      warn() {},
    }
    const strategy = definition.strategy
    return { context, version: version.version, subresource: '', strategy, options: {}, manager, force: false }
  }
}

const identified = ({ apiVersion, kind }: KubeObject, value: unknown): KubeObject & JsonObject => {
  const object = (withoutEmpty(value) ?? {}) as KubeObject & JsonObject
  return { ...object, apiVersion, kind, metadata: { ...object.metadata, name: 'x' } } as KubeObject & JsonObject
}

describe(`${OBJECTS} random configurations of seed ${SEED}`, () => {
  it('are owned to the last leaf', () => {
    everyObject((row, random) => {
      const config = configOf(row, random)
      expect(withoutEmpty(removeItems(row.mergeType, config, fieldSetOf(row.mergeType, config)))).toBeUndefined()
    }, APPLIED)
  })

  it('change nothing when applied again', () => {
    everyObject((row, random) => {
      const config = configOf(row, random)
      const applied = new Applied(row)
      const first = applied.apply('one', config)
      expect(applied.withoutOwners).toEqual(config)
      expect(applied.apply('one', config)).toEqual(first)
      const defaulted = applied.fillDefaults()
      applied.apply('one', config)
      // Defaulting has the last word where two fields say the same.
      expect(applied.fillDefaults()).toEqual(defaulted)
    }, APPLIED)
  })

  it('take away exactly what they no longer say', () => {
    everyObject((row, random) => {
      const config = configOf(row, random)
      const less = identified(config, thinned(row.mergeType, config, random, 0.2))
      const applied = new Applied(row)
      applied.apply('one', config)
      applied.apply('one', less)
      expect(applied.withoutOwners).toEqual(less)
    }, OWNED)
  })

  it('of two managers with nothing in common survive each other', () => {
    everyObject((row, random) => {
      const config = configOf(row, random)
      const [mine, yours] = divided(row.mergeType, config, random).map((half) => identified(config, half))
      const applied = new Applied(row)
      applied.apply('one', mine as KubeObject)
      applied.apply('two', yours as KubeObject)
      expect(applied.withoutOwners).toEqual(config)
      applied.apply('one', identified(config, {}))
      expect(applied.withoutOwners).toEqual(yours)
      expect(applied.managers).not.toContain('one')
    }, OWNED)
  })
})
