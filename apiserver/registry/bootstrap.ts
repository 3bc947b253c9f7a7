/**
 * The objects every cluster starts with: namespaces, the default ServiceCIDR, the `kubernetes` service and its endpoints, priority classes, the
 * flow-control objects. Idempotent; all requests of one wave are in flight together, so start-up stays short.
 * Upstream: pkg/controlplane (systemnamespaces, kubernetesservice), pkg/registry/{scheduling,flowcontrol}/rest.
 */

import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from '#apiserver/apis/flowcontrol/bootstrap.ts'
import { ENDPOINTS, NAMESPACES, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Endpoints, Namespace, Service } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
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
import { assert } from '#machinery/util/assert.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { firstAddress, parseServiceCidrs } from './core/service/service-cidrs.ts'

interface BootstrapConfig {
  readonly serviceCidr: string
  /** Where the API server can be reached from pods; undefined: the service has no endpoints. */
  readonly advertiseAddress: string | undefined
  /** The port it listens on there. */
  readonly port: number
}

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const
const KEY = { namespace: 'default', name: 'kubernetes' } as const
const LABELS = { component: 'apiserver', provider: 'kubernetes' } as const

/** First the namespaces, then everything else. */
export async function bootstrapObjects(client: Client, config: BootstrapConfig, signal: AbortSignal): Promise<void> {
  await Promise.all(SYSTEM_NAMESPACES.map((name) => ensure(client, NAMESPACES, namespace(name), signal)))
  await Promise.all([
    ensure(client, SERVICE_CIDRS, defaultServiceCidr(config), signal),
    ensure(client, SERVICES, kubernetesService(config), signal),
    ...priorityClasses().map((object) => ensure(client, PRIORITY_CLASSES, object, signal)),
    ...flowControl(client, signal),
    ...(config.advertiseAddress === undefined ? [] : publishEndpoints(client, config, config.advertiseAddress, signal)),
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

/** What an administrator deletes comes back with the next start, as upstream's: the mandatory objects are always there. */
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

/** The address may have changed since the last start: these two follow it. */
function publishEndpoints(
  client: Client,
  config: BootstrapConfig,
  address: string,
  signal: AbortSignal,
): Promise<void>[] {
  const endpoints: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...KEY, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port: config.port, protocol: 'TCP' }] }],
  }
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...KEY, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port: config.port, protocol: 'TCP' }],
  }
  return [
    replaceIfChanged(client, ENDPOINTS, endpoints, ['subsets'], signal),
    replaceIfChanged(client, ENDPOINT_SLICES, slice, ['endpoints', 'ports'], signal),
  ]
}

async function replaceIfChanged<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: T,
  members: readonly (keyof T)[],
  signal: AbortSignal,
): Promise<void> {
  const existing = await client.get(resource, KEY, { signal }).catch(undefinedIfNotFound)
  if (existing === undefined) {
    await ensure(client, resource, object, signal)
    return
  }
  const current = existing as unknown as T
  if (members.every((member) => deepEqual(current[member], object[member]))) return
  await client.update(resource, object as DeepReadonly<T>, { signal })
}

const namespace = (name: string): Namespace => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })

/** Upstream: pkg/controlplane/controller/defaultservicecidr. It says what the flag says; the flag is what counts. */
const defaultServiceCidr = ({ serviceCidr }: BootstrapConfig): ServiceCIDR => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name: 'kubernetes' },
  spec: { cidrs: parseServiceCidrs(serviceCidr).map(formatCidr) },
})

function kubernetesService({ serviceCidr, port }: BootstrapConfig): Service {
  const [first] = parseServiceCidrs(serviceCidr)
  assert(first !== undefined, 'a service CIDR is configured')
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...KEY, labels: { ...LABELS } },
    spec: {
      type: 'ClusterIP',
      clusterIP: firstAddress(first),
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  }
}

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
