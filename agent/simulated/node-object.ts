/**
 * The Node object of a simulated node: what kubelet would say of a healthy machine, and plainly that there is none. Pure.
 * Upstream: pkg/kubelet/nodestatus/setters.go, kubelet_node_status.go.
 */
import type { Node, NodeCondition, NodeStatus } from '#machinery/api/core/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { SimulatedNodeSpec } from './interfaces.ts'
import { SIMULATED_LABEL } from './interfaces.ts'

/** kwok's own: large enough that tests of schedulers fill it by count, not by size. */
const DEFAULT_CAPACITY: Readonly<Record<string, string>> = {
  cpu: '32',
  memory: '256Gi',
  'ephemeral-storage': '1Ti',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  pods: '110',
}

const INSTANCE_TYPE = 'simulated'
const KUBELET_PORT = 10_250

const HEALTHY: readonly Omit<NodeCondition, 'lastHeartbeatTime' | 'lastTransitionTime'>[] = [
  {
    type: 'MemoryPressure',
    status: 'False',
    reason: 'KubeletHasSufficientMemory',
    message: 'kubelet has sufficient memory available',
  },
  {
    type: 'DiskPressure',
    status: 'False',
    reason: 'KubeletHasNoDiskPressure',
    message: 'kubelet has no disk pressure',
  },
  {
    type: 'PIDPressure',
    status: 'False',
    reason: 'KubeletHasSufficientPID',
    message: 'kubelet has sufficient PID available',
  },
  { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
]

export interface NodeFacts {
  readonly spec: SimulatedNodeSpec
  readonly address: string
  readonly version: string
  readonly nowMs: number
}

export function newNode(facts: NodeFacts): Node {
  const { name } = facts.spec
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: nodeLabels(facts.spec), annotations: nodeAnnotations(facts) },
    spec: { providerID: `simulated://${name}` },
    status: nodeStatus(facts, undefined),
  }
}

export function nodeLabels({ name, labels }: SimulatedNodeSpec): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/instance-type': INSTANCE_TYPE,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': INSTANCE_TYPE,
    [SIMULATED_LABEL]: 'true',
    ...labels,
  }
}

function nodeAnnotations({ spec, address }: NodeFacts): Record<string, string> {
  return {
    'alpha.kubernetes.io/provided-node-ip': address,
    'k3s.io/hostname': spec.name,
    'k3s.io/internal-ip': address,
    'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
  }
}

/** `before` keeps what others reported and the times of what did not change. */
export function nodeStatus(facts: NodeFacts, before: DeepReadonly<NodeStatus> | undefined): NodeStatus {
  const { spec, address, version } = facts
  // Resources others have added are theirs.
  const capacity = { ...before?.capacity, ...DEFAULT_CAPACITY, ...spec.capacity }
  return {
    ...deepCopy<NodeStatus>(before ?? {}),
    capacity,
    allocatable: { ...capacity },
    conditions: nodeConditions(before?.conditions ?? [], facts.nowMs),
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: spec.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
    nodeInfo: {
      machineID: spec.name,
      systemUUID: spec.name,
      bootID: spec.name,
      kernelVersion: 'simulated',
      osImage: 'simulated (no machine, no containers)',
      containerRuntimeVersion: `simulated://${version.replace(/^v/, '')}`,
      kubeletVersion: `${version}-simulated`,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  }
}

function nodeConditions(before: readonly DeepReadonly<NodeCondition>[], nowMs: number): NodeCondition[] {
  const now = formatTime(new Date(nowMs))
  const own = HEALTHY.map((condition) => {
    const old = before.find(({ type }) => type === condition.type)
    const isSame = old?.status === condition.status && old.lastTransitionTime !== undefined
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: isSame ? (old.lastTransitionTime ?? now) : now }
  })
  const others = before.filter(({ type }) => !HEALTHY.some((condition) => condition.type === type))
  return [...others.map((condition) => ({ ...condition })), ...own]
}

/** All it has is for pods; others may have given it, or taken, resources since its last report. */
export function offersItsCapacity({ status }: DeepReadonly<Node>): boolean {
  return deepEqual(status?.allocatable ?? {}, status?.capacity ?? {})
}

/** Not what a running kubelet reports: someone took it for dead, or wrote over it. */
export function isReportedHealthy({ status }: DeepReadonly<Node>): boolean {
  return HEALTHY.every(({ type, status: wanted }) =>
    (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === wanted),
  )
}
