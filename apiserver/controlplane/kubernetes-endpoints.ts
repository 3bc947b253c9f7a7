/**
 * Writes the addresses of the API servers to the Endpoints and the EndpointSlice of the Service `kubernetes`.
 * Upstream: pkg/controlplane/reconcilers/endpointsadapter.go.
 */
import { ENDPOINTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Endpoints } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, isConflict, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { IpFamily } from '#machinery/meta/ip-address.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface ServerAddresses {
  /** Of the family, sorted. */
  readonly addresses: readonly string[]
  readonly family: IpFamily
  readonly port: number
  /** Ports that are there are put right as well; otherwise they stay, since other servers may listen on others. */
  readonly reconcilesPort: boolean
}

const KEY = { namespace: 'default', name: 'kubernetes' } as const
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
const ATTEMPTS_MAX = 10

export async function writeKubernetesEndpoints(
  client: Client,
  wanted: ServerAddresses,
  signal: AbortSignal,
): Promise<void> {
  await write(client, ENDPOINTS, (current) => endpointsOf(current, wanted), signal)
  await deleteOtherSlices(client, wanted.family, signal)
  await write(client, ENDPOINT_SLICES, (current) => sliceOf(current, wanted), signal)
}

/** Again when another server was faster. */
async function write<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  make: (current: DeepReadonly<T> | undefined) => DeepReadonly<T>,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const current = await client.get(resource, KEY, { signal }).catch(undefinedIfNotFound)
      const object = make(current)
      if (current === undefined) await client.create(resource, object, { signal })
      else if (!deepEqual(current, object)) await client.update(resource, object, { signal })
      return
    } catch (err: unknown) {
      if ((!isConflict(err) && !isAlreadyExists(err)) || attempt === ATTEMPTS_MAX) throw err
    }
  }
}

/** The address type of a slice cannot change, and nobody else has slices of this Service. */
async function deleteOtherSlices(client: Client, family: IpFamily, signal: AbortSignal): Promise<void> {
  const { namespace } = KEY
  const labelSelector = `${SERVICE_NAME_LABEL}=${KEY.name}`
  const { items } = await client.list(ENDPOINT_SLICES, { namespace, labelSelector, signal })
  for (const { metadata, addressType } of items) {
    const { name = '' } = metadata
    if (name === KEY.name && addressType === family) continue
    await client.delete(ENDPOINT_SLICES, { namespace, name }, { signal }).catch((err: unknown) => {
      if (!isNotFound(err)) throw err
    })
  }
}

const portOf = (port: number): { name: string; port: number; protocol: string } => ({
  name: 'https',
  port,
  protocol: 'TCP',
})

function endpointsOf(
  current: DeepReadonly<Endpoints> | undefined,
  { addresses, port, reconcilesPort }: ServerAddresses,
): DeepReadonly<Endpoints> {
  const [subset, ...others] = current?.subsets ?? []
  const known = others.length === 0 && !reconcilesPort ? (subset?.ports ?? []) : []
  const ports = known.length > 0 ? known : [portOf(port)]
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    // The mirroring controller leaves them alone.
    metadata: { ...(current?.metadata ?? KEY), labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports }],
  }
}

function sliceOf(
  current: DeepReadonly<EndpointSlice> | undefined,
  { addresses, family, port, reconcilesPort }: ServerAddresses,
): DeepReadonly<EndpointSlice> {
  const known = reconcilesPort ? [] : (current?.ports ?? [])
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...(current?.metadata ?? KEY), labels: { [SERVICE_NAME_LABEL]: KEY.name } },
    addressType: family,
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: known.length > 0 ? known : [portOf(port)],
  }
}
