import { describe, expect, it } from 'vitest'
import { deepCopy } from '#machinery/util/json.ts'
import { applyConfig } from './apply.ts'
import { EMPTY_SET } from './field-set.ts'
import type { FieldOwner, Versions } from './managers.ts'
import { isSameOwner } from './managers.ts'
import { conflictsOf, VersionedChanges, withoutChanged } from './ownership.ts'
import { pathsOf, pathText } from './path-element.ts'
import { customMergeType } from './structural-types.ts'
import { validateConfig } from './validate.ts'

const SPEC = {
  type: 'object',
  properties: {
    size: { type: 'integer' },
    name: { type: 'string' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        properties: {
          port: { type: 'integer' },
          protocol: { type: 'string', default: 'TCP' },
          title: { type: 'string' },
        },
      },
    },
    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    order: { type: 'array', items: { type: 'string' } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    nested: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } },
  },
}
const TYPE = customMergeType({ type: 'object', properties: { spec: SPEC } })
const RENAMED = { type: 'object', properties: { ...SPEC.properties, amount: { type: 'integer' } } }
const TYPE_V2 = customMergeType({ type: 'object', properties: { spec: RENAMED } })

type Thing = { spec: Record<string, unknown> }

/** v2 calls size amount. */
const VERSIONS: Versions = {
  typeOf(apiVersion) {
    const type = apiVersion === 'v1' ? TYPE : apiVersion === 'v2' ? TYPE_V2 : undefined
    return type && { type, skipped: new Set(), hasMetadata: true, reset: EMPTY_SET }
  },
  convert(object, from, to) {
    if (from === to) return object
    const [was, is] = from === 'v1' ? ['size', 'amount'] : ['amount', 'size']
    const { [was as string]: value, ...spec } = (object as Thing).spec ?? {}
    return { ...object, spec: value === undefined ? spec : { ...spec, [is as string]: value } }
  },
}

class Cluster {
  object: object = {}
  owners: readonly FieldOwner[] = []

  apply(manager: string, spec: object, options: { force?: boolean; apiVersion?: string } = {}): string[] {
    const { force = false, apiVersion = 'v1' } = options
    const config = { spec }
    const applier = owner(manager, 'Apply', apiVersion)
    const live = VERSIONS.convert(this.object, 'v1', apiVersion)
    const outcome = applyConfig({ versions: VERSIONS, apiVersion, live, config, owners: this.owners, applier, force })
    if (outcome.conflicts !== undefined) {
      return outcome.conflicts.flatMap((conflict) =>
        pathsOf(conflict.fields).map((path) => `${conflict.owner.manager}: ${pathText(path)}`),
      )
    }
    if (outcome.object !== undefined) this.object = VERSIONS.convert(decoded(outcome.object), apiVersion, 'v1')
    this.owners = [...outcome.owners, ...(outcome.applier === undefined ? [] : [outcome.applier])]
    return []
  }

  update(manager: string, spec: object, apiVersion = 'v1'): void {
    const after = VERSIONS.convert({ spec }, apiVersion, 'v1')
    const changes = new VersionedChanges(VERSIONS, 'v1', this.object, after)
    const self = { ...owner(manager, 'Update', apiVersion), fieldsV1: changes.in(apiVersion)?.set ?? EMPTY_SET }
    const others = withoutChanged(this.owners, changes).filter((other) => !isSameOwner(other, self))
    this.owners = [...others, self]
    this.object = after
  }

  get spec(): unknown {
    return (this.object as Thing).spec
  }

  ownedBy(manager: string): string[] {
    const found = this.owners.find((one) => one.manager === manager)
    return pathsOf(found?.fieldsV1 ?? EMPTY_SET).map((path) => pathText(path).replace('.spec', ''))
  }
}

/** What is left empty becomes null, which decoding drops. */
function decoded(object: object): object {
  const { spec, ...rest } = deepCopy(object) as Partial<Thing>
  if (spec === undefined || spec === null) return rest
  return { ...rest, spec: Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null)) }
}

function owner(manager: string, operation: 'Apply' | 'Update', apiVersion: string): FieldOwner {
  return { manager, operation, apiVersion, fieldsType: 'FieldsV1', fieldsV1: EMPTY_SET }
}

describe('apply', () => {
  it('conflicts over a value another manager set, unless it wants the same', () => {
    const cluster = new Cluster()
    cluster.apply('a', { size: 1, name: 'x' })
    expect(cluster.apply('b', { size: 2, name: 'x' })).toEqual(['a: .spec.size'])
    expect(cluster.spec).toEqual({ size: 1, name: 'x' })
    expect(cluster.apply('b', { name: 'x' })).toEqual([])
    expect(cluster.ownedBy('a')).toEqual(['.name', '.size'])
    expect(cluster.ownedBy('b')).toEqual(['.name'])
  })

  it('takes fields over by force', () => {
    const cluster = new Cluster()
    cluster.apply('a', { size: 1, name: 'x' })
    expect(cluster.apply('b', { size: 2 }, { force: true })).toEqual([])
    expect(cluster.spec).toEqual({ size: 2, name: 'x' })
    expect(cluster.ownedBy('a')).toEqual(['.name'])
    expect(cluster.ownedBy('b')).toEqual(['.size'])
  })

  it('conflicts with updaters as well', () => {
    const cluster = new Cluster()
    cluster.update('u', { size: 1 })
    expect(cluster.apply('a', { size: 2 })).toEqual(['u: .spec.size'])
  })

  it('removes what its manager no longer applies', () => {
    const cluster = new Cluster()
    cluster.apply('a', { size: 1, labels: { x: '1', y: '2' }, nested: { a: '1', b: '2' } })
    cluster.apply('a', { labels: { x: '1' }, nested: { a: '1' } })
    expect(cluster.spec).toEqual({ labels: { x: '1' }, nested: { a: '1' } })
  })

  it('keeps what another manager owns too', () => {
    const cluster = new Cluster()
    cluster.apply('a', { labels: { x: '1', y: '2' } })
    cluster.apply('b', { labels: { y: '2' } })
    cluster.apply('a', { labels: { x: '1' } })
    expect(cluster.spec).toEqual({ labels: { x: '1', y: '2' } })
    cluster.apply('b', {})
    expect(cluster.spec).toEqual({ labels: { x: '1' } })
  })

  it('gives up ownership to an update, and no longer removes the field', () => {
    const cluster = new Cluster()
    cluster.apply('a', { size: 1, name: 'x' })
    cluster.update('u', { size: 2, name: 'x' })
    expect(cluster.ownedBy('a')).toEqual(['.name'])
    cluster.apply('a', { name: 'x' })
    expect(cluster.spec).toEqual({ size: 2, name: 'x' })
  })

  it('forgets owners whose fields an update removes', () => {
    const cluster = new Cluster()
    cluster.apply('a', { size: 1 })
    cluster.update('u', {})
    expect(cluster.owners.map(({ manager }) => manager)).not.toContain('a')
  })

  it('merges list items by key, the default filled in', () => {
    const cluster = new Cluster()
    cluster.apply('a', { ports: [{ port: 80, title: 'a' }] })
    cluster.apply('b', { ports: [{ port: 80, protocol: 'UDP', title: 'b' }, { port: 443 }] })
    expect(cluster.spec).toEqual({
      ports: [{ port: 80, title: 'a' }, { port: 80, protocol: 'UDP', title: 'b' }, { port: 443 }],
    })
    expect(cluster.apply('b', { ports: [{ port: 80, protocol: 'TCP', title: 'c' }] })).toEqual([
      'a: .spec.ports[port=80,protocol="TCP"].title',
    ])
  })

  it('removes the list items it owned alone', () => {
    const cluster = new Cluster()
    cluster.apply('a', { ports: [{ port: 80 }, { port: 443 }] })
    cluster.apply('b', { ports: [{ port: 443 }, { port: 8080 }] })
    cluster.apply('a', { ports: [{ port: 80 }] })
    expect(cluster.spec).toEqual({ ports: [{ port: 80 }, { port: 443 }, { port: 8080 }] })
    cluster.apply('b', { ports: [{ port: 8080 }] })
    expect(cluster.spec).toEqual({ ports: [{ port: 80 }, { port: 8080 }] })
  })

  it('merges sets and replaces atomic lists', () => {
    const cluster = new Cluster()
    cluster.apply('a', { tags: ['x', 'y'], order: ['1'] })
    cluster.apply('b', { tags: ['y', 'z'] })
    expect(cluster.spec).toEqual({ tags: ['x', 'y', 'z'], order: ['1'] })
    expect(cluster.apply('b', { tags: ['z'], order: ['2'] })).toEqual(['a: .spec.order'])
    cluster.apply('a', { tags: [] })
    expect(cluster.spec).toEqual({ tags: ['y', 'z'] })
  })

  it.each<[string, string[], string[], string[]]>([
    ['appends what is new', ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']],
    ['puts what is new before what it precedes', ['b', 'c'], ['a', 'b'], ['a', 'b', 'c']],
    ['reorders to the applied order', ['a', 'b', 'c'], ['c', 'a'], ['b', 'c', 'a']],
    ['leaves the order alone when it fits', ['a', 'b', 'c', 'd'], ['b', 'd'], ['a', 'b', 'c', 'd']],
  ])('%s', (_name, live, applied, merged) => {
    const cluster = new Cluster()
    cluster.update('u', { tags: live })
    cluster.apply('a', { tags: applied })
    expect((cluster.spec as { tags: string[] }).tags.slice().sort()).toEqual(merged.slice().sort())
    expect((cluster.spec as { tags: string[] }).tags).toEqual(merged)
  })

  it('keeps duplicates that are there, and takes none', () => {
    const cluster = new Cluster()
    cluster.update('u', { tags: ['a', 'a', 'b'] })
    cluster.apply('x', { tags: ['b', 'c'] })
    expect(cluster.spec).toEqual({ tags: ['a', 'a', 'b', 'c'] })
    expect(validateConfig(TYPE, { spec: { tags: ['d', 'd'] } })).toBe('.spec.tags: duplicate entries for key [="d"]')
  })

  it('follows an owner into another version', () => {
    const cluster = new Cluster()
    cluster.apply('a', { size: 1, name: 'x' })
    cluster.apply('a', { amount: 1 }, { apiVersion: 'v2' })
    expect(cluster.spec).toEqual({ size: 1 })
    expect(cluster.apply('b', { size: 2 })).toEqual(['a: .spec.amount'])
    cluster.update('u', { size: 3 })
    expect(cluster.owners.map(({ manager }) => manager)).toEqual(['u'])
  })

  it('drops owners in versions that are gone', () => {
    const cluster = new Cluster()
    cluster.owners = [{ ...owner('old', 'Apply', 'v0'), fieldsV1: { 'f:spec': { 'f:size': {} } } }]
    cluster.apply('a', { size: 1 })
    expect(cluster.owners.map(({ manager }) => manager)).toEqual(['a'])
  })
})

describe('what a configuration may look like', () => {
  const cases: readonly [name: string, spec: unknown, problem: string | undefined][] = [
    ['a good one', { size: 1, ports: [{ port: 1 }], labels: { a: 'b' } }, undefined],
    ['an unknown field', { oops: 1 }, '.spec.oops: field not declared in schema'],
    ['a wrong scalar', { size: 'big' }, '.spec.size: expected numeric (int or float), got string'],
    [
      'a map for a list',
      { tags: {} },
      expect.stringMatching(/^\.spec\.tags: expected list, got /) as unknown as string,
    ],
    [
      'items of one key',
      { ports: [{ port: 1 }, { port: 1, protocol: 'TCP' }] },
      '.spec.ports: duplicate entries for key [port=1,protocol="TCP"]',
    ],
    ['a null', { size: null }, undefined],
  ]
  it.each(cases)('%s', (_name, spec, problem) => {
    expect(validateConfig(TYPE, { spec })).toEqual(problem)
  })
})

/** A linear congruential generator: the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('any sequence of applies', () => {
  const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]
  it.each(SEEDS)('is idempotent, leaves no owner of a missing field and no field of nobody (seed %i)', (seed) => {
    const random = numbers(seed)
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
    const some = <T>(values: readonly T[]): T[] => values.filter(() => random() < 0.5)
    const randomSpec = (): Record<string, unknown> => {
      const all: Record<string, unknown> = {
        size: pick([1, 2]),
        name: pick(['x', 'y']),
        tags: some(['a', 'b', 'c']),
        labels: Object.fromEntries(some(['k', 'l', 'm']).map((key) => [key, pick(['1', '2'])])),
        ports: some([80, 443]).map((port) => ({ port, title: pick(['t', 'u']) })),
        order: some(['1', '2']),
      }
      const isEmpty = (value: unknown): boolean => typeof value === 'object' && Object.keys(value ?? {}).length === 0
      return Object.fromEntries(some(Object.entries(all)).filter(([, value]) => !isEmpty(value)))
    }
    const cluster = new Cluster()
    for (let step = 0; step < 60; step++) {
      const manager = pick(['a', 'b', 'c'])
      const spec = randomSpec()
      cluster.apply(manager, spec, { force: true })
      const before = { object: deepCopy(cluster.object), owned: cluster.ownedBy(manager) }
      expect(cluster.apply(manager, spec)).toEqual([])
      expect(cluster.object).toEqual(before.object)
      expect(cluster.ownedBy(manager)).toEqual(before.owned)
      const changes = new VersionedChanges(VERSIONS, 'v1', {}, cluster.object)
      const leaves = pathsOf(changes.in('v1')?.set ?? EMPTY_SET).map(pathText)
      for (const one of cluster.owners) {
        for (const path of pathsOf(one.fieldsV1).map(pathText)) expect([...leaves, '.spec']).toContain(path)
      }
      expect(conflictsOf(cluster.owners, new VersionedChanges(VERSIONS, 'v1', cluster.object, cluster.object))).toEqual(
        [],
      )
    }
  })
})
