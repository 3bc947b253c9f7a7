import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepCopy, deepFreeze } from '#machinery/util/json.ts'
import { CustomObjectSchema } from './custom-object-schema.ts'
import type { SchemaProps } from './props.ts'
import { validateValue } from './validate.ts'

/** mulberry32: the same numbers for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

type Below = (below: number) => number
const NAMES = ['a', 'b', 'c', 'spec', '__proto__', 'metadata', 'kind']
const pick = <T>(below: Below, list: readonly T[]): T => list[below(list.length)] as T

function randomSchema(below: Below, depth: number): SchemaProps {
  const kind = depth === 0 ? below(4) : below(8)
  const nullable = below(4) === 0
  if (kind === 0) return { type: 'string', nullable, ...(below(2) === 0 ? { default: 'd' } : {}) }
  if (kind === 1) return { type: 'integer', nullable, minimum: 1, ...(below(3) === 0 ? { default: 3 } : {}) }
  if (kind === 2) return { 'x-kubernetes-int-or-string': true }
  if (kind === 3) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  if (kind === 4) return { type: 'array', items: randomSchema(below, depth - 1) }
  if (kind === 5)
    return { type: 'object', additionalProperties: below(3) === 0 ? true : randomSchema(below, depth - 1) }
  return randomObjectSchema(below, depth, kind === 7)
}

function randomObjectSchema(below: Below, depth: number, isEmbedded: boolean): SchemaProps {
  const properties: Record<string, SchemaProps> = {}
  for (let i = below(4); i >= 0; i--) properties[pick(below, ['a', 'b', 'c'])] = randomSchema(below, depth - 1)
  return {
    type: 'object',
    properties,
    ...(below(4) === 0 ? { default: {} } : {}),
    ...(isEmbedded ? { 'x-kubernetes-embedded-resource': true } : {}),
  }
}

function randomValue(below: Below, depth: number): unknown {
  const kind = depth === 0 ? below(5) : below(9)
  if (kind < 5) return pick(below, [null, 'x', '', 0, 7, 1.5, true])
  if (kind < 7) return Array.from({ length: below(3) }, () => randomValue(below, depth - 1))
  const members: [string, unknown][] = []
  for (let i = below(4); i > 0; i--) {
    const name = pick(below, NAMES)
    members.push([
      name,
      name === 'metadata' ? { labels: { a: 'b' }, [pick(below, NAMES)]: null } : randomValue(below, depth - 1),
    ])
  }
  return Object.fromEntries(members)
}

describe('random objects under random schemas', () => {
  it('settle: decoded and defaulted objects decode, default and read as themselves', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const below = randomNumbers(seed)
      const root = { type: 'object', properties: { spec: randomObjectSchema(below, 4, false) } }
      const schema = new CustomObjectSchema(root)
      const object = {
        apiVersion: 'example.com/v1',
        kind: 'A',
        metadata: {},
        spec: randomValue(below, 5),
      } as KubeObject
      const expected = deepCopy<KubeObject>(object)
      schema.prune(expected)
      schema.applyDefaults(expected)
      expect(schema.read(deepFreeze(deepCopy<KubeObject>(object))), `seed ${seed}`).toEqual(expected)
      try {
        schema.decode(object)
      } catch {
        continue // Embedded metadata of the wrong type.
      }
      schema.applyDefaults(object)
      validateValue(object, schema.node)
      const settled = deepCopy<KubeObject>(object)
      expect(schema.decode(object).unknownFields, `seed ${seed}`).toEqual([])
      schema.applyDefaults(object)
      expect(object, `seed ${seed}`).toEqual(settled)
      expect(schema.read(settled) === settled, `seed ${seed}`).toBe(true)
    }
  })
})
