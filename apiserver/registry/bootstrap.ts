/**
 * The objects every cluster starts with: namespaces, the default ServiceCIDR, priority classes, the flow-control objects
 * (the `kubernetes` Service: controlplane/kubernetes-service.ts). Idempotent; all requests of one wave are in flight together, so start-up stays short.
 * Upstream: pkg/controlplane (systemnamespaces), pkg/registry/{scheduling,flowcontrol}/rest.
 */

import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from '#apiserver/apis/flowcontrol/bootstrap.ts'
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Namespace } from '#machinery/api/core/v1/types.gen.ts'
import { FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS } from '#machinery/api/flowcontrol/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { SERVICE_CIDRS } from '#machinery/api/networking/v1/resources.gen.ts'
import type { ServiceCIDR } from '#machinery/api/networking/v1/types.gen.ts'
import { PRIORITY_CLASSES } from '#machinery/api/scheduling/v1/resources.gen.ts'
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { formatCidr } from '#machinery/meta/ip-address.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { parseServiceCidrs } from './core/service/service-cidrs.ts'

interface BootstrapConfig {
  readonly serviceCidr: string
}

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const

/** First the namespaces, then everything else. */
export async function bootstrapObjects(client: Client, config: BootstrapConfig, signal: AbortSignal): Promise<void> {
  await Promise.all(SYSTEM_NAMESPACES.map((name) => ensure(client, NAMESPACES, namespace(name), signal)))
  await Promise.all([
    ensure(client, SERVICE_CIDRS, defaultServiceCidr(config), signal),
    ...priorityClasses().map((object) => ensure(client, PRIORITY_CLASSES, object, signal)),
    ...flowControl(client, signal),
  ])
}

/** Creates what is missing; what is there belongs to whoever changed it. */
async function ensure<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: T,
  signal: AbortSignal,
): Promise<void> {
  const { namespace: inNamespace, name = '' } = object.metadata
  const key = inNamespace === undefined ? { name } : { namespace: inNamespace, name }
  const existing = await client.get(resource, key, { signal }).catch(undefinedIfNotFound)
  if (existing !== undefined) return
  try {
    await client.create(resource, object as DeepReadonly<T>, { signal })
  } catch (err) {
    if (!isAlreadyExists(err)) throw err
  }
}

/** What an administrator deletes comes back within a minute (controlplane/system-objects.ts), as upstream's: the mandatory objects are always there. */
function flowControl(client: Client, signal: AbortSignal): Promise<void>[] {
  return [
    ...[...mandatoryPriorityLevels(), ...suggestedPriorityLevels()].map((object) =>
      ensure(client, PRIORITY_LEVEL_CONFIGURATIONS, object, signal),
    ),
    ...[...mandatoryFlowSchemas(), ...suggestedFlowSchemas()].map((object) =>
      ensure(client, FLOW_SCHEMAS, object, signal),
    ),
  ]
}

const namespace = (name: string): Namespace => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })

/** Upstream: pkg/controlplane/controller/defaultservicecidr. It says what the flag says; the flag is what counts. */
const defaultServiceCidr = ({ serviceCidr }: BootstrapConfig): ServiceCIDR => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name: 'kubernetes' },
  spec: { cidrs: parseServiceCidrs(serviceCidr).map(formatCidr) },
})

function priorityClasses(): PriorityClass[] {
  const make = (name: string, value: number, description: string): PriorityClass => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    description,
  })
  return [
    make(
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
    make(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
  ]
}
