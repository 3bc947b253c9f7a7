/** Which events bring a Pod back that a plugin refused (`queue`), and which leave it waiting (`skip`). */
import { describe, expect, it } from 'vitest'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNode, makePod, type NodeOptions, type PodOptions } from '#test/support/scheduling.ts'
import type { ClusterEvent, PluginArgs, PluginDefinition } from '../framework/interfaces.ts'
import { nodeUpdateKinds, podUpdateKinds } from '../framework/update-kinds.ts'
import { HintTable } from '../queue/hints.ts'
import { newQueuedPod } from '../queue/queued-pod.ts'
import { createPodInfo } from '../framework/pod-info.ts'
import { interPodAffinity } from './inter-pod-affinity/plugin.ts'
import { nodeAffinityPlugin } from './node-affinity/plugin.ts'
import { nodeDeclaredFeaturesPlugin } from './node-declared-features/plugin.ts'
import { nodeNamePlugin } from './node-name/plugin.ts'
import { nodePortsPlugin } from './node-ports/plugin.ts'
import { nodeResourcesFitPlugin } from './node-resources/fit.ts'
import { nodeUnschedulablePlugin } from './node-unschedulable/plugin.ts'
import { nodeVolumeLimits } from './node-volume-limits/plugin.ts'
import { podTopologySpread } from './pod-topology-spread/plugin.ts'
import { schedulingGatesPlugin } from './scheduling-gates/plugin.ts'
import { taintTolerationPlugin } from './taint-toleration/plugin.ts'
import { volumeRestrictions } from './volume-restrictions/plugin.ts'
import { volumeZone } from './volume-zone/plugin.ts'

type Answer = 'queue' | 'skip'
type Row = readonly [name: string, pod: PodOptions, events: readonly ClusterEvent[], answer: Answer]

function answerOf(
  definition: PluginDefinition,
  options: PodOptions,
  events: readonly ClusterEvent[],
  args: PluginArgs,
) {
  const plugin = definition.create(args, testPluginHandle())
  const table = new HintTable([plugin])
  const queued = newQueuedPod(createPodInfo(makePod({ name: 'waiting', uid: 'waiting', ...options })), 0, 0)
  queued.rejectedBy = new Set([plugin.name])
  return events.some((event) => table.strategy(queued, event) !== 'stay') ? 'queue' : 'skip'
}

const node = (options: NodeOptions = {}) => makeNode({ name: 'node', ...options })
const nodeAdded = (options: NodeOptions = {}): readonly ClusterEvent[] => [
  { resource: 'nodes', action: 'add', object: node(options) },
]
const nodeDeleted = (options: NodeOptions = {}): readonly ClusterEvent[] => [
  { resource: 'nodes', action: 'delete', old: node(options), object: node(options) },
]
const nodeUpdated = (before: NodeOptions, after: NodeOptions): readonly ClusterEvent[] => {
  const [old, object] = [node(before), node(after)]
  return nodeUpdateKinds(old, object).map((kind) => ({ resource: 'nodes', action: 'update', kind, old, object }))
}
const assigned = { name: 'other', uid: 'other', node: 'node' }
const podAdded = (options: PodOptions): readonly ClusterEvent[] => [
  { resource: 'pods', action: 'add', object: makePod({ ...assigned, ...options }) },
]
const podDeleted = (options: PodOptions): readonly ClusterEvent[] => {
  const old = makePod({ ...assigned, ...options })
  return [{ resource: 'pods', action: 'delete', old, object: old }]
}
const podUpdated = (before: PodOptions, after: PodOptions): readonly ClusterEvent[] => {
  const [old, object] = [makePod({ ...assigned, ...before }), makePod({ ...assigned, ...after })]
  return podUpdateKinds(old, object, false).map((kind) => ({ resource: 'pods', action: 'update', kind, old, object }))
}
/** Of the Pod that waits. */
const own = (options: PodOptions): PodOptions => ({ name: 'waiting', uid: 'waiting', node: '', ...options })
const ownUpdated = (before: PodOptions, after: PodOptions): readonly ClusterEvent[] =>
  podUpdated(own(before), own(after))
const unassigned: PodOptions = { node: '' }
const nominated: PodOptions = { node: '', status: { nominatedNodeName: 'node' } }

function rows(definition: PluginDefinition, cases: readonly Row[], args: PluginArgs = {}): void {
  it.each(cases)(`${definition.name}: %s`, (_name, pod, events, answer) => {
    expect(answerOf(definition, pod, events, args)).toBe(answer)
  })
}

const taint = (key: string) => ({ key, value: 'v', effect: 'NoSchedule' })
const tainted = (...keys: string[]): NodeOptions => ({ spec: { taints: keys.map(taint) } })
const tolerating = (...keys: string[]): PodOptions => ({
  spec: { tolerations: keys.map((key) => ({ key, operator: 'Exists' })) },
})
const CORDON = 'node.kubernetes.io/unschedulable'
const cordoned: NodeOptions = { spec: { unschedulable: true } }
const hostPort = (port: number, ip?: string, protocol = 'TCP'): PodOptions => ({
  spec: {
    containers: [
      {
        name: 'c',
        image: 'i',
        ports: [{ containerPort: 1, hostPort: port, protocol, ...(ip === undefined ? {} : { hostIP: ip }) }],
      },
    ],
  },
})

describe('plugins that look at one node', () => {
  rows(nodeNamePlugin, [
    ['a node came', {}, nodeAdded(), 'queue'],
    ['a node changed', {}, nodeUpdated({}, { labels: { a: 'b' } }), 'skip'],
  ])
  const declaring = (...declaredFeatures: string[]): NodeOptions => ({ status: { declaredFeatures } })
  const hostNetwork: PodOptions = { spec: { hostNetwork: true, hostUsers: false } }
  rows(nodeDeclaredFeaturesPlugin, [
    ['a node came', hostNetwork, nodeAdded(), 'queue'],
    ['a node declares more', hostNetwork, nodeUpdated({}, declaring('F')), 'queue'],
    [
      'a node declares the same',
      hostNetwork,
      nodeUpdated(declaring('F'), { ...declaring('F'), labels: { a: 'b' } }),
      'skip',
    ],
    ['it needs the same', hostNetwork, ownUpdated(hostNetwork, { ...hostNetwork, labels: { a: 'b' } }), 'skip'],
    ['it needs less', {}, ownUpdated({ ...hostNetwork, labels: { a: 'b' } }, {}), 'queue'],
  ])
  rows(nodeUnschedulablePlugin, [
    ['a cordoned node came', {}, nodeAdded(cordoned), 'skip'],
    ['a node came', {}, nodeAdded(), 'queue'],
    ['uncordoned', {}, nodeUpdated(cordoned, {}), 'queue'],
    ['cordoned', {}, nodeUpdated({}, cordoned), 'skip'],
    ['a taint changed on an open node', {}, nodeUpdated(tainted('a'), tainted('b')), 'skip'],
    ['it tolerates cordons now', tolerating(CORDON), ownUpdated({}, tolerating(CORDON)), 'queue'],
    ['it tolerates something else', tolerating('a'), ownUpdated({}, tolerating('a')), 'skip'],
    ['another tolerates cordons now', {}, podUpdated(unassigned, { ...unassigned, ...tolerating(CORDON) }), 'skip'],
  ])
  rows(taintTolerationPlugin, [
    ['a tainted node came', {}, nodeAdded(tainted('a')), 'skip'],
    ['a tolerated node came', tolerating('a'), nodeAdded(tainted('a')), 'queue'],
    ['a node without taints came', {}, nodeAdded(), 'queue'],
    ['the taint went', {}, nodeUpdated(tainted('a'), {}), 'queue'],
    ['one of two taints went', {}, nodeUpdated(tainted('a', 'b'), tainted('b')), 'skip'],
    ['the other taint was tolerated', tolerating('b'), nodeUpdated(tainted('a', 'b'), tainted('b')), 'queue'],
    ['it would have been tolerated before', tolerating('a'), nodeUpdated(tainted('a'), {}), 'skip'],
    ['something else changed', {}, nodeUpdated(tainted('a'), { ...tainted('a'), labels: { a: 'b' } }), 'skip'],
    ['a new toleration', tolerating('a'), ownUpdated({}, tolerating('a')), 'queue'],
    ['a new label', {}, ownUpdated({}, { labels: { a: 'b' } }), 'skip'],
  ])
  rows(nodePortsPlugin, [
    ['one that was nowhere went', hostPort(80), podDeleted({ ...hostPort(80), ...unassigned }), 'skip'],
    ['one that was nominated went', hostPort(80), podDeleted({ ...hostPort(80), ...nominated }), 'queue'],
    ['one without ports went', hostPort(80), podDeleted({}), 'skip'],
    ['one with another port went', hostPort(80), podDeleted(hostPort(81)), 'skip'],
    ['one with the port of another protocol went', hostPort(80), podDeleted(hostPort(80, '', 'UDP')), 'skip'],
    [
      'one with the port of another address went',
      hostPort(80, '10.0.0.1'),
      podDeleted(hostPort(80, '10.0.0.2')),
      'skip',
    ],
    ['one with the port of all addresses went', hostPort(80, '10.0.0.1'), podDeleted(hostPort(80)), 'queue'],
    ['one with the port went', hostPort(80), podDeleted(hostPort(80)), 'queue'],
    ['a node came', hostPort(80), nodeAdded(), 'queue'],
  ])
  rows(schedulingGatesPlugin, [
    ['its last gate went', {}, ownUpdated({ spec: { schedulingGates: [{ name: 'a' }] } }, {}), 'queue'],
    [
      'another is free',
      {},
      podUpdated({ ...unassigned, spec: { schedulingGates: [{ name: 'a' }] } }, unassigned),
      'skip',
    ],
    ['a label changed', {}, ownUpdated({}, { labels: { a: 'b' } }), 'skip'],
  ])
})

const selecting = (labels: Record<string, string>): PodOptions => ({ spec: { nodeSelector: labels } })
const zone = { labels: { zone: 'a' } }

describe('NodeAffinity', () => {
  rows(nodeAffinityPlugin, [
    ['another node came', selecting({ zone: 'a' }), nodeAdded(), 'skip'],
    ['a node came', selecting({ zone: 'a' }), nodeAdded(zone), 'queue'],
    ['an unrelated change', selecting({ zone: 'a' }), nodeUpdated({}, { allocatable: { cpu: '9' } }), 'skip'],
    ['an unrelated label', selecting({ zone: 'a' }), nodeUpdated({}, { labels: { k: 'v' } }), 'skip'],
    ['one that matched before', selecting({ zone: 'a' }), nodeUpdated(zone, { labels: { zone: 'a', k: 'v' } }), 'skip'],
    ['one that matches no longer', selecting({ zone: 'a' }), nodeUpdated(zone, { labels: { zone: 'b' } }), 'skip'],
    ['one that matches now', selecting({ zone: 'a' }), nodeUpdated({}, zone), 'queue'],
    ['its own labels', selecting({ zone: 'a' }), ownUpdated({}, { labels: { a: 'b' } }), 'skip'],
  ])
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }]
  const addedAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
  rows(
    nodeAffinityPlugin,
    [
      ['a node outside the configured pool', {}, nodeAdded(zone), 'skip'],
      ['a node of the configured pool', {}, nodeAdded({ labels: { pool: 'x' } }), 'queue'],
    ],
    { addedAffinity },
  )
})

const asking = (requests: Record<string, string>): PodOptions => ({ requests })
const having = (allocatable: Record<string, string>): NodeOptions => ({ allocatable })

describe('NodeResourcesFit', () => {
  rows(nodeResourcesFitPlugin, [
    ['one that was nowhere went', asking({ cpu: '1' }), podDeleted(unassigned), 'skip'],
    ['one that was nominated went', asking({ cpu: '1' }), podDeleted(nominated), 'queue'],
    ['one went', asking({ cpu: '1' }), podDeleted({}), 'queue'],
    ['it asks for less', asking({ cpu: '1' }), ownUpdated(asking({ cpu: '2' }), asking({ cpu: '1' })), 'queue'],
    ['it asks for more', asking({ cpu: '2' }), ownUpdated(asking({ cpu: '1' }), asking({ cpu: '2' })), 'skip'],
    ['another takes less', asking({ cpu: '1' }), podUpdated(asking({ cpu: '2' }), asking({ cpu: '1' })), 'queue'],
    ['another takes more', asking({ cpu: '1' }), podUpdated(asking({ cpu: '1' }), asking({ cpu: '2' })), 'skip'],
    [
      'another takes less of something else',
      asking({ cpu: '1' }),
      podUpdated(asking({ memory: '2Gi' }), asking({ memory: '1Gi' })),
      'skip',
    ],
    [
      'another takes less of what it asks nothing of',
      asking({ cpu: '0', memory: '1Gi' }),
      podUpdated(asking({ cpu: '2' }), asking({ cpu: '1' })),
      'skip',
    ],
    [
      'one that waits as well asks for less',
      asking({ cpu: '1' }),
      podUpdated({ ...unassigned, ...asking({ cpu: '2' }) }, { ...unassigned, ...asking({ cpu: '1' }) }),
      'skip',
    ],
    [
      'another takes fewer devices',
      asking({ 'a.b/c': '1' }),
      podUpdated(asking({ 'a.b/c': '2' }), asking({ 'a.b/c': '1' })),
      'queue',
    ],
    ['a node that is too small came', asking({ memory: '4Mi' }), nodeAdded(having({ memory: '2Mi' })), 'skip'],
    ['a node came', asking({ memory: '4Mi' }), nodeAdded(having({ memory: '10Mi' })), 'queue'],
    [
      'a node that is still too small has grown',
      asking({ memory: '16Mi' }),
      nodeUpdated(having({ memory: '4Mi' }), having({ memory: '8Mi' })),
      'skip',
    ],
    [
      'a node has grown where it does not matter',
      asking({ memory: '2Mi' }),
      nodeUpdated(having({ memory: '4Mi', 'a.b/c': '1' }), having({ memory: '4Mi', 'a.b/c': '2' })),
      'skip',
    ],
    [
      'a node has shrunk',
      asking({ memory: '2Mi' }),
      nodeUpdated(having({ memory: '8Mi' }), having({ memory: '4Mi' })),
      'skip',
    ],
    [
      'a node has grown',
      asking({ memory: '2Mi' }),
      nodeUpdated(having({ memory: '4Mi' }), having({ memory: '8Mi' })),
      'queue',
    ],
    ['a node takes more Pods', asking({}), nodeUpdated(having({ pods: '1' }), having({ pods: '2' })), 'queue'],
    ['a node has grown for one that asks for nothing', {}, nodeUpdated(having({}), having({ cpu: '9' })), 'skip'],
    ['a label of a node', asking({ cpu: '1' }), nodeUpdated({}, zone), 'skip'],
    ['a taint of a node', asking({ cpu: '1' }), nodeUpdated(tainted('a'), {}), 'skip'],
  ])
  const deviceClass = (name: string, extendedResourceName?: string) => ({
    metadata: { name },
    spec: extendedResourceName === undefined ? {} : { extendedResourceName },
  })
  const classes = (action: 'add' | 'update', object: object, old?: object): readonly ClusterEvent[] => [
    { resource: 'deviceclasses', action, object, ...(old === undefined ? {} : { old }) },
  ]
  const asks = asking({ 'a.b/gpu': '1', 'deviceclass.resource.kubernetes.io/c': '1' })
  rows(nodeResourcesFitPlugin, [
    ['its class by its own name came', asks, classes('add', deviceClass('c')), 'queue'],
    ['its class by a name that was given came', asks, classes('add', deviceClass('x', 'a.b/gpu')), 'queue'],
    ['another class came', asks, classes('add', deviceClass('x')), 'skip'],
    ['a class got the name', asks, classes('update', deviceClass('x', 'a.b/gpu'), deviceClass('x')), 'queue'],
    [
      'a class kept the name',
      asks,
      classes('update', deviceClass('x', 'a.b/gpu'), deviceClass('x', 'a.b/gpu')),
      'skip',
    ],
    ['a class lost a name', asks, classes('update', deviceClass('c'), deviceClass('c', 'a.b/gpu')), 'skip'],
  ])
})

const matching = (app: string) => ({ labelSelector: { matchLabels: { app } } })
const spreading = (topologyKey: string, more: object = {}): PodOptions => ({
  spec: {
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', ...matching('a'), ...more },
    ],
  },
})
const app = (name: string): PodOptions => ({ labels: { app: name } })

describe('PodTopologySpread', () => {
  const pod = spreading('zone')
  rows(podTopologySpread, [
    ['a Pod that counts came', pod, podAdded(app('a')), 'queue'],
    ['a Pod that does not count came', pod, podAdded(app('b')), 'skip'],
    ['a Pod of another namespace came', pod, podAdded({ ...app('a'), namespace: 'x' }), 'skip'],
    ['a Pod that counts went', pod, podDeleted(app('a')), 'queue'],
    ['a Pod that was nowhere went', pod, podDeleted({ ...app('a'), ...unassigned }), 'skip'],
    ['a Pod counts now', pod, podUpdated(app('b'), app('a')), 'queue'],
    ['a Pod counts no longer', pod, podUpdated(app('a'), app('b')), 'queue'],
    ['another label', pod, podUpdated(app('a'), { labels: { app: 'a', k: 'v' } }), 'skip'],
    ['its own label, so that it counts', pod, ownUpdated(app('b'), app('a')), 'queue'],
    ['its own label, about nothing', pod, ownUpdated(app('b'), app('c')), 'skip'],
    ['a toleration, taints being ignored', pod, ownUpdated({}, tolerating('a')), 'skip'],
    [
      'a toleration, taints being honoured',
      spreading('zone', { nodeTaintsPolicy: 'Honor' }),
      ownUpdated({}, tolerating('a')),
      'queue',
    ],
    ['a node with the key came', pod, nodeAdded(zone), 'queue'],
    ['a node without the key came', pod, nodeAdded(), 'skip'],
    ['a node with the key went', pod, nodeDeleted(zone), 'queue'],
    ['a node without the key went', pod, nodeDeleted(), 'skip'],
    ['a node got the key', pod, nodeUpdated({}, zone), 'queue'],
    ['a node lost the key', pod, nodeUpdated(zone, {}), 'queue'],
    ['a node moved', pod, nodeUpdated(zone, { labels: { zone: 'b' } }), 'queue'],
    ['another label of a node', pod, nodeUpdated(zone, { labels: { zone: 'a', k: 'v' } }), 'skip'],
    ['a taint of a node', pod, nodeUpdated(zone, { ...zone, ...tainted('a') }), 'queue'],
    ['a taint of a node without the key', pod, nodeUpdated({}, tainted('a')), 'skip'],
    ['what a node has', pod, nodeUpdated(zone, { ...zone, allocatable: { cpu: '9' } }), 'skip'],
  ])
})

const term = (name: string, topologyKey = 'zone') => ({ topologyKey, ...matching(name) })
const near = (name: string): PodOptions => ({
  spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(name)] } } },
})
const apart = (...names: string[]): PodOptions => ({
  spec: {
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: names.map((name) => term(name)) },
    },
  },
})

describe('InterPodAffinity', () => {
  rows(interPodAffinity, [
    ['a Pod it wants near came', near('a'), podAdded(app('a')), 'queue'],
    ['another came', near('a'), podAdded(app('b')), 'skip'],
    ['one became what it wants', near('a'), podUpdated(app('b'), app('a')), 'queue'],
    ['one ceased to be what it wants', near('a'), podUpdated(app('a'), app('b')), 'skip'],
    ['one stayed what it wants', near('a'), podUpdated(app('a'), { labels: { app: 'a', k: 'v' } }), 'skip'],
    ['one it wants near went', near('a'), podDeleted(app('a')), 'skip'],
    ['one it keeps apart from went', apart('a'), podDeleted(app('a')), 'queue'],
    ['one it keeps apart from came', apart('a'), podAdded(app('a')), 'skip'],
    ['another went', apart('a'), podDeleted(app('b')), 'skip'],
    ['one is no longer what it keeps apart from', apart('a'), podUpdated(app('a'), app('b')), 'queue'],
    ['one that kept it apart went', app('a'), podDeleted({ ...app('b'), ...apart('a') }), 'queue'],
    ['requests of another', near('a'), podUpdated({ ...app('a'), requests: { cpu: '2' } }, app('a')), 'skip'],
    ['a node with the key came', near('a'), nodeAdded(zone), 'queue'],
    ['a node without the key came', near('a'), nodeAdded(), 'skip'],
    ['a node got the key', near('a'), nodeUpdated({}, zone), 'queue'],
    ['a node lost the key', near('a'), nodeUpdated(zone, {}), 'skip'],
    ['a node moved', near('a'), nodeUpdated(zone, { labels: { zone: 'b' } }), 'queue'],
    ['another label of a node', near('a'), nodeUpdated(zone, { labels: { zone: 'a', k: 'v' } }), 'skip'],
    ['a node came, for one that keeps apart', apart('a'), nodeAdded(), 'queue'],
    ['a node got the key, for one that keeps apart', apart('a'), nodeUpdated({}, zone), 'skip'],
    ['a node lost the key, for one that keeps apart', apart('a'), nodeUpdated(zone, {}), 'queue'],
    ['a node moved, for one that keeps apart', apart('a'), nodeUpdated(zone, { labels: { zone: 'b' } }), 'queue'],
    ['a node came, for one that others keep apart from', {}, nodeAdded(), 'queue'],
    ['a taint of a node', near('a'), nodeUpdated(zone, { ...zone, ...tainted('a') }), 'skip'],
  ])
})

const claim = (claimName: string): PodOptions => ({
  spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
})
const disk = (volumeID: string): PodOptions => ({
  spec: { volumes: [{ name: 'v', awsElasticBlockStore: { volumeID } }] },
})
const event = (
  resource: string,
  action: ClusterEvent['action'],
  object: object,
  old?: object,
): readonly ClusterEvent[] => [
  { resource, action, object, ...(action === 'delete' ? { old: object } : old === undefined ? {} : { old }) },
]
const claimNamed = (name: string, namespace = 'default') => ({ metadata: { name, namespace }, spec: {} })
const csiNode = (count?: number) => ({
  metadata: { name: 'node' },
  spec: {
    drivers: [{ name: 'd', nodeID: 'n', ...(count === undefined ? {} : { allocatable: { count } }) }],
  },
})
const volume = (labels: Record<string, string>) => ({ metadata: { name: 'pv', labels }, spec: {} })

describe('volumes', () => {
  rows(nodeVolumeLimits, [
    ['a node told its drivers', claim('c'), event('csinodes', 'add', csiNode(1)), 'queue'],
    ['a limit rose', claim('c'), event('csinodes', 'update', csiNode(2), csiNode(1)), 'queue'],
    ['a limit fell', claim('c'), event('csinodes', 'update', csiNode(1), csiNode(2)), 'skip'],
    ['a limit came', claim('c'), event('csinodes', 'update', csiNode(1), csiNode()), 'queue'],
    ['a limit went', claim('c'), event('csinodes', 'update', csiNode(), csiNode(1)), 'skip'],
    ['a Pod without volumes went', claim('c'), podDeleted({}), 'skip'],
    ['a Pod with a claim went', claim('c'), podDeleted(claim('x')), 'queue'],
    ['a Pod with a claim that was nowhere went', claim('c'), podDeleted({ ...claim('x'), ...unassigned }), 'skip'],
    ['its claim came', claim('c'), event('persistentvolumeclaims', 'add', claimNamed('c')), 'queue'],
    ['another claim came', claim('c'), event('persistentvolumeclaims', 'add', claimNamed('x')), 'skip'],
    ['a claim of another namespace', claim('c'), event('persistentvolumeclaims', 'add', claimNamed('c', 'x')), 'skip'],
    ['an attachment went', claim('c'), event('volumeattachments', 'delete', claimNamed('a')), 'queue'],
    ['an attachment went, for one without claims', {}, event('volumeattachments', 'delete', claimNamed('a')), 'skip'],
  ])
  rows(volumeRestrictions, [
    ['a Pod with its disk went', disk('d'), podDeleted(disk('d')), 'queue'],
    ['a Pod with another disk went', disk('d'), podDeleted(disk('x')), 'skip'],
    ['a Pod with its claim went', claim('c'), podDeleted(claim('c')), 'queue'],
    ['a Pod of another namespace went', disk('d'), podDeleted({ ...disk('d'), namespace: 'x' }), 'skip'],
    ['its claim came', claim('c'), event('persistentvolumeclaims', 'add', claimNamed('c')), 'queue'],
    [
      'its claim changed',
      claim('c'),
      event('persistentvolumeclaims', 'update', claimNamed('c'), claimNamed('c')),
      'skip',
    ],
    ['a node came', disk('d'), nodeAdded(), 'queue'],
  ])
  const className = (volumeBindingMode?: string) => ({ metadata: { name: 's' }, volumeBindingMode })
  const zoned = (value: string) => volume({ 'topology.kubernetes.io/zone': value })
  rows(volumeZone, [
    ['a class that waits came', claim('c'), event('storageclasses', 'add', className('WaitForFirstConsumer')), 'queue'],
    ['a class that does not came', claim('c'), event('storageclasses', 'add', className('Immediate')), 'skip'],
    [
      'its claim changed',
      claim('c'),
      event('persistentvolumeclaims', 'update', claimNamed('c'), claimNamed('c')),
      'queue',
    ],
    ['another claim came', claim('c'), event('persistentvolumeclaims', 'add', claimNamed('x')), 'skip'],
    ['a volume came', claim('c'), event('persistentvolumes', 'add', volume({})), 'queue'],
    ['a volume moved', claim('c'), event('persistentvolumes', 'update', zoned('b'), zoned('a')), 'queue'],
    ['a volume changed', claim('c'), event('persistentvolumes', 'update', volume({ k: 'v' }), volume({})), 'skip'],
    ['any label of a node', claim('c'), nodeUpdated({}, { labels: { k: 'v' } }), 'queue'],
    ['a taint of a node', claim('c'), nodeUpdated({}, tainted('a')), 'skip'],
  ])
})
