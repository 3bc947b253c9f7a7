import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { schemaFacts } from './facts.ts'
import { definitionName } from './openapi/names.ts'

const DATA = '../shared/data/kubernetes-1.36'

interface ExtractedField {
  readonly json: string
  readonly inline: boolean
  readonly omitempty: boolean
  readonly patchStrategy?: string
  readonly patchMergeKey?: string
  readonly proto?: string
  readonly markers: readonly string[]
}

interface SmdType {
  readonly list?: { readonly elementRelationship: string; readonly keys?: readonly string[] }
}

interface SmdNamedType {
  readonly name: string
  readonly map?: { readonly fields?: readonly { readonly name: string; readonly type: SmdType }[] }
}

const facts = schemaFacts()
const typeNames = Object.keys(facts.file.types)

describe('the committed facts', () => {
  it('refer only to types they hold', () => {
    const unknown = typeNames.flatMap((type) =>
      (facts.fieldsOf(type) ?? [])
        .map(([, expression]) => expression.replace(/^(\[\]|\{\})+/, ''))
        .filter((base) => base.includes('/') && facts.fieldsOf(base) === undefined),
    )
    expect(unknown).toEqual([])
  })

  it('know the kinds of every group', () => {
    expect(facts.typeOfKind('', 'v1', 'Pod')).toBe('core/v1.Pod')
    expect(facts.typeOfKind('apiregistration.k8s.io', 'v1', 'APIService')).toBe('apiregistration/v1.APIService')
    expect(facts.typeOfKind('', 'v1', 'DeleteOptions')).toBe('meta/v1.DeleteOptions')
    expect(facts.typeOfKind('', 'v1', 'toString')).toBeUndefined()
    expect(facts.fieldsOf('constructor')).toBeUndefined()
  })

  it('name the struct an embedded field comes from', () => {
    const [, , , , extra] =
      facts.fieldsOf('admissionregistration/v1.NamedRuleWithOperations')?.find(([name]) => name === 'apiGroups') ?? []
    expect(extra?.inline).toEqual(['RuleWithOperations', 2, 'admissionregistration/v1.RuleWithOperations'])
    for (const type of typeNames) {
      for (const [name, , , , fieldExtra] of facts.fieldsOf(type) ?? []) {
        if (fieldExtra?.inline === undefined) continue
        const inner = facts.fieldsOf(fieldExtra.inline[2])?.map(([innerName]) => innerName)
        expect({ type, inner }).toMatchObject({ inner: expect.arrayContaining([name]) })
      }
    }
  })

  it('give every field of a message a number of its own', () => {
    const clashes = typeNames.filter((type) => {
      const numbers = (facts.fieldsOf(type) ?? [])
        .filter(([, , proto, , extra]) => proto > 0 && extra?.inline === undefined)
        .map(([, , proto]) => proto)
      return new Set(numbers).size < numbers.length
    })
    expect(clashes).toEqual([])
  })
})

describe.skipIf(!existsSync(DATA))('an independent extraction (skipped: ../shared/data is absent)', () => {
  const goPackages = (type: string): string[] => {
    const [pkg, name] = [type.slice(0, type.indexOf('.')), type.slice(type.indexOf('.') + 1)]
    return [
      `k8s.io/api/${pkg}`,
      `k8s.io/apimachinery/pkg/apis/${pkg}`,
      `k8s.io/apiextensions-apiserver/pkg/apis/${pkg}`,
    ].map((path) => `${path}.${name}`)
  }

  it('agrees on names, optionality, patch metadata and protobuf numbers', () => {
    const { types } = JSON.parse(readFileSync(`${DATA}/types.json`, 'utf8')) as {
      types: Record<string, { fields: ExtractedField[] }>
    }
    let compared = 0
    for (const type of typeNames) {
      const extracted = goPackages(type)
        .map((name) => types[name])
        .find((found) => found !== undefined)
      for (const field of extracted?.fields ?? []) {
        if (field.inline || field.json === '' || field.json === '-') continue
        const fact = (facts.fieldsOf(type) ?? []).find(([name]) => name === field.json)
        const isRequired =
          !field.markers.some((text) => /^(k8s:)?optional$/.test(text)) &&
          (!field.omitempty || field.markers.some((text) => /^(k8s:)?required$/.test(text)))
        expect({
          at: `${type}.${field.json}`,
          proto: fact?.[2],
          isRequired: fact?.[3].includes('r'),
          strategy: fact?.[4]?.patchStrategy,
          mergeKey: fact?.[4]?.patchMergeKey,
        }).toEqual({
          at: `${type}.${field.json}`,
          proto: Number(/,(\d+)/.exec(field.proto ?? '')?.[1] ?? 0),
          isRequired,
          strategy: field.patchStrategy,
          mergeKey: field.patchMergeKey,
        })
        compared++
      }
    }
    expect(compared).toBeGreaterThan(3500)
  })

  it('agrees on fields and list keys with the server-side apply schema', () => {
    const smd = JSON.parse(readFileSync(`${DATA}/smd.json`, 'utf8')) as { types: SmdNamedType[] }
    const byName = new Map(smd.types.map((type) => [type.name, type]))
    let lists = 0
    for (const type of typeNames) {
      const fields = byName.get(definitionName(type) ?? '')?.map?.fields
      if (fields === undefined) continue
      const names = (facts.fieldsOf(type) ?? []).map(([name]) => name).sort()
      expect({ type, names }).toEqual({ type, names: fields.map(({ name }) => name).sort() })
      for (const { name, type: fieldType } of fields) {
        if (fieldType.list === undefined) continue
        const extra = (facts.fieldsOf(type) ?? []).find(([field]) => field === name)?.[4]
        const isAssociative = extra?.listType === 'map' || extra?.listType === 'set'
        expect({ at: `${type}.${name}`, isAssociative, keys: extra?.listMapKeys }).toEqual({
          at: `${type}.${name}`,
          isAssociative: fieldType.list.elementRelationship === 'associative',
          keys: fieldType.list.keys,
        })
        lists++
      }
    }
    expect(lists).toBeGreaterThan(400)
  })
})
