/**
 * Services: linked fields follow one another, allocated values survive replaces that leave them out, fields of another
 * type are dropped when the type changes.
 * Upstream: pkg/registry/core/service/strategy.go, storage/storage.go (beginCreate, beginUpdate).
 * Differs: IPs and ports are allocated after validation, which therefore reports first.
 */

import type { FrozenService, FrozenServiceSpec } from '#apiserver/apis/core/service/facts.ts'
import {
  isExternallyAccessible,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
} from '#apiserver/apis/core/service/facts.ts'
import {
  validateService,
  validateServiceStatusUpdate,
  validateServiceUpdate,
} from '#apiserver/apis/core/service/validation.ts'
import { serviceWarnings } from '#apiserver/apis/core/service/warnings.ts'
import { loadBalancerWarnings } from '#apiserver/apis/ip-validation.ts'
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import type { IpFamily } from '#machinery/meta/ip-address.ts'
import { isDns1123Label } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { Strategy } from '../../generic/interfaces.ts'
import { initIpFamilies } from './ip-families.ts'

/** `families`: those of --service-cidr, the default one first. */
export function serviceStrategy(families: readonly IpFamily[]): Strategy {
  return {
    validateName: isDns1123Label,
    allowCreateOnUpdate: true,
    returnsDeletedObject: true,
    prepareForCreate(draft) {
      const service = draft as Service
      const { spec } = service
      dropEmptyMembers(spec)
      if (spec.clusterIP !== undefined && spec.clusterIPs === undefined) spec.clusterIPs = [spec.clusterIP]
      fillFamilies(spec, undefined, families)
      service.status = { loadBalancer: {} }
    },
    prepareForUpdate(draft, old) {
      const service = draft as Service
      const before = (old as FrozenService).spec
      dropEmptyMembers(service.spec)
      patchAllocatedValues(service.spec, before)
      normalizeClusterIps(service.spec, before)
      dropFieldsOfOtherTypes(service.spec, before)
      fillFamilies(service.spec, before, families)
      if (service.spec.type !== 'LoadBalancer') service.status = { ...service.status, loadBalancer: {} }
    },
    validate(object) {
      const errors = familyErrors(object as FrozenService, undefined, families)
      return errors.length > 0 ? errors : validateService(object as FrozenService)
    },
    validateUpdate(object, old) {
      const errors = familyErrors(object as FrozenService, (old as FrozenService).spec, families)
      return errors.length > 0 ? errors : validateServiceUpdate(object as FrozenService, old as FrozenService)
    },
    warnings: (object) => serviceWarnings(object as FrozenService),
  }
}

export const serviceStatusStrategy: Strategy = {
  validateUpdate: (object, old) => validateServiceStatusUpdate(object as FrozenService, old as FrozenService),
  warnings: (object) => loadBalancerWarnings((object as FrozenService).status?.loadBalancer),
}

/** Empty is absent in all of these. */
const OMITTED_WHEN_EMPTY = [
  'clusterIP',
  'clusterIPs',
  'ipFamilies',
  'externalTrafficPolicy',
  'healthCheckNodePort',
] as const satisfies readonly (keyof ServiceSpec)[]

function dropEmptyMembers(spec: ServiceSpec): void {
  for (const member of OMITTED_WHEN_EMPTY) {
    const value = spec[member]
    if (value === '' || value === 0 || (Array.isArray(value) && value.length === 0)) delete spec[member]
  }
  for (const port of spec.ports ?? []) if (port.nodePort === 0) delete port.nodePort
  if (!needsClusterIp(spec)) delete spec.internalTrafficPolicy
}

/** Leaves the service as it is when the fields contradict each other: then familyErrors says so. */
function fillFamilies(spec: ServiceSpec, old: FrozenServiceSpec | undefined, families: readonly IpFamily[]): void {
  const filled = { ...spec }
  if (initIpFamilies(filled, old, families).length === 0) Object.assign(spec, filled)
}

/** As upstream, which fills the families first, these are the only errors of a service that has them. */
function familyErrors(
  { spec }: FrozenService,
  old: FrozenServiceSpec | undefined,
  families: readonly IpFamily[],
): FieldError[] {
  return initIpFamilies({ ...spec } as ServiceSpec, old, families)
}

/** Replaces without the allocated values (kubectl replace, old clients) keep them. Upstream: patchAllocatedValues. */
function patchAllocatedValues(spec: ServiceSpec, old: FrozenServiceSpec): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if (spec.clusterIP === undefined && old.clusterIP !== undefined) spec.clusterIP = old.clusterIP
    if (spec.clusterIPs === undefined && old.clusterIPs !== undefined) spec.clusterIPs = [...old.clusterIPs]
  }
  if (keepsNodePorts(old) && keepsNodePorts(spec)) patchNodePorts(spec, old)
  const oldPort = old.healthCheckNodePort
  if (needsHealthCheckPort(old) && needsHealthCheckPort(spec) && oldPort !== undefined) {
    spec.healthCheckNodePort ??= oldPort
  }
}

const keepsNodePorts = (spec: FrozenServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)

/** By port name: everything else of a port may have changed. A number that another port names now is not given. */
function patchNodePorts(spec: ServiceSpec, old: FrozenServiceSpec): void {
  const held = new Map<string, number>()
  for (const { name = '', nodePort = 0 } of old.ports ?? []) held.set(name, nodePort)
  const named = new Set((spec.ports ?? []).map(({ nodePort = 0 }) => nodePort))
  for (const port of spec.ports ?? []) {
    const value = held.get(port.name ?? '') ?? 0
    if (port.nodePort === undefined && value !== 0 && !named.has(value)) port.nodePort = value
  }
}

/** clusterIP and clusterIPs[0] are one value: a client may know the old one only. Upstream: normalizeClusterIPs. */
function normalizeClusterIps(spec: ServiceSpec, old: FrozenServiceSpec): void {
  if (spec.clusterIPs === undefined && old.clusterIPs !== undefined && spec.clusterIP === old.clusterIP) {
    spec.clusterIPs = [...old.clusterIPs]
  }
  const isSameList = deepEqual(spec.clusterIPs ?? [], old.clusterIPs ?? [])
  if (spec.clusterIP === old.clusterIP || !isSameList) return
  if (spec.clusterIP === undefined) delete spec.clusterIPs
  else spec.clusterIPs = [spec.clusterIP]
}

/** What no longer applies goes, unless the client changed it too: then validation refuses it. */
function dropFieldsOfOtherTypes(spec: ServiceSpec, old: FrozenServiceSpec): void {
  if (needsClusterIp(old) && !needsClusterIp(spec)) {
    if (spec.clusterIP === old.clusterIP && deepEqual(spec.clusterIPs, old.clusterIPs)) {
      delete spec.clusterIP
      delete spec.clusterIPs
    }
    if (deepEqual(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies
    if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy
  }
  if (needsNodePorts(old) && !needsNodePorts(spec) && hasNoNewNodePort(spec, old)) {
    for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(spec)) dropIfSame(spec, old, 'healthCheckNodePort')
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    dropIfSame(spec, old, 'allocateLoadBalancerNodePorts')
    dropIfSame(spec, old, 'loadBalancerClass')
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec)) dropIfSame(spec, old, 'externalTrafficPolicy')
}

function dropIfSame(spec: ServiceSpec, old: FrozenServiceSpec, member: keyof ServiceSpec): void {
  if (spec[member] === old[member]) delete spec[member]
}

function hasNoNewNodePort(spec: ServiceSpec, old: FrozenServiceSpec): boolean {
  const held = new Set((old.ports ?? []).map(({ nodePort }) => nodePort))
  return (spec.ports ?? []).every(({ nodePort }) => nodePort === undefined || held.has(nodePort))
}

export const serviceSelectableFields = {
  'spec.clusterIP': (object: FrozenService) => object.spec.clusterIP ?? '',
  'spec.type': (object: FrozenService) => object.spec.type ?? '',
}
