/** The plugins that look at one node: who is refused, with which words, and what nodes score. */
import { describe, expect, it } from 'vitest'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type NodeOptions, type PodOptions } from '#test/support/scheduling.ts'
import type { AnyPlugin, MutableNodeInfo, PluginArgs, PluginDefinition } from '../framework/interfaces.ts'
import { isVerdict } from '../framework/verdicts.ts'
import { imageLocalityPlugin } from './image-locality/plugin.ts'
import { nodeAffinityPlugin } from './node-affinity/plugin.ts'
import { nodeDeclaredFeaturesPlugin } from './node-declared-features/plugin.ts'
import { nodeNamePlugin } from './node-name/plugin.ts'
import { nodePortsPlugin } from './node-ports/plugin.ts'
import { nodeResourcesBalancedAllocationPlugin } from './node-resources/balanced-allocation.ts'
import { nodeResourcesFitPlugin } from './node-resources/fit.ts'
import { nodeUnschedulablePlugin } from './node-unschedulable/plugin.ts'
import { schedulingGatesPlugin } from './scheduling-gates/plugin.ts'
import { taintTolerationPlugin } from './taint-toleration/plugin.ts'

/** None of these plugins uses it. */
const NO_HANDLE = testPluginHandle()

const create = (definition: PluginDefinition, args: PluginArgs = {}): AnyPlugin => definition.create(args, NO_HANDLE)

/** `code: reasons`, 'fits' or 'skip'. */
function verdict(plugin: AnyPlugin, podOptions: PodOptions, node: MutableNodeInfo): string {
  const pod = makePodInfo(podOptions)
  const before = plugin.preFilter?.(pod, makeSnapshot([node]))
  if (isVerdict(before)) return before.code === 'Skip' ? 'skip' : `${before.code}: ${before.reasons.join(', ')}`
  const found = plugin.filter?.(before?.state, pod, node)
  return found === undefined ? 'fits' : `${found.code}: ${found.reasons.join(', ')}`
}

function scores(plugin: AnyPlugin, podOptions: PodOptions, nodes: readonly MutableNodeInfo[]): number[] | 'skip' {
  const pod = makePodInfo(podOptions)
  const before = plugin.preScore?.(pod, nodes, makeSnapshot(nodes), undefined)
  if (isVerdict(before)) return 'skip'
  const found = Float64Array.from(nodes, (node) => plugin.score?.(before?.state, pod, node) ?? 0)
  plugin.normalize?.(before?.state, pod, found, nodes)
  return [...found]
}

const requests = (amounts: Record<string, string>): PodOptions => ({ requests: amounts })
const hostPort = (port: number): PodOptions => ({
  spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: port, hostPort: port }] }] },
})
const taint = (effect: string, key = 'k') => ({ key, value: 'v', effect })
const UNRESOLVABLE = 'UnschedulableAndUnresolvable'

describe('filters', () => {
  it.each<[string, PluginDefinition, PodOptions, NodeOptions, readonly PodOptions[], string]>([
    ['no name', nodeNamePlugin, {}, {}, [], 'fits'],
    ['its name', nodeNamePlugin, { spec: { nodeName: 'node' } }, {}, [], 'fits'],
    [
      'another name',
      nodeNamePlugin,
      { spec: { nodeName: 'x' } },
      {},
      [],
      `${UNRESOLVABLE}: node(s) didn't match the requested node name`,
    ],
    [
      'cordoned',
      nodeUnschedulablePlugin,
      {},
      { spec: { unschedulable: true } },
      [],
      `${UNRESOLVABLE}: node(s) were unschedulable`,
    ],
    [
      'cordoned and tolerated',
      nodeUnschedulablePlugin,
      { spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } },
      { spec: { unschedulable: true } },
      [],
      'fits',
    ],
    [
      'a taint',
      taintTolerationPlugin,
      {},
      { spec: { taints: [taint('NoExecute')] } },
      [],
      `${UNRESOLVABLE}: node(s) had untolerated taint(s)`,
    ],
    ['a soft taint', taintTolerationPlugin, {}, { spec: { taints: [taint('PreferNoSchedule')] } }, [], 'fits'],
    ['a free port', nodePortsPlugin, hostPort(80), {}, [hostPort(81)], 'fits'],
    [
      'a port in use',
      nodePortsPlugin,
      hostPort(80),
      {},
      [hostPort(80)],
      "Unschedulable: node(s) didn't have free ports for the requested pod ports",
    ],
    ['no port', nodePortsPlugin, {}, {}, [hostPort(80)], 'skip'],
    ['no affinity', nodeAffinityPlugin, {}, {}, [], 'skip'],
    [
      'a selector of other nodes',
      nodeAffinityPlugin,
      { spec: { nodeSelector: { disk: 'ssd' } } },
      { labels: { disk: 'hdd' } },
      [],
      `${UNRESOLVABLE}: node(s) didn't match Pod's node affinity/selector`,
    ],
    [
      'its selector',
      nodeAffinityPlugin,
      { spec: { nodeSelector: { disk: 'ssd' } } },
      { labels: { disk: 'ssd' } },
      [],
      'fits',
    ],
  ])('%s', (_name, definition, pod, node, others, expected) => {
    expect(verdict(create(definition), pod, makeNodeInfo(node, others))).toBe(expected)
  })
})

describe('NodeResourcesFit', () => {
  it.each<[string, PodOptions, Record<string, string>, readonly PodOptions[], string]>([
    ['what fits', requests({ cpu: '1', memory: '1Gi' }), {}, [], 'fits'],
    ['exactly what is left', requests({ cpu: '1' }), {}, [requests({ cpu: '3' })], 'fits'],
    ['too little left', requests({ cpu: '2' }), {}, [requests({ cpu: '3' })], 'Unschedulable: Insufficient cpu'],
    ['more than the node has', requests({ cpu: '5' }), {}, [], `${UNRESOLVABLE}: Insufficient cpu`],
    [
      'all reasons at once',
      requests({ cpu: '2', memory: '5Gi', 'example.com/gpu': '1' }),
      { pods: '1', 'example.com/gpu': '1' },
      [requests({ cpu: '3', memory: '4Gi', 'example.com/gpu': '1' })],
      'Unschedulable: Too many pods, Insufficient cpu, Insufficient memory, Insufficient example.com/gpu',
    ],
    ['nothing, on a node that is overcommitted', {}, { cpu: '1' }, [requests({ cpu: '2' })], 'fits'],
    [
      'a device no node has',
      requests({ 'example.com/gpu': '1' }),
      {},
      [],
      `${UNRESOLVABLE}: Insufficient example.com/gpu`,
    ],
    [
      'ephemeral storage',
      requests({ 'ephemeral-storage': '1Gi' }),
      {},
      [],
      `${UNRESOLVABLE}: Insufficient ephemeral-storage`,
    ],
    ['none of a device', requests({ 'example.com/gpu': '0' }), {}, [], 'fits'],
  ])('%s', (_name, pod, allocatable, others, expected) => {
    expect(verdict(create(nodeResourcesFitPlugin), pod, makeNodeInfo({ allocatable }, others))).toBe(expected)
  })

  it.each<[PluginArgs, string]>([
    [{ ignoredResources: ['example.com/gpu'] }, 'fits'],
    [{ ignoredResourceGroups: ['example.com'] }, 'fits'],
    [{ ignoredResources: ['cpu'] }, `${UNRESOLVABLE}: Insufficient example.com/gpu`],
  ])('leaves out what %j names, if it is an extended resource', (args, expected) => {
    const plugin = create(nodeResourcesFitPlugin, args)
    expect(verdict(plugin, requests({ 'example.com/gpu': '1' }), makeNodeInfo())).toBe(expected)
  })

  const empty = makeNodeInfo({ allocatable: { cpu: '10', memory: '10Gi' } })
  const half = makeNodeInfo({ allocatable: { cpu: '10', memory: '10Gi' } }, [requests({ cpu: '5', memory: '5Gi' })])
  const pod = requests({ cpu: '1', memory: '1Gi' })

  it.each<[string, PluginArgs, number[]]>([
    ['LeastAllocated', {}, [90, 40]],
    ['MostAllocated', { scoringStrategy: { type: 'MostAllocated' } }, [10, 60]],
    [
      'RequestedToCapacityRatio',
      {
        scoringStrategy: {
          type: 'RequestedToCapacityRatio',
          requestedToCapacityRatio: {
            shape: [
              { utilization: 0, score: 0 },
              { utilization: 50, score: 10 },
              { utilization: 100, score: 0 },
            ],
          },
        },
      },
      [20, 80],
    ],
    ['one resource of two', { scoringStrategy: { resources: [{ name: 'cpu', weight: 1 }] } }, [90, 40]],
  ])('scores by %s', (_name, args, expected) => {
    expect(scores(create(nodeResourcesFitPlugin, args), pod, [empty, half])).toEqual(expected)
  })
})

describe('scores', () => {
  it('TaintToleration prefers nodes without soft taints', () => {
    const nodes = [
      makeNodeInfo({ name: 'a' }),
      makeNodeInfo({ name: 'b', spec: { taints: [taint('PreferNoSchedule')] } }),
      makeNodeInfo({ name: 'c', spec: { taints: [taint('PreferNoSchedule'), taint('PreferNoSchedule', 'l')] } }),
    ]
    expect(scores(create(taintTolerationPlugin), {}, nodes)).toEqual([100, 50, 0])
    const tolerations = [{ key: 'k', operator: 'Exists', effect: 'PreferNoSchedule' }]
    expect(scores(create(taintTolerationPlugin), { spec: { tolerations } }, nodes)).toEqual([100, 100, 0])
  })

  it('NodeAffinity adds up the preferred terms', () => {
    const term = (weight: number, key: string) => ({
      weight,
      preference: { matchExpressions: [{ key, operator: 'Exists' }] },
    })
    const affinity = {
      nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [term(1, 'a'), term(3, 'b')] },
    }
    const nodes = [
      makeNodeInfo({ labels: { a: '' } }),
      makeNodeInfo({ labels: { a: '', b: '' } }),
      makeNodeInfo({ labels: {} }),
    ]
    expect(scores(create(nodeAffinityPlugin), { spec: { affinity } }, nodes)).toEqual([25, 100, 0])
    expect(scores(create(nodeAffinityPlugin), {}, nodes)).toBe('skip')
  })

  it('NodeResourcesBalancedAllocation prefers what becomes more even, and says nothing about Pods without requests', () => {
    const nodes = [
      makeNodeInfo({ allocatable: { cpu: '10', memory: '10Gi' } }, [requests({ cpu: '5' })]),
      makeNodeInfo({ allocatable: { cpu: '10', memory: '10Gi' } }),
    ]
    const plugin = create(nodeResourcesBalancedAllocationPlugin)
    // 75 before and after; 100 before and after; 75 -> 90 and 100 -> 85.
    expect(scores(plugin, requests({ cpu: '1', memory: '1Gi' }), nodes)).toEqual([75, 75])
    expect(scores(plugin, requests({ memory: '3Gi' }), nodes)).toEqual([82, 67])
    expect(scores(plugin, {}, nodes)).toBe('skip')
  })

  it('NodeResourcesBalancedAllocation looks at the resources it is given', () => {
    const resources = ['cpu', 'memory', 'example.com/a'].map((name) => ({ name, weight: 1 }))
    const plugin = create(nodeResourcesBalancedAllocationPlugin, { resources })
    const nodes = [makeNodeInfo({ allocatable: { cpu: '10', memory: '10Gi', 'example.com/a': '10' } })]
    // From 100 to 85, for 10, 10 and 40 per cent deviate by 14; without the device all stays even.
    expect(scores(plugin, requests({ cpu: '1', memory: '1Gi', 'example.com/a': '4' }), nodes)).toEqual([67])
    expect(scores(plugin, requests({ cpu: '1', memory: '1Gi' }), nodes)).toEqual([75])
  })

  it('ImageLocality prefers nodes that have large images many nodes have', () => {
    const image = (sizeBytes: number) => ({ images: [{ names: ['i:latest'], sizeBytes }] })
    const nodes = [makeNodeInfo({ name: 'a', status: image(1000 * 2 ** 20) }), makeNodeInfo({ name: 'b' })]
    const [withImage, without] = scores(create(imageLocalityPlugin), {}, nodes) as number[]
    expect([withImage, without]).toEqual([48, 0])
    const volumes = [{ name: 'v', image: { reference: 'model' } }]
    const models = { images: [{ names: ['model:latest'], sizeBytes: 1000 * 2 ** 20 }] }
    const withVolume = [makeNodeInfo({ name: 'a', status: models }), makeNodeInfo({ name: 'b' })]
    expect(scores(create(imageLocalityPlugin), { spec: { volumes } }, withVolume)).toEqual([48, 0])
    expect(scores(create(imageLocalityPlugin), {}, [makeNodeInfo()])).toBe('skip')
  })
})

describe('NodeAffinity', () => {
  const named = (...terms: readonly (readonly string[])[]): PodOptions => ({
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: terms.map((names) => ({
              matchFields: names.map((name) => ({ key: 'metadata.name', operator: 'In', values: name.split('|') })),
            })),
          },
        },
      },
    },
  })

  it.each<[string, PodOptions, readonly string[]]>([
    ['one node', named(['a']), ['a']],
    ['alternatives', named(['a'], ['b']), ['a', 'b']],
    ['what both fields allow', named(['a|b', 'b|c']), ['b']],
  ])('looks only at nodes that are named: %s', (_name, options, expected) => {
    const result = create(nodeAffinityPlugin).preFilter?.(makePodInfo(options), makeSnapshot([]))
    expect(isVerdict(result) ? result : [...(result?.nodes ?? [])]).toEqual(expected)
  })

  it('refuses names that contradict each other', () => {
    expect(verdict(create(nodeAffinityPlugin), named(['a', 'b']), makeNodeInfo())).toBe(
      `${UNRESOLVABLE}: pod affinity terms conflict`,
    )
  })

  it('adds what the configuration says', () => {
    const nodeSelectorTerms = [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['batch'] }] }]
    const addedAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
    const plugin = create(nodeAffinityPlugin, { addedAffinity })
    expect(verdict(plugin, {}, makeNodeInfo({ labels: { pool: 'batch' } }))).toBe('fits')
    expect(verdict(plugin, {}, makeNodeInfo())).toBe(
      `${UNRESOLVABLE}: node(s) didn't match scheduler-enforced node affinity`,
    )
  })
})

describe('NodeDeclaredFeatures', () => {
  const restarting: PodOptions = {
    spec: {
      initContainers: [
        {
          name: 'i',
          image: 'i',
          restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In' } }],
        },
      ],
    },
  }
  const hostNetwork: PodOptions = { spec: { hostNetwork: true, hostUsers: false } }
  const [restarts, users] = ['RestartAllContainersOnContainerExits', 'UserNamespacesHostNetworkSupport']
  const refusal = `${UNRESOLVABLE}: node(s) didn't match Pod's required features`

  it.each<[string, PodOptions, string[], string]>([
    ['an ordinary Pod', {}, [], 'skip'],
    ['a Pod that restarts all containers', restarting, [], refusal],
    ['the same on a node that can', restarting, [restarts, 'Other'], 'fits'],
    ['host network with user namespaces', hostNetwork, [restarts], refusal],
    ['the same on a node that can do that', hostNetwork, [users], 'fits'],
    ['host network without user namespaces', { spec: { hostNetwork: true } }, [], 'skip'],
  ])('%s', (_name, pod, declaredFeatures, expected) => {
    const isGateEnabled = (name: string): boolean => name === 'NodeDeclaredFeatures'
    const handle = Object.assign(testPluginHandle(), { isGateEnabled })
    const plugin = nodeDeclaredFeaturesPlugin.create({}, handle)
    expect(verdict(plugin, pod, makeNodeInfo({ status: { declaredFeatures } }))).toBe(expected)
    expect(verdict(create(nodeDeclaredFeaturesPlugin), pod, makeNodeInfo())).toBe('skip')
  })
})

describe('SchedulingGates', () => {
  it('keeps Pods with gates out and names them', () => {
    const plugin = create(schedulingGatesPlugin)
    const gated = makePodInfo({ spec: { schedulingGates: [{ name: 'a' }, { name: 'b' }] } }).pod
    expect(plugin.preEnqueue?.(gated)?.reasons).toEqual(['waiting for scheduling gates: [a b]'])
    expect(plugin.preEnqueue?.(makePodInfo().pod)).toBeUndefined()
  })
})
