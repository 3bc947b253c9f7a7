/** Nodes for tests, made ready and kept alive by hand. */
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatMicroTime, formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const NAMESPACE = 'kube-node-lease'

/** Creates a node with the labels, without a status. */
export function createNode(
  client: Client,
  name: string,
  labels: Record<string, string> = {},
): Promise<DeepReadonly<Node>> {
  return client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} })
}

/** Sets conditions as the node's kubelet would, with a heartbeat of now. */
export async function setConditions(
  client: Client,
  clock: Clock,
  name: string,
  conditions: Record<string, string>,
): Promise<void> {
  const now = formatTime(clock.now())
  const body = {
    status: {
      conditions: Object.entries(conditions).map(([type, status]) => ({
        type,
        status,
        reason: 'Test',
        message: 'by hand',
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      })),
    },
  }
  await client.patch(NODES, { name }, { type: 'strategic', body }, { subresource: 'status' })
}

export async function renewLease(client: Client, clock: Clock, name: string): Promise<void> {
  const key = { namespace: NAMESPACE, name }
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: formatMicroTime(clock.now()) }
  const body = { spec }
  const renewed = await client.patch(LEASES, key, { type: 'merge', body }).catch(undefinedIfNotFound)
  if (renewed === undefined)
    await client.create(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec })
}

/** `key:effect` of its taints, sorted. */
export async function taintsOf(client: Client, name: string): Promise<string[]> {
  const { spec } = await client.get(NODES, { name })
  return (spec?.taints ?? []).map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).sort()
}
