/**
 * Which slices to create, change and delete so that they hold the wanted endpoints, with as few writes as possible: an
 * endpoint stays where it is; new ones fill slices that change anyway, then one slice with room for all, then new slices. Pure.
 * Upstream: staging/src/k8s.io/endpointslice/reconciler.go (reconcileByPortMapping, the end of reconcileByAddressType, finalize).
 */
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newControllerReference } from '#sdk'
import { HEADLESS_LABEL, isHeadless } from '../manager/endpoint-pods.ts'
import { endpointKey, hasSameState, portsKey } from '../manager/slice-endpoints.ts'
import { SERVICE_NAME_LABEL, SLICE_MANAGED_BY_LABEL } from '../manager/slice-tracker.ts'
import type { AddressType, PortGroup } from './desired-endpoints.ts'

export const MANAGED_BY = 'endpointslice-controller.k8s.io'

export interface SlicePlan {
  /** Without names. */
  create: EndpointSlice[]
  /** Copies, with the resourceVersion they were read at. */
  update: EndpointSlice[]
  remove: DeepReadonly<EndpointSlice>[]
  unchanged: DeepReadonly<EndpointSlice>[]
}

export interface PlanOptions {
  readonly service: DeepReadonly<Service>
  readonly addressType: AddressType
  /** Of this address type; those of an earlier Service of the name are removed. */
  readonly existing: readonly DeepReadonly<EndpointSlice>[]
  /** Emptied by the planning. */
  readonly groups: ReadonlyMap<string, PortGroup>
  readonly endpointsMax: number
}

export function planSlices(options: PlanOptions): SlicePlan {
  const { service, existing, groups, addressType } = options
  const plan: SlicePlan = { create: [], update: [], remove: [], unchanged: [] }
  const byPorts = new Map<string, DeepReadonly<EndpointSlice>[]>()
  for (const slice of existing) {
    if (!isOwnedBy(slice, service)) plan.remove.push(slice)
    else byPorts.set(portsKey(slice.ports), [...(byPorts.get(portsKey(slice.ports)) ?? []), slice])
  }
  for (const [key, group] of groups) planGroup(plan, options, group, byPorts.get(key) ?? [])
  for (const [key, slices] of byPorts) if (!groups.has(key)) plan.remove.push(...slices)
  if (plan.remove.length === existing.length && plan.create.length === 0) placePlaceholder(plan, service, addressType)
  return plan
}

/** Slices that would be deleted become those that would be created. */
export function recycle(plan: SlicePlan, service: DeepReadonly<Service>): void {
  plan.remove = plan.remove.filter((slice) => {
    const next = plan.create.at(-1)
    if (next === undefined || next.addressType !== slice.addressType || !isOwnedBy(slice, service)) return true
    plan.create.pop()
    const { name = '', resourceVersion = '' } = slice.metadata
    const { generateName: _, ...metadata } = next.metadata
    plan.update.push({ ...next, metadata: { ...metadata, name, resourceVersion } })
    return false
  })
}

/** How the slices of one set of ports come to hold their endpoints. */
function planGroup(
  plan: SlicePlan,
  options: PlanOptions,
  { ports, endpoints }: PortGroup,
  existing: readonly DeepReadonly<EndpointSlice>[],
): void {
  const { service, endpointsMax } = options
  const changed: EndpointSlice[] = []
  const unchanged: DeepReadonly<EndpointSlice>[] = []
  for (const slice of existing) {
    const kept = keep(slice, endpoints)
    const labels = labelsFor(service)
    if (kept.length === 0 && (slice.endpoints ?? []).length > 0) plan.remove.push(slice)
    else if (isAsKept(slice, kept) && deepEqual(slice.metadata.labels, labels)) unchanged.push(slice)
    else changed.push(withEndpoints(slice, kept, labels))
  }
  changed.sort((a, b) => (b.endpoints ?? []).length - (a.endpoints ?? []).length)
  for (const slice of changed) fill(slice, endpoints, endpointsMax)
  while (endpoints.size > 0) {
    const roomy = withLeastRoomFor(unchanged, endpoints.size, endpointsMax)
    const slice = roomy === undefined ? newSlice(service, options.addressType, ports) : deepCopy<EndpointSlice>(roomy)
    fill(slice, endpoints, endpointsMax)
    if (roomy === undefined) plan.create.push(slice)
    else {
      unchanged.splice(unchanged.indexOf(roomy), 1)
      changed.push(slice)
    }
  }
  plan.update.push(...changed)
  plan.unchanged.push(...unchanged)
}

/** The endpoints of the slice that are still wanted, as they are wanted; they leave the wanted ones. */
function keep(slice: DeepReadonly<EndpointSlice>, wanted: Map<string, Endpoint>): Endpoint[] {
  return (slice.endpoints ?? []).flatMap((endpoint) => {
    const key = endpointKey(endpoint)
    const state = wanted.get(key)
    if (state === undefined) return []
    wanted.delete(key)
    // Hints stay until they are decided anew.
    return [
      endpoint.hints === undefined ? state : { ...state, hints: deepCopy<Endpoint['hints'] & object>(endpoint.hints) },
    ]
  })
}

function isAsKept({ endpoints = [] }: DeepReadonly<EndpointSlice>, kept: readonly Endpoint[]): boolean {
  if (endpoints.length !== kept.length) return false
  return kept.every((endpoint, i) => {
    const before = endpoints[i]
    return before !== undefined && hasSameState(before, endpoint)
  })
}

function withEndpoints(
  slice: DeepReadonly<EndpointSlice>,
  endpoints: Endpoint[],
  labels: Record<string, string>,
): EndpointSlice {
  const { endpoints: _, ...rest } = slice
  const draft = deepCopy<EndpointSlice>(rest)
  draft.metadata.labels = labels
  draft.endpoints = endpoints
  return draft
}

function fill(slice: EndpointSlice, endpoints: Map<string, Endpoint>, endpointsMax: number): void {
  slice.endpoints ??= []
  for (const [key, endpoint] of endpoints) {
    if (slice.endpoints.length >= endpointsMax) return
    slice.endpoints.push(endpoint)
    endpoints.delete(key)
  }
}

/** The fullest slice that still takes all of them. */
function withLeastRoomFor(
  slices: readonly DeepReadonly<EndpointSlice>[],
  count: number,
  endpointsMax: number,
): DeepReadonly<EndpointSlice> | undefined {
  let best: DeepReadonly<EndpointSlice> | undefined
  let bestRoom = endpointsMax
  for (const slice of slices) {
    const room = endpointsMax - (slice.endpoints ?? []).length - count
    if (room < 0 || room >= bestRoom) continue
    best = slice
    bestRoom = room
  }
  return best
}

/** A Service without endpoints has one empty slice of each type, so that consumers can tell "none" from "not yet". */
function placePlaceholder(plan: SlicePlan, service: DeepReadonly<Service>, addressType: AddressType): void {
  const placeholder = newSlice(service, addressType, [])
  const [only] = plan.remove
  if (plan.remove.length === 1 && only !== undefined && isPlaceholder(only, placeholder)) {
    plan.remove = []
    plan.unchanged.push(only)
  } else plan.create.push(placeholder)
}

function isPlaceholder(slice: DeepReadonly<EndpointSlice>, placeholder: EndpointSlice): boolean {
  const { ports = [], endpoints = [], metadata } = slice
  if (ports.length > 0 || endpoints.length > 0) return false
  return (
    deepEqual(metadata.labels, placeholder.metadata.labels) &&
    deepEqual(metadata.ownerReferences, placeholder.metadata.ownerReferences)
  )
}

function newSlice(
  service: DeepReadonly<Service>,
  addressType: AddressType,
  ports: readonly EndpointPort[],
): EndpointSlice {
  const { namespace = '', name = '' } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels: labelsFor(service),
      ownerReferences: [newControllerReference(service, SERVICES)],
    },
    addressType,
    endpoints: [],
    ports: [...ports],
  }
}

/** The Service's own, but for the three that say what the slice is. */
function labelsFor(service: DeepReadonly<Service>): Record<string, string> {
  const { [HEADLESS_LABEL]: _, ...labels } = service.metadata.labels ?? {}
  return {
    ...labels,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
    [SERVICE_NAME_LABEL]: service.metadata.name ?? '',
    [SLICE_MANAGED_BY_LABEL]: MANAGED_BY,
  }
}

function isOwnedBy({ metadata }: DeepReadonly<EndpointSlice>, service: DeepReadonly<Service>): boolean {
  return (metadata.ownerReferences ?? []).some(
    ({ uid, kind, apiVersion }) => uid === service.metadata.uid && kind === 'Service' && apiVersion === 'v1',
  )
}
