/**
 * Services: IP family fields follow the cluster IP, fields of another type are dropped when the type changes.
 * Upstream: pkg/registry/core/service/strategy.go, storage/alloc.go (defaultOnReadService, initIPFamilyFields).
 */
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { isDns1035Label } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateService, validateServiceUpdate } from '#apiserver/apis/core/service/validation.ts'
import type { Strategy } from '../../generic/interfaces.ts'

type FrozenService = DeepReadonly<Service>

export const serviceStrategy: Strategy = {
  validateName: isDns1035Label,
  returnsDeletedObject: true,
  prepareForCreate(draft) {
    const service = draft as Service
    normalizeClusterIps(service.spec)
    initIpFamilies(service.spec)
    service.status = { loadBalancer: {} }
  },
  prepareForUpdate(draft, old) {
    const service = draft as Service
    const before = old as FrozenService
    patchAllocatedValues(service.spec, before.spec)
    normalizeClusterIps(service.spec)
    initIpFamilies(service.spec)
    if (service.spec.type !== before.spec.type) dropFieldsOfOtherTypes(service.spec)
    else if (service.spec.externalTrafficPolicy !== 'Local') dropUnchangedHealthCheckPort(service.spec, before.spec)
  },
  validate: (object) => validateService(object as FrozenService),
  validateUpdate: (object, old) => validateServiceUpdate(object as FrozenService, old as FrozenService),
}

/** Replaces without the allocated values (kubectl replace, old clients) keep them. Upstream: patchAllocatedValues. */
function patchAllocatedValues(spec: ServiceSpec, before: FrozenService['spec']): void {
  const hadIp = before.type !== 'ExternalName' && (before.clusterIP ?? '') !== ''
  if (spec.type !== 'ExternalName' && hadIp) {
    if ((spec.clusterIP ?? '') === '' && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP
    if (
      (spec.clusterIPs ?? []).length === 0 &&
      spec.clusterIP === before.clusterIP &&
      before.clusterIPs !== undefined
    ) {
      spec.clusterIPs = [...before.clusterIPs]
    }
  }
  const isExposed = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  const wasExposed = before.type === 'NodePort' || before.type === 'LoadBalancer'
  if (isExposed && wasExposed) {
    const held = new Map((before.ports ?? []).map((port) => [portKey(port), port.nodePort ?? 0]))
    for (const port of spec.ports ?? []) port.nodePort ||= held.get(portKey(port)) ?? 0
    for (const port of spec.ports ?? []) if (port.nodePort === 0) delete port.nodePort
  }
  const hadHealthCheck = (before.healthCheckNodePort ?? 0) !== 0
  if (hadHealthCheck && spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local') {
    spec.healthCheckNodePort ||= before.healthCheckNodePort ?? 0
  }
}

const portKey = (port: { readonly port: number; readonly protocol?: string }): string =>
  `${port.protocol ?? 'TCP'}/${port.port}`

/** clusterIP and clusterIPs[0] are one value. Upstream: NormalizeClusterIPs. */
function normalizeClusterIps(spec: ServiceSpec): void {
  const [first] = spec.clusterIPs ?? []
  if ((spec.clusterIP ?? '') !== '' && first === undefined) spec.clusterIPs = [spec.clusterIP ?? '']
  else if ((spec.clusterIP ?? '') === '' && first !== undefined) spec.clusterIP = first
}

function initIpFamilies(spec: ServiceSpec): void {
  if (spec.type === 'ExternalName') {
    delete spec.ipFamilies
    delete spec.ipFamilyPolicy
    return
  }
  if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = [spec.clusterIP?.includes(':') === true ? 'IPv6' : 'IPv4']
  spec.ipFamilyPolicy ??= 'SingleStack'
}

function dropFieldsOfOtherTypes(spec: ServiceSpec): void {
  if (spec.type === 'ExternalName') {
    delete spec.clusterIP
    delete spec.clusterIPs
    delete spec.internalTrafficPolicy
  } else {
    delete spec.externalName
  }
  if (spec.type !== 'LoadBalancer') {
    delete spec.allocateLoadBalancerNodePorts
    delete spec.loadBalancerClass
    delete spec.healthCheckNodePort
  } else if (spec.externalTrafficPolicy !== 'Local') {
    delete spec.healthCheckNodePort
  }
  if (spec.type === 'ClusterIP' || spec.type === 'ExternalName') {
    for (const port of spec.ports ?? []) delete port.nodePort
    if ((spec.externalIPs ?? []).length === 0) delete spec.externalTrafficPolicy
  }
}

function dropUnchangedHealthCheckPort(spec: ServiceSpec, before: FrozenService['spec']): void {
  if (spec.healthCheckNodePort === before.healthCheckNodePort) delete spec.healthCheckNodePort
}

export const serviceSelectableFields = {
  'spec.clusterIP': (object: FrozenService) => object.spec.clusterIP ?? '',
  'spec.type': (object: FrozenService) => object.spec.type ?? '',
}
