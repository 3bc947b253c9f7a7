import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy, deepFreeze } from '#machinery/util/json.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { EVERY_API } from '#test/support/registry-config.ts'
import type { RegistryDeps } from './deps.ts'
import type { RequestContext, ResourceDefinition } from './generic/interfaces.ts'
import { builtInResources } from './install.ts'

const deps: RegistryDeps = {
  objects: {
    peek: () => undefined,
    list: () => [],
    update: () => Promise.reject(new Error('not stored')),
    delete: () => Promise.reject(new Error('not stored')),
  },
  config: EVERY_API,
}
const definitions = builtInResources(deps)

function definitionOf(group: string, resource: string): ResourceDefinition {
  const found = definitions.find((definition) => definition.group === group && definition.resource === resource)
  if (found === undefined) throw new Error(`${resource}.${group} is not served`)
  return found
}

function contextIn(namespace: string): RequestContext {
  return {
    user: { name: 'tester', uid: '', groups: [], extra: new Map() },
    namespace,
    isDryRun: false,
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
    warn() {},
  }
}

describe('builtInResources', () => {
  it.each([
    ['', 'pods', 'po', 'all'],
    ['', 'services', 'svc', 'all'],
    ['', 'persistentvolumeclaims', 'pvc', ''],
    ['', 'componentstatuses', 'cs', ''],
    ['apps', 'deployments', 'deploy', 'all'],
    ['batch', 'cronjobs', 'cj', 'all'],
    ['networking.k8s.io', 'networkpolicies', 'netpol', ''],
    ['storage.k8s.io', 'volumeattributesclasses', 'vac', ''],
    ['certificates.k8s.io', 'certificatesigningrequests', 'csr', ''],
  ])('%s %s has short name %s and category %s', (group, resource, shortName, category) => {
    const { shortNames, categories } = definitionOf(group, resource)
    expect(shortNames).toContain(shortName)
    expect(categories).toEqual(category === '' ? [] : [category])
  })

  it('lists every resource once and stores each in a version it serves', () => {
    const names = definitions.map(({ group, resource }) => `${resource}.${group}`)
    expect(new Set(names).size).toBe(names.length)
    for (const { versions, storageVersion, storedWith } of definitions) {
      if (storedWith !== undefined) continue
      expect(versions.map(({ version }) => version)).toContain(storageVersion)
    }
  })

  it.each([
    [
      'pods',
      [
        'status',
        'binding',
        'eviction',
        'ephemeralcontainers',
        'resize',
        'attach',
        'exec',
        'log',
        'portforward',
        'proxy',
      ],
    ],
    ['namespaces', ['status', 'finalize']],
    ['replicationcontrollers', ['status', 'scale']],
  ])('%s has its subresources', (resource, names) => {
    expect(definitionOf('', resource).subresources.map(({ name }) => name)).toEqual(names)
  })
})

const fixtures = '../shared/data/kubernetes-1.36/fixtures'
const why = existsSync(fixtures) ? '' : ' (skipped: ../shared/data is not there)'

describe.skipIf(why !== '')(`fixtures of upstream${why}`, () => {
  const rows = definitions.flatMap((definition) =>
    definition.versions.flatMap((version) => {
      const file = `${fixtures}/${definition.group === '' ? 'core' : definition.group}.${version.version}.${definition.kind}.json`
      return existsSync(file)
        ? [{ name: `${version.version} ${definition.kind}.${definition.group}`, file, definition, version }]
        : []
    }),
  )

  it('cover nearly every kind', () => {
    expect(rows.length).toBeGreaterThan(55)
  })

  it.each(rows)('$name: defaulting twice is defaulting once', ({ file, version }) => {
    const object = JSON.parse(readFileSync(file, 'utf8')) as KubeObject
    version.schema.decode(object)
    version.schema.applyDefaults(object)
    const once = deepCopy<KubeObject>(object)
    version.schema.applyDefaults(object)
    expect(object).toEqual(once)
  })

  it.each(rows)('$name: strategies and tables take any object of the kind, frozen', ({ file, definition, version }) => {
    const object = JSON.parse(readFileSync(file, 'utf8')) as KubeObject
    version.schema.decode(object)
    version.schema.applyDefaults(object)
    const context = contextIn(object.metadata.namespace ?? '')
    const stored = version.toStorage?.(deepCopy<KubeObject>(object)) ?? object
    const old = deepFreeze(deepCopy<KubeObject>(stored))
    definition.strategy.prepareForCreate?.(stored, context)
    definition.strategy.validate?.(deepFreeze(deepCopy<KubeObject>(stored)), context)
    definition.strategy.prepareForUpdate?.(stored, old, context)
    definition.strategy.validateUpdate?.(stored, old, context)
    for (const field of Object.values(definition.selectableFields ?? {})) expect(typeof field(stored)).toBe('string')
    const table = version.table
    if (table === undefined) return
    const cells = table.cells(version.fromStorage?.(old) ?? old, new Date(0))
    expect(cells).toHaveLength(table.columns.length)
    expect(cells).not.toContain(undefined)
  })

  it.each(rows.filter(({ version }) => version.toStorage !== undefined))(
    '$name survives the way to storage and back',
    ({ file, version }) => {
      const object = JSON.parse(readFileSync(file, 'utf8')) as KubeObject
      version.schema.decode(object)
      const there = version.toStorage?.(deepCopy<KubeObject>(object)) ?? object
      const again = version.toStorage?.(version.fromStorage?.(there) ?? there)
      expect(again).toEqual(there)
    },
  )
})

describe('kinds without spec or with next to nothing', () => {
  const bare = definitions.filter(
    ({ virtualCreate, virtualList }) => virtualCreate === undefined && virtualList === undefined,
  )
  it.each(bare)('$kind ($group) does not crash on an empty object', (definition) => {
    for (const version of definition.versions) {
      const object: KubeObject = { apiVersion: 'x', kind: definition.kind, metadata: { name: 'x' } }
      version.schema.applyDefaults(object)
      const stored = version.toStorage?.(object) ?? object
      definition.strategy.prepareForCreate?.(stored, contextIn('ns'))
      const errors = definition.strategy.validate?.(stored, contextIn('ns')) ?? []
      expect(Array.isArray(errors)).toBe(true)
    }
  })
})
