import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { parseYamlDocuments, toYaml } from '#machinery/yaml/yaml.ts'
import { builtInSchema } from './builtin.ts'
import type { ObjectSchema } from './interfaces.ts'

const FIXTURES = '../shared/data/kubernetes-1.36/fixtures'
/** Not kinds we serve: apiextensions v1beta1 is long removed, a WatchEvent has no apiVersion. */
const NOT_SERVED = /^(apiextensions\.k8s\.io\.v1beta1|core\.v1\.WatchEvent)/

function schemaOf(object: { apiVersion: string; kind: string }): ObjectSchema {
  const [first = '', second] = object.apiVersion.split('/')
  const schema =
    second === undefined ? builtInSchema('', first, object.kind) : builtInSchema(first, second, object.kind)
  if (schema === undefined) throw new Error(`no schema for ${object.apiVersion} ${object.kind}`)
  return schema
}

/** Without metadata: what a test says matters is in `members`. */
function decoded(
  apiVersion: string,
  kind: string,
  members: object,
): { object: Record<string, unknown>; unknown: readonly string[] } {
  const object = { apiVersion, kind, ...deepCopy(members) } as unknown as KubeObject
  const { unknownFields } = schemaOf(object).decode(object)
  return { object: object as unknown as Record<string, unknown>, unknown: unknownFields }
}

describe.skipIf(!existsSync(FIXTURES))('the upstream fixtures (skipped: ../shared/data is absent)', () => {
  const names = existsSync(FIXTURES)
    ? readdirSync(FIXTURES)
        .filter((name) => name.endsWith('.json') && !NOT_SERVED.test(name))
        .map((name) => name.slice(0, -'.json'.length))
    : []

  it('are all there', () => {
    expect(names.length).toBeGreaterThanOrEqual(185)
  })

  it.each(names)('%s decodes unchanged', (name) => {
    const json = readFileSync(join(FIXTURES, `${name}.json`), 'utf8')
    const object = JSON.parse(json) as KubeObject
    expect(schemaOf(object).decode(object).unknownFields).toEqual([])
    expect(object).toEqual(JSON.parse(json))
  })

  it.each(names)('%s reads the same from YAML and is written back byte for byte', (name) => {
    const yaml = readFileSync(join(FIXTURES, `${name}.yaml`), 'utf8')
    const [document] = parseYamlDocuments(yaml)
    expect(document?.value).toEqual(JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')))
    expect(toYaml(document?.value)).toBe(yaml)
  })
})

describe('decode', () => {
  it('drops unknown fields in place and reports their paths', () => {
    const { object, unknown } = decoded('v1', 'Pod', {
      bogus: 1,
      spec: {
        nodeNam: 'a',
        containers: [{ name: 'a' }, { name: 'b', imag: 'x', ports: [{ containerPort: 1, foo: {} }] }],
      },
    })
    expect(unknown).toEqual([
      'unknown field "bogus"',
      'unknown field "spec.nodeNam"',
      'unknown field "spec.containers[1].imag"',
      'unknown field "spec.containers[1].ports[0].foo"',
    ])
    expect(object['spec']).toEqual({ containers: [{ name: 'a' }, { name: 'b', ports: [{ containerPort: 1 }] }] })
  })

  it('reports nothing about members of user-keyed maps and raw objects', () => {
    const revision = { data: { anything: { goes: [null] } }, revision: 1, metadata: { labels: { __proto__x: 'y' } } }
    const { object, unknown } = decoded('apps/v1', 'ControllerRevision', revision)
    expect(unknown).toEqual([])
    expect(object).toMatchObject(revision)
  })

  it('does not mistake inherited names for fields', () => {
    const { unknown } = decoded('v1', 'ConfigMap', { constructor: 1, toString: 2 })
    expect(unknown).toEqual(['unknown field "constructor"', 'unknown field "toString"'])
  })

  it('treats null as absent', () => {
    const { object, unknown } = decoded('v1', 'Pod', {
      metadata: { name: 'a', creationTimestamp: null, labels: null },
      spec: { containers: [{ name: 'a', args: [null], resources: null }], nodeSelector: { a: null } },
    })
    expect(unknown).toEqual([])
    expect(object['metadata']).toEqual({ name: 'a' })
    expect(object['spec']).toEqual({ containers: [{ name: 'a', args: [''] }], nodeSelector: { a: '' } })
  })

  const canonical: [string, object, object][] = [
    ['quantities', { limits: { cpu: '1000m', memory: '1024Mi' } }, { limits: { cpu: '1', memory: '1Gi' } }],
    ['numbers for quantities', { limits: { cpu: 0.5, memory: 1000 } }, { limits: { cpu: '500m', memory: '1k' } }],
  ]
  it.each(canonical)('stores the canonical form of %s', (_, resources, expected) => {
    const { object } = decoded('v1', 'Pod', { spec: { containers: [{ name: 'a', resources }] } })
    expect(object['spec']).toEqual({ containers: [{ name: 'a', resources: expected }] })
  })

  it('stores times in UTC seconds', () => {
    const { object } = decoded('v1', 'Pod', { metadata: { deletionTimestamp: '2024-03-01T01:30:00.25+02:00' } })
    expect(object['metadata']).toEqual({ deletionTimestamp: '2024-02-29T23:30:00Z' })
  })

  const mistakes: [string, string, string, object, string][] = [
    [
      'a string for an integer',
      'apps/v1',
      'Deployment',
      { spec: { replicas: 'two' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'a fraction for an integer',
      'apps/v1',
      'Deployment',
      { spec: { replicas: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'too big an integer',
      'apps/v1',
      'Deployment',
      { spec: { replicas: 2 ** 31 } },
      'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'an object for a list',
      'v1',
      'Service',
      { spec: { ports: {} } },
      'json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    ],
    [
      'a list for an object',
      'v1',
      'Pod',
      { spec: [] },
      'json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec',
    ],
    [
      'a number for a named string',
      'v1',
      'Service',
      { spec: { type: 3 } },
      'json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType',
    ],
    [
      'a number deep in a list',
      'v1',
      'Pod',
      { spec: { containers: [{ env: [{ name: 'a', value: 1 }] }] } },
      'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    ],
    [
      'a list element of the wrong type',
      'v1',
      'Pod',
      { spec: { containers: ['a'] } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container',
    ],
    [
      'a number as a label',
      'v1',
      'Pod',
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      'a bool for an int-or-string',
      'v1',
      'Service',
      { spec: { ports: [{ targetPort: true }] } },
      'json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ],
    ['bad base64', 'v1', 'Secret', { data: { a: 'ab$d' } }, 'illegal base64 data at input byte 2'],
    [
      'a number for bytes',
      'v1',
      'Secret',
      { data: { a: 1 } },
      'json: cannot unmarshal number into Go struct field Secret.data of type []uint8',
    ],
    [
      'a bad quantity',
      'v1',
      'PersistentVolume',
      { spec: { capacity: { storage: '1Gb' } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      'a bad time',
      'v1',
      'Pod',
      { metadata: { deletionTimestamp: 'now' } },
      'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ],
    [
      'a bad micro time',
      'coordination.k8s.io/v1',
      'Lease',
      { spec: { renewTime: '2024-01-01T00:00:00Z' } },
      'parsing time "2024-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    ],
  ]
  it.each(mistakes)('refuses %s in the words of the Go decoder', (_, apiVersion, kind, members, message) => {
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
    const decode = (): unknown => decoded(apiVersion, kind, members)
    expect(decode).toThrow(`${kind} in version "${version}" cannot be handled as a ${kind}: ${message}`)
    expect(decode).toThrow(expect.objectContaining({ code: 400, reason: 'BadRequest' }))
  })

  it('recovers its bearings after a refusal', () => {
    expect(() => decoded('v1', 'Pod', { spec: { containers: ['a'] } })).toThrow()
    expect(decoded('v1', 'Pod', { a: 1 }).unknown).toEqual(['unknown field "a"'])
  })

  it('decodes the either-or types of JSON schemas without reporting what is inside', () => {
    const openAPIV3Schema = {
      type: 'object',
      items: { type: 'string', bogus: 1 },
      additionalProperties: false,
      properties: { a: { items: [{ type: 'string' }], default: { any: null }, dependencies: { x: ['y'] } } },
    }
    const { object, unknown } = decoded('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema } }] },
    })
    expect(unknown).toEqual([])
    expect(object).toMatchObject({
      spec: {
        versions: [
          { schema: { openAPIV3Schema: { items: { type: 'string' }, properties: openAPIV3Schema.properties } } },
        ],
      },
    })
    expect(JSON.stringify(object)).not.toContain('bogus')
  })

  it('bounds nesting', () => {
    let schema: object = {}
    for (let i = 0; i < 1500; i++) schema = { items: schema }
    const decode = (): unknown =>
      decoded('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
        spec: { versions: [{ schema: { openAPIV3Schema: schema } }] },
      })
    expect(decode).toThrow('exceeded max depth')
  })
})

describe('what Go leaves out when it is empty', () => {
  it('never gets in', () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { labels: {} },
      spec: {
        replicas: 0,
        paused: false,
        minReadySeconds: 0,
        strategy: {},
        selector: { matchLabels: { a: 'b' }, matchExpressions: [] },
        template: {
          spec: {
            hostNetwork: false,
            nodeName: '',
            tolerations: [],
            nodeSelector: {},
            affinity: {},
            automountServiceAccountToken: false,
            containers: [{ name: '', image: '', env: [{ name: 'A', value: '' }], resources: { limits: {} } }],
          },
        },
      },
    }
    schemaOf(deployment).decode(deployment as unknown as KubeObject)
    expect(deployment).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {},
      spec: {
        // A pointer: zero is a value.
        replicas: 0,
        // Structs are always printed.
        strategy: {},
        selector: { matchLabels: { a: 'b' } },
        template: {
          spec: {
            affinity: {},
            automountServiceAccountToken: false,
            // No omitempty: printed as "".
            containers: [{ name: '', env: [{ name: 'A' }], resources: {} }],
          },
        },
      },
    })
  })

  it('stays where it is refused later', () => {
    const autoscaler = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      spec: { behavior: { scaleUp: { policies: [] } } },
    }
    schemaOf(autoscaler).decode(autoscaler as unknown as KubeObject)
    expect(autoscaler.spec).toEqual({ behavior: { scaleUp: { policies: [] } } })
  })
})

describe('applyDefaults', () => {
  it('fills the defaults that are facts', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {},
      spec: { containers: [{ name: 'a', ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }] }] },
    }
    schemaOf(pod).applyDefaults(pod as unknown as KubeObject)
    expect(pod.spec.containers[0]?.ports).toEqual([
      { containerPort: 80, protocol: 'TCP' },
      { containerPort: 53, protocol: 'UDP' },
    ])
  })

  it('keeps explicit zero values of pointers', () => {
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {},
      spec: { azureDisk: { readOnly: false } },
    }
    schemaOf(volume).applyDefaults(volume as unknown as KubeObject)
    expect(volume.spec.azureDisk).toEqual({ cachingMode: 'ReadWrite', fsType: 'ext4', readOnly: false, kind: 'Shared' })
  })

  it.skipIf(!existsSync(FIXTURES))('is idempotent on mutilated fixtures (skipped: ../shared/data is absent)', () => {
    let seed = 42
    const random = (max: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return seed % max
    }
    const mutilate = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(mutilate)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (random(5) === 0 ? [] : [[k, mutilate(v)]])))
    }
    for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.json') && !NOT_SERVED.test(file))) {
      const fixture = JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) as KubeObject
      const schema = schemaOf(fixture)
      for (let round = 0; round < 5; round++) {
        const once = mutilate(fixture) as KubeObject
        schema.applyDefaults(once)
        const twice = deepCopy<KubeObject>(once)
        schema.applyDefaults(twice)
        expect(twice).toEqual(once)
      }
    }
  })
})

describe('strategicMerge', () => {
  it('knows strategies, keys and nested types', () => {
    const pods = schemaOf({ apiVersion: 'v1', kind: 'Pod' }).strategicMerge
    const spec = pods?.field('spec')?.element
    expect(spec?.field('volumes')).toMatchObject({
      strategies: ['merge', 'retainKeys'],
      mergeKey: 'name',
      isList: true,
    })
    expect(spec?.field('containers')?.element?.field('ports')).toMatchObject({ mergeKey: 'containerPort' })
    expect(spec?.field('nodeSelector')).toMatchObject({ isMap: true, element: undefined })
    expect(spec?.field('nodeName')).toBeUndefined()
    expect(pods?.field('metadata')?.element?.field('finalizers')).toMatchObject({
      strategies: ['merge'],
      mergeKey: undefined,
    })
  })
})
