/** Services, Pods and Nodes for tests of what stands behind a Service; a Pod's status is written as a kubelet would. */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const TIME = '2026-01-01T00:00:00Z'

export function newService(name: string, spec: Service['spec'], metadata: Service['metadata'] = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name, ...metadata },
    spec: { selector: { app: name }, ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }], ...spec },
  }
}

export interface PodFacts {
  readonly labels: Record<string, string>
  /** Absent: none yet. */
  readonly ips?: readonly string[]
  readonly isReady?: boolean
  readonly phase?: string
  readonly node?: string
  readonly spec?: Partial<NonNullable<Pod['spec']>>
}

export function newPod(name: string, facts: PodFacts): Pod {
  const { labels, ips = [], isReady = true, phase = 'Running', node = 'n1', spec = {} } = facts
  const [podIP] = ips
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, labels },
    spec: { containers: [{ name: 'c', image: 'i' }], nodeName: node, ...spec },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: TIME }],
      ...(podIP === undefined ? {} : { podIP, podIPs: ips.map((ip) => ({ ip })) }),
    },
  }
}

/** Creates the Pod and gives it its status. */
export async function runPod(client: Client, name: string, facts: PodFacts): Promise<DeepReadonly<Pod>> {
  const pod = newPod(name, facts)
  const created = deepCopy<Pod>(await client.create(PODS, pod))
  if (pod.status !== undefined) created.status = pod.status
  return client.update(PODS, created, { subresource: 'status' })
}

export interface NodeFacts {
  readonly addresses?: readonly { readonly type: string; readonly address: string }[]
  readonly labels?: Record<string, string>
  readonly isReady?: boolean
  readonly cpu?: string
}

export function newNode(
  name: string,
  { addresses = [], labels = {}, isReady = true, cpu = '4' }: NodeFacts = {},
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: {},
    status: {
      addresses: addresses.map(({ type, address }) => ({ type, address })),
      allocatable: { cpu },
      capacity: { cpu },
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    },
  }
}

/** Creates the Node and gives it its status. */
export async function joinNode(client: Client, name: string, facts: NodeFacts = {}): Promise<DeepReadonly<Node>> {
  const node = newNode(name, facts)
  const created = deepCopy<Node>(await client.create(NODES, node))
  if (node.status !== undefined) created.status = node.status
  return client.update(NODES, created, { subresource: 'status' })
}
