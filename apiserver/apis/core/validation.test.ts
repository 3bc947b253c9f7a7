/** Field errors of the small core kinds as upstream prints them. */
import { describe, expect, it } from 'vitest'
import type {
  ConfigMap,
  Event,
  LimitRangeItem,
  Node,
  NodeSpec,
  ResourceQuotaSpec,
  Secret,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
} from './config-validation.ts'
import { validateEvent, validateEventStrictly, validateEventUpdateStrictly } from './event-validation.ts'
import { validateLimitRange } from './limits-validation.ts'
import { validateNamespace, validateNamespaceFinalize } from './namespace-validation.ts'
import { validateNode, validateNodeUpdate } from './node-validation.ts'
import { validateResourceQuota, validateResourceQuotaUpdate } from './quota-validation.ts'

const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorString)
const metadata = { name: 'x', namespace: 'ns' }
const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('ConfigMap', () => {
  const make = (map: Partial<ConfigMap>): ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...map })
  const frozen = 'field is immutable when `immutable` is set'
  it.each<[string, Partial<ConfigMap>, string[]]>([
    ['valid', { data: { a: 'b' }, binaryData: { c: 'AA==' } }, []],
    [
      'a key twice',
      { data: { a: 'b' }, binaryData: { a: 'AA==' } },
      ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ],
    ['dots', { data: { '..': '' } }, [`data[..]: Invalid value: "..": must not be '..'`]],
  ])('%s', (_name, map, expected) => {
    expect(texts(validateConfigMap(make(map)))).toEqual(expected)
  })
  it('stays as it is when immutable', () => {
    const old = make({ immutable: true, data: { a: '1' }, binaryData: {} })
    expect(texts(validateConfigMapUpdate(make({ data: {}, binaryData: { b: 'AA==' } }), old))).toEqual([
      `immutable: Forbidden: ${frozen}`,
      `data: Forbidden: ${frozen}`,
      `binaryData: Forbidden: ${frozen}`,
    ])
  })
})

describe('Secret', () => {
  const make = (secret: Partial<Secret>): Secret => ({ apiVersion: 'v1', kind: 'Secret', metadata, ...secret })
  const json = (text: string): Partial<Secret> => ({
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64(text) },
  })
  const problem = (detail: string): string[] => [
    `data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": ${detail}`,
  ]
  it.each<[string, Partial<Secret>, string[]]>([
    ['opaque', { type: 'Opaque' }, []],
    [
      'token',
      { type: 'kubernetes.io/service-account-token' },
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
    ['dockercfg', { type: 'kubernetes.io/dockercfg' }, ['data[.dockercfg]: Required value']],
    ['JSON', json('{"auths":{}}'), []],
    ['an array', json('[]'), problem('json: cannot unmarshal array into Go value of type map[string]interface {}')],
    ['nothing', json(''), problem('unexpected end of JSON input')],
    ['no JSON', json('bad'), problem("invalid character 'b' looking for beginning of value")],
    ['no key', json('{a}'), problem("invalid character 'a' looking for beginning of object key string")],
    [
      'basic auth',
      { type: 'kubernetes.io/basic-auth' },
      ['data[username]: Required value', 'data[password]: Required value'],
    ],
    [
      'SSH',
      { type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } },
      ['data[ssh-privatekey]: Required value'],
    ],
    ['TLS', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
  ])('%s', (_name, secret, expected) => {
    expect(texts(validateSecret(make(secret)))).toEqual(expected)
  })
  it('keeps its type', () => {
    expect(texts(validateSecretUpdate(make({ type: 'b' }), make({ type: 'a' })))).toEqual([
      'type: Invalid value: "b": field is immutable',
    ])
  })
})

it('finalizers of a namespace are standard or qualified', () => {
  const make = (...finalizers: string[]) => ({ apiVersion: 'v1', kind: 'Namespace', metadata, spec: { finalizers } })
  const detail = 'Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified'
  expect(texts(validateNamespace(make('kubernetes', 'a.b/c', 'orphan', 'mine')))).toEqual([
    `spec.finalizers: ${detail}`,
  ])
  expect(texts(validateNamespaceFinalize(make('mine')))).toEqual([`spec.finalizers[0]: ${detail}`])
})

describe('Node', () => {
  const make = (spec: NodeSpec, status: Node['status'] = {}): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'x' },
    spec,
    status,
  })
  it.each<[string, Node, string[]]>([
    ['dual-stack', make({ podCIDRs: ['10.0.0.0/24', 'fd00::/64'] }), []],
    [
      'two of a family, twice the same',
      make({ podCIDRs: ['10.0.0.0/24', '10.0.0.0/24'] }),
      [
        'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.0.0/24"]: may specify no more than one CIDR for each IP family',
      ],
    ],
    [
      'taints',
      make({
        taints: [
          { key: 'a', effect: 'x' },
          { key: 'b', effect: 'NoSchedule' },
          { key: 'b', effect: 'NoSchedule' },
        ],
      }),
      [
        'metadata.taints[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        'metadata.taints[2]: Duplicate value: {"Key":"b","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
      ],
    ],
    [
      'half a pod',
      make({}, { capacity: { pods: '500m' } }),
      ['status.capacity.pods: Invalid value: "500m": must be an integer'],
    ],
  ])('%s', (_name, node, expected) => {
    expect(texts(validateNode(node))).toEqual(expected)
  })
  const annotated = (name: string, text: string) => {
    const node = make({})
    return { ...node, metadata: { ...node.metadata, annotations: { [`scheduler.alpha.kubernetes.io/${name}`]: text } } }
  }
  const AT = 'metadata.annotations.scheduler.alpha.kubernetes.io'
  it.each<[string, string, string[]]>([
    ['taints', '[{"key":"a","effect":"NoSchedule"}]', []],
    ['taints', '[{"key":"a"}]', [`${AT}/taints[0].effect: Required value`]],
    [
      'taints',
      '{}',
      [
        'metadata.annotations: Invalid value: "scheduler.alpha.kubernetes.io/taints": json: cannot unmarshal object into Go value of type []core.Taint',
      ],
    ],
    ['preferAvoidPods', '{"preferAvoidPods":[{}]}', [`${AT}/preferAvoidPods[0].PodSignature: Required value`]],
    [
      'preferAvoidPods',
      '{"preferAvoidPods":[{"podSignature":{"podController":{"controller":false}}}]}',
      [
        `${AT}/preferAvoidPods[0].PodSignature.PodController.Controller: Invalid value: false: must point to a controller`,
      ],
    ],
  ])('looks into the annotation %s: %s', (name, text, expected) => {
    const node = annotated(name, text)
    expect(texts(validateNode(node))).toEqual(expected)
    expect(texts(validateNodeUpdate(node, make({})))).toEqual(expected)
  })
  it('keeps what it was given', () => {
    const old = make({ podCIDRs: ['10.0.0.0/24'], providerID: 'a://b' })
    expect(validateNodeUpdate(old, make({}))).toEqual([])
    expect(texts(validateNodeUpdate(make({ podCIDRs: ['10.0.1.0/24'], externalID: 'e' }), old))).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
      'spec.externalID: Forbidden: may not be updated',
    ])
  })
})

describe('ResourceQuota', () => {
  const make = (spec: ResourceQuotaSpec) => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec })
  const M = 'spec.scopeSelector.matchExpressions'
  it.each<[string, ResourceQuotaSpec, string[]]>([
    ['valid', { hard: { 'requests.cpu': '1', 'count/jobs.batch': '5' }, scopes: ['NotTerminating'] }, []],
    [
      'names and amounts',
      { hard: { foo: '1', storage: '1', pods: '1500m', 'example.com/gpu': '-1' } },
      [
        'spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
        'spec.hard[foo]: Invalid value: "foo": must be a standard resource for quota',
        'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
        'spec.hard[pods]: Invalid value: "1500m": must be an integer',
        'spec.hard[example.com/gpu]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      'scopes',
      { hard: { cpu: '1' }, scopes: ['BestEffort', 'NotBestEffort'] },
      [
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
      ],
    ],
    [
      'a selector',
      {
        scopeSelector: {
          matchExpressions: [
            { scopeName: 'Foo', operator: 'In' },
            { scopeName: 'BestEffort', operator: 'In', values: ['a'] },
            { scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] },
          ],
        },
      },
      [
        `${M}.scopeName: Invalid value: "Foo": unsupported scope`,
        `${M}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`,
        `${M}.operator: Invalid value: "In": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity`,
        `${M}.values: Invalid value: ["a"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`,
      ],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(texts(validateResourceQuota(make(spec)))).toEqual(expected)
  })
  it('keeps its scopes', () => {
    expect(texts(validateResourceQuotaUpdate(make({}), make({ scopes: ['BestEffort'] })))).toEqual([
      'spec.scopes: Invalid value: null: field is immutable',
    ])
  })
})

describe('LimitRange', () => {
  const at = 'spec.limits[0]'
  it.each<[string, LimitRangeItem, string[]]>([
    ['valid', { type: 'Container', max: { cpu: '2' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } }, []],
    [
      'an unknown type',
      { type: 'X' },
      [`${at}.type: Invalid value: "X": must be a standard limit type or fully qualified`],
    ],
    [
      'an upside-down range',
      { type: 'Container', min: { cpu: '2' }, max: { cpu: '1' }, default: { cpu: '3' }, defaultRequest: { cpu: '4' } },
      [
        `${at}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1`,
        `${at}.defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than max value 1`,
        `${at}.defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than default limit value 3`,
        `${at}.default[cpu]: Invalid value: "1": default value 3 is greater than max value 1`,
      ],
    ],
    [
      'defaults of pods',
      { type: 'Pod', default: { cpu: '1' }, max: { storage: '1' } },
      [
        `${at}.max[storage]: Invalid value: "storage": must be a standard resource for containers`,
        `${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`,
      ],
    ],
    [
      'claims without storage',
      { type: 'PersistentVolumeClaim' },
      [`${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`],
    ],
    [
      'ratios',
      { type: 'Container', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3', memory: '500m' } },
      [
        `${at}.maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000`,
        `${at}.maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1`,
      ],
    ],
    [
      'what cannot be overcommitted',
      { type: 'Container', default: { 'example.com/gpu': '2' }, defaultRequest: { 'example.com/gpu': '1' } },
      [
        `${at}.defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu`,
      ],
    ],
  ])('%s', (_name, item, expected) => {
    const range = { apiVersion: 'v1', kind: 'LimitRange', metadata, spec: { limits: [item] } }
    expect(texts(validateLimitRange(range))).toEqual(expected)
  })
})

describe('Event', () => {
  const make = (event: Partial<Event>): Event => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata,
    involvedObject: { namespace: 'ns' },
    ...event,
  })
  const eventTime = '2026-01-01T00:00:00.000000Z'
  const NO_NAME = isQualifiedName('').map((problem) => `reportingComponent: Invalid value: "": ${problem}`)
  it.each<[string, Partial<Event>, string[]]>([
    ['old style', {}, []],
    [
      'of another namespace',
      { involvedObject: { namespace: 'b' } },
      ['involvedObject.namespace: Invalid value: "b": does not match event.namespace'],
    ],
    ['new style', { eventTime, reportingComponent: 'a.b/c', reportingInstance: 'i', action: 'a', reason: 'r' }, []],
    [
      'new style without reporter',
      { eventTime, reportingComponent: 'c', action: 'a'.repeat(129), reason: 'r' },
      ['reportingInstance: Required value', 'action: Invalid value: "": can have at most 128 characters'],
    ],
    [
      'new style of nobody',
      { eventTime, reportingInstance: 'i', action: 'a', reason: 'r' },
      ['reportingComponent: Required value', ...NO_NAME],
    ],
  ])('%s', (_name, event, expected) => {
    expect(texts(validateEvent(make(event)))).toEqual(expected)
  })
  it('of events.k8s.io has no old members and does not change', () => {
    expect(texts(validateEventStrictly(make({ count: 1, series: { count: 1 } })))).toEqual([
      'series.count: Invalid value: "": should be at least 2',
      'series.lastObservedTime: Required value',
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: ',
      'count: Invalid value: "": needs to be unset',
    ])
    expect(
      texts(
        validateEventUpdateStrictly(make({ action: 'b', message: 'b' }), make({ action: 'a', message: 'a', count: 0 })),
      ),
    ).toEqual(['action: Invalid value: "b": field is immutable'])
  })
})
