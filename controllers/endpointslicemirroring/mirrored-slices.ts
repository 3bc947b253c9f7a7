/**
 * The slices that mirror an Endpoints object: one per set of ports and address type, 1,000 addresses per subset. Pure.
 * Upstream: pkg/controller/endpointslicemirroring/reconciler.go, reconciler_helpers.go, utils.go.
 */
import { ENDPOINTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { EndpointAddress, Endpoints, EndpointSubset } from '#machinery/api/core/v1/types.gen.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { IpFamily } from '#machinery/meta/ip-address.ts'
import { formatIp, parseIp } from '#machinery/meta/ip-address.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newControllerReference } from '#sdk'
import { LAST_CHANGE_TRIGGER_TIME } from '../manager/endpoint-pods.ts'
import { repacked } from '../manager/packed-subsets.ts'
import { endpointKey, hasSameState, portsKey } from '../manager/slice-endpoints.ts'
import { SERVICE_NAME_LABEL, SLICE_MANAGED_BY_LABEL } from '../manager/slice-tracker.ts'
import type { SliceChanges } from '../manager/slice-writer.ts'

export const MANAGED_BY = 'endpointslicemirroring-controller.k8s.io'
export const ADDRESSES_PER_SUBSET_MAX = 1_000

const UNMIRRORED_ANNOTATIONS = [LAST_CHANGE_TRIGGER_TIME, 'kubectl.kubernetes.io/last-applied-configuration']

type Slice = DeepReadonly<EndpointSlice>

export interface MirrorPlan extends SliceChanges {
  /** Addresses that are no IP. */
  readonly invalid: number
  /** Addresses left out, the invalid ones included. */
  readonly skipped: number
}

interface Group {
  readonly addressType: IpFamily
  readonly ports: readonly EndpointPort[]
  readonly endpoints: Map<string, Endpoint>
}

export function planMirror(endpoints: DeepReadonly<Endpoints>, existing: readonly Slice[]): MirrorPlan {
  const { groups, invalid, skipped } = groupsOf(endpoints)
  const create: EndpointSlice[] = []
  const update: EndpointSlice[] = []
  const spare: Slice[] = []
  const byKey = new Map<string, Slice[]>()
  for (const slice of existing) {
    const key = groupKey(slice.addressType, slice.ports)
    byKey.set(key, [...(byKey.get(key) ?? []), slice])
  }
  for (const [key, group] of groups) {
    const [present, ...surplus] = byKey.get(key) ?? []
    byKey.delete(key)
    spare.push(...surplus)
    const wanted = newSlice(endpoints, group)
    if (present === undefined) create.push(wanted)
    else if (!isMirrored(present, wanted)) update.push(inPlaceOf(present, wanted))
  }
  spare.push(...[...byKey.values()].flat())
  const remove = spare.filter((slice) => {
    const i = create.findIndex(({ addressType }) => addressType === slice.addressType)
    const [recycled] = i === -1 ? [] : create.splice(i, 1)
    if (recycled !== undefined) update.push(inPlaceOf(slice, recycled))
    return recycled === undefined
  })
  return { create, update, remove, invalid, skipped }
}

function groupsOf({ subsets = [] }: DeepReadonly<Endpoints>) {
  const groups = new Map<string, Group>()
  let invalid = 0
  let skipped = 0
  for (const subset of repacked(subsets)) {
    const ports = portsOf(subset)
    let added = 0
    const all = [...inState(subset.addresses, true), ...inState(subset.notReadyAddresses, false)]
    for (const { address, ready } of all) {
      if (added >= ADDRESSES_PER_SUBSET_MAX) break
      const ip = parseIp(address.ip)
      if (ip === undefined) {
        invalid++
        continue
      }
      added++
      const key = groupKey(ip.family, ports)
      const group = groups.get(key) ?? { addressType: ip.family, ports, endpoints: new Map<string, Endpoint>() }
      groups.set(key, group)
      const endpoint = newEndpoint(address, formatIp(ip), ready)
      if (group.endpoints.size < ADDRESSES_PER_SUBSET_MAX) group.endpoints.set(endpointKey(endpoint), endpoint)
    }
    skipped += all.length - added
  }
  return { groups, invalid, skipped }
}

function inState(addresses: readonly DeepReadonly<EndpointAddress>[] = [], ready: boolean) {
  return addresses.map((address) => ({ address, ready }))
}

function newEndpoint(
  { nodeName, hostname = '', targetRef }: DeepReadonly<EndpointAddress>,
  ip: string,
  ready: boolean,
): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(targetRef === undefined ? {} : { targetRef: { ...targetRef } }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hostname === '' ? {} : { hostname }),
  }
}

function portsOf({ ports = [] }: DeepReadonly<EndpointSubset>): EndpointPort[] {
  return ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }))
}

function groupKey(addressType: string, ports: readonly DeepReadonly<EndpointPort>[] | undefined): string {
  return `${addressType}|${portsKey(ports)}`
}

function isMirrored({ metadata, endpoints = [] }: Slice, wanted: EndpointSlice): boolean {
  const present = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]))
  const desired = wanted.endpoints ?? []
  const hasSameEndpoints =
    present.size === desired.length &&
    desired.every((endpoint) => {
      const before = present.get(endpointKey(endpoint))
      return before !== undefined && hasSameState(before, endpoint)
    })
  return (
    hasSameEndpoints &&
    !isOfEarlier(metadata.ownerReferences, wanted) &&
    deepEqual(metadata.labels ?? {}, wanted.metadata.labels) &&
    deepEqual(metadata.annotations ?? {}, wanted.metadata.annotations)
  )
}

/** The Endpoints were deleted and made again: the garbage collector would take the slice of the first ones. */
function isOfEarlier(owners: Slice['metadata']['ownerReferences'] = [], { metadata }: EndpointSlice): boolean {
  const [wanted] = metadata.ownerReferences ?? []
  return owners.some(({ kind, name, uid }) => kind === wanted?.kind && name === wanted.name && uid !== wanted.uid)
}

function inPlaceOf({ metadata }: Slice, wanted: EndpointSlice): EndpointSlice {
  const { generateName: _, ...rest } = wanted.metadata
  const { name = '', resourceVersion = '' } = metadata
  return { ...wanted, metadata: { ...rest, name, resourceVersion } }
}

function newSlice(
  endpoints: DeepReadonly<Endpoints>,
  { addressType, ports, endpoints: members }: Group,
): EndpointSlice {
  const { namespace = '', name = '', labels = {}, annotations = {} } = endpoints.metadata
  const mirrored = Object.entries(annotations).filter(([key]) => !UNMIRRORED_ANNOTATIONS.includes(key))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels: { ...labels, [SERVICE_NAME_LABEL]: name, [SLICE_MANAGED_BY_LABEL]: MANAGED_BY },
      annotations: Object.fromEntries(mirrored),
      ownerReferences: [newControllerReference(endpoints, ENDPOINTS)],
    },
    addressType,
    endpoints: [...members.values()].map((endpoint) => deepCopy<Endpoint>(endpoint)),
    ports: [...ports],
  }
}
