/** What objects take of quotas. Upstream: pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims,resource_claims}_test.go. */
import { describe, expect, it } from 'vitest'
import type { PersistentVolumeClaim, Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { matchesScopes } from './scopes.ts'
import { countedBy, missingInPod, usageOf } from './usage.ts'

const NOW_MS = Date.parse('2026-01-01T00:00:00Z')
const meta = { name: 'o', namespace: 'ns' }
const core = (resource: string): GroupResource => ({ group: '', resource })

type Amounts = Record<string, string>
type Resources = NonNullable<Pod['spec']['containers'][number]['resources']>

const container = (name: string, resources: Resources = {}) => ({ name, image: 'i', resources })
const pod = (spec: Partial<Pod['spec']>, more: Partial<Pod> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: meta,
  spec: { containers: [], ...spec },
  ...more,
})
const textsOf = (amounts: ReadonlyMap<string, { toString(): string; readonly isZero: boolean }>): Amounts =>
  Object.fromEntries(
    [...amounts].filter(([, amount]) => !amount.isZero).map(([name, amount]) => [name, String(amount)]),
  )

describe('a Pod', () => {
  const ALIVE = { 'count/pods': '1', pods: '1' }
  const both = (name: string, amount: string): Amounts => ({ [name]: amount, [`requests.${name}`]: amount })
  it.each<[string, Pod, Amounts]>([
    ['that asks for nothing', pod({ containers: [container('a')] }), ALIVE],
    [
      'with requests and limits',
      pod({ containers: [container('a', { requests: { cpu: '1m' }, limits: { cpu: '2m' } })] }),
      { ...ALIVE, ...both('cpu', '1m'), 'limits.cpu': '2m' },
    ],
    [
      'with memory and local storage in an init container',
      pod({
        initContainers: [container('i', { requests: { memory: '1m' }, limits: { 'ephemeral-storage': '64Mi' } })],
      }),
      { ...ALIVE, ...both('memory', '1m'), 'limits.ephemeral-storage': '64Mi' },
    ],
    [
      'with huge pages',
      pod({ containers: [container('a', { requests: { 'hugepages-2Mi': '100Mi' } })] }),
      { ...ALIVE, ...both('hugepages-2Mi', '100Mi') },
    ],
    [
      'with an extended resource',
      pod({ containers: [container('a', { requests: { 'example.com/dongle': '3' } })] }),
      { ...ALIVE, 'requests.example.com/dongle': '3' },
    ],
    [
      'with devices by the name of their class',
      pod({ containers: [container('a', { requests: { 'deviceclass.resource.kubernetes.io/gpu': '2' } })] }),
      { ...ALIVE, 'requests.deviceclass.resource.kubernetes.io/gpu': '2' },
    ],
    [
      'with overhead',
      pod({ containers: [container('a', { requests: { cpu: '1' }, limits: { cpu: '2' } })], overhead: { cpu: '1' } }),
      { ...ALIVE, ...both('cpu', '2'), 'limits.cpu': '3' },
    ],
    [
      'that says what it takes itself',
      pod({ containers: [container('a', { requests: { cpu: '1' } })], resources: { requests: { cpu: '4' } } }),
      { ...ALIVE, ...both('cpu', '4') },
    ],
    ['that succeeded', pod({}, { status: { phase: 'Succeeded' } }), { 'count/pods': '1' }],
    ['that failed', pod({}, { status: { phase: 'Failed' } }), { 'count/pods': '1' }],
    [
      'that is going, within its grace',
      pod({}, { metadata: { ...meta, deletionTimestamp: '2025-12-31T23:59:31Z', deletionGracePeriodSeconds: 30 } }),
      ALIVE,
    ],
    [
      'that is going, beyond its grace',
      pod({}, { metadata: { ...meta, deletionTimestamp: '2025-12-31T23:59:29Z', deletionGracePeriodSeconds: 30 } }),
      { 'count/pods': '1' },
    ],
  ])('%s', (_name, subject, expected) => {
    expect(textsOf(usageOf(core('pods'), subject, NOW_MS))).toEqual(expected)
  })

  it.each<[string, Partial<Pod['spec']>, string[], string]>([
    ['says nothing of what it must', { containers: [container('b'), container('a')] }, ['cpu', 'pods'], 'cpu for: a,b'],
    [
      'says it not in an init container',
      { initContainers: [container('i', { requests: { cpu: '1' } })] },
      ['requests.memory', 'limits.cpu'],
      'limits.cpu for: i; requests.memory for: i',
    ],
    ['need not say the rest', { containers: [container('a')] }, ['requests.ephemeral-storage', 'pods'], ''],
    ['says it as a whole', { containers: [container('a')], resources: { requests: { cpu: '1' } } }, ['memory'], ''],
  ])('that %s', (_name, spec, names, expected) => {
    expect(missingInPod(pod(spec), names)).toBe(expected === '' ? '' : `must specify ${expected}`)
  })

  it.each<[string, Partial<Pod['spec']>, boolean]>([
    ['Terminating', { activeDeadlineSeconds: 0 }, true],
    ['Terminating', {}, false],
    ['NotTerminating', {}, true],
    ['BestEffort', { containers: [container('a')] }, true],
    ['NotBestEffort', { containers: [container('a', { requests: { cpu: '1' } })] }, true],
    ['NotBestEffort', { resources: { requests: { memory: '1' } } }, true],
    ['PriorityClass', { priorityClassName: 'high' }, true],
    ['PriorityClass', {}, false],
    [
      'CrossNamespacePodAffinity',
      {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, podAffinityTerm: { topologyKey: 'k', namespaceSelector: {} } },
            ],
          },
        },
      },
      true,
    ],
    [
      'CrossNamespacePodAffinity',
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k' }] } } },
      false,
    ],
    ['VolumeAttributesClass', {}, false],
  ])('in the scope %s: %#', (scope, spec, expected) => {
    expect(matchesScopes({ scopes: [scope] }, core('pods'), pod(spec))).toBe(expected)
  })
})

it.each<[string, Partial<Service['spec']>, Amounts]>([
  ['ClusterIP', { ports: [{ port: 1 }] }, {}],
  ['NodePort', { ports: [{ port: 1 }, { port: 2 }] }, { 'services.nodeports': '2' }],
  ['LoadBalancer', { ports: [{ port: 1 }] }, { 'services.nodeports': '1', 'services.loadbalancers': '1' }],
  [
    'LoadBalancer',
    { ports: [{ port: 1 }, { port: 2, nodePort: 30000 }], allocateLoadBalancerNodePorts: false },
    { 'services.nodeports': '1', 'services.loadbalancers': '1' },
  ],
  ['LoadBalancer', { ports: [{ port: 1 }], allocateLoadBalancerNodePorts: false }, { 'services.loadbalancers': '1' }],
])('a Service of type %s: %#', (type, spec, expected) => {
  const service: Service = { apiVersion: 'v1', kind: 'Service', metadata: meta, spec: { type, ...spec } }
  const usage = textsOf(usageOf(core('services'), service, NOW_MS))
  expect(usage).toEqual({ services: '1', 'count/services': '1', ...expected })
})

describe('a claim', () => {
  const GOLD = 'gold.storageclass.storage.k8s.io'
  const claim = (spec: Partial<PersistentVolumeClaim['spec']>, more: Partial<PersistentVolumeClaim> = {}) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta,
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } }, ...spec },
    ...more,
  })
  it.each<[string, PersistentVolumeClaim, Amounts]>([
    ['without a class', claim({}), { 'requests.storage': '10Gi' }],
    [
      'of a class',
      claim({ storageClassName: 'gold' }),
      { 'requests.storage': '10Gi', [`${GOLD}/requests.storage`]: '10Gi', [`${GOLD}/persistentvolumeclaims`]: '1' },
    ],
    ['of fractions', claim({ resources: { requests: { storage: '10000m' } } }), { 'requests.storage': '10' }],
    [
      'that has been given more',
      claim({}, { status: { allocatedResources: { storage: '20Gi' } } }),
      { 'requests.storage': '20Gi' },
    ],
    [
      'that has been given less',
      claim({}, { status: { allocatedResources: { storage: '5Gi' } } }),
      { 'requests.storage': '10Gi' },
    ],
  ])('%s', (_name, subject, expected) => {
    const usage = textsOf(usageOf(core('persistentvolumeclaims'), subject, NOW_MS))
    expect(usage).toEqual({ persistentvolumeclaims: '1', 'count/persistentvolumeclaims': '1', ...expected })
  })

  const on = (operator: string, ...values: string[]) => ({ scopeName: 'VolumeAttributesClass', operator, values })
  it.each<[ReturnType<typeof on>, PersistentVolumeClaim, boolean]>([
    [on('Exists'), claim({}), false],
    [on('DoesNotExist'), claim({}), true],
    [on('Exists'), claim({ volumeAttributesClassName: 'gold' }), true],
    [on('In', 'gold'), claim({ volumeAttributesClassName: 'silver' }), false],
    [on('In', 'gold'), claim({}, { status: { currentVolumeAttributesClassName: 'gold' } }), true],
    [
      on('In', 'gold'),
      claim({}, { status: { modifyVolumeStatus: { status: 'Pending', targetVolumeAttributesClassName: 'gold' } } }),
      true,
    ],
    [on('NotIn', 'gold'), claim({ volumeAttributesClassName: 'silver' }), true],
  ])('in the scope $operator $values: %#', (requirement, subject, expected) => {
    const spec = { scopeSelector: { matchExpressions: [requirement] } }
    expect(matchesScopes(spec, core('persistentvolumeclaims'), subject)).toBe(expected)
  })
})

it.each<[string, string | undefined]>([
  ['count/widgets.example.com', 'widgets'],
  ['limits.memory', 'pods'],
  ['requests.hugepages-1Gi', 'pods'],
  ['requests.example.com/dongle', 'pods'],
  ['requests.deviceclass.resource.kubernetes.io/gpu', 'pods'],
  ['requests.kubernetes.io/thing', undefined],
  ['gold.storageclass.storage.k8s.io/requests.storage', 'persistentvolumeclaims'],
  ['gpu.deviceclass.resource.k8s.io/devices', 'resourceclaims'],
  ['services.nodeports', 'services'],
  ['nonsense', undefined],
])('%s counts %s', (name, resource) => {
  expect(countedBy(name)?.resource).toBe(resource)
})
