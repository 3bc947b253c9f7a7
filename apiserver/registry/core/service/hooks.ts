/**
 * Gives services their cluster IP and node ports, and takes them back. IPv4 single-stack; the IP family fields are set
 * as upstream sets them. Upstream: pkg/registry/core/service/storage/{alloc,storage}.go. Differs: no dual-stack.
 */
import type { Service, ServicePort } from '#machinery/api/core/v1/types.gen.ts'
import { newInternalError, newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { RegistryDeps } from '../../deps.ts'
import type { RequestContext, StoreHooks } from '../../generic/interfaces.ts'
import { NumberAllocator } from './allocator.ts'
import { ipv4ToNumber, numberToIpv4, parseIpv4Range } from './ip-range.ts'

type FrozenService = DeepReadonly<Service>
type Undo = () => void

const NODE_PORT_STATIC_BAND_MAX = 128

export function serviceHooks(deps: RegistryDeps): StoreHooks {
  const allocations = new ServiceAllocations(deps)
  return {
    beginCreate(draft, context) {
      return allocations.begin(draft as Service, undefined, context)
    },
    beginUpdate(draft, old, context) {
      return allocations.begin(draft as Service, old as FrozenService, context)
    },
    afterDelete(object) {
      allocations.release(object as FrozenService)
    },
  }
}

class ServiceAllocations {
  readonly #deps: RegistryDeps
  readonly #ips: NumberAllocator
  readonly #ports: NumberAllocator
  readonly #cidr: string
  #isLoaded = false

  constructor(deps: RegistryDeps) {
    this.#deps = deps
    this.#cidr = deps.config.serviceCidr
    const range = parseIpv4Range(deps.config.serviceCidr)
    const offset = Math.min(Math.max(16, Math.floor(range.size / 16)), 256)
    this.#ips = new NumberAllocator({
      first: range.base + 1,
      last: range.base + range.size - 2,
      dynamicFirst: range.base + 1 + offset,
    })
    const { first, last } = deps.config.nodePortRange
    const band = Math.min(Math.max(0, Math.floor((last - first + 1) / 32)), NODE_PORT_STATIC_BAND_MAX)
    this.#ports = new NumberAllocator({ first, last, dynamicFirst: first + band })
  }

  /** Allocates what `service` lacks; the answer gives it back when the write fails. Throws Invalid, holding nothing. */
  begin(service: Service, old: FrozenService | undefined, context: RequestContext): Undo {
    this.#load()
    const undo: Undo[] = []
    const rollback = (): void => {
      for (const step of undo.splice(0).reverse()) step()
    }
    try {
      const errors: FieldError[] = []
      this.#allocateIp(service, old, context, errors, undo)
      this.#allocatePorts(service, old, context, errors, undo)
      if (errors.length > 0) throw newInvalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', errors)
    } catch (err) {
      rollback()
      throw err
    }
    return rollback
  }

  release(service: FrozenService): void {
    this.#load()
    const ip = clusterIpNumber(service)
    if (ip !== undefined) this.#ips.release(ip)
    for (const port of nodePortsOf(service)) this.#ports.release(port)
  }

  /** The first use sees every stored service: the cache is full before the server serves. */
  #load(): void {
    if (this.#isLoaded) return
    this.#isLoaded = true
    for (const service of this.#deps.objects.list('', 'services', '') as readonly FrozenService[]) {
      const ip = clusterIpNumber(service)
      if (ip !== undefined) this.#ips.take(ip)
      for (const port of nodePortsOf(service)) this.#ports.take(port)
    }
  }

  #allocateIp(
    service: Service,
    old: FrozenService | undefined,
    context: RequestContext,
    errors: FieldError[],
    undo: Undo[],
  ): void {
    const { spec } = service
    const held = old === undefined ? undefined : clusterIpNumber(old)
    if (spec.type === 'ExternalName') {
      if (held !== undefined) this.#releaseLater(this.#ips, held, undo)
      return
    }
    const wanted = spec.clusterIP ?? ''
    if (wanted === 'None') return
    if (wanted === '') {
      const value = this.#ips.takeAny(context.random)
      if (value === undefined) throw newInternalError('failed to allocate a serviceIP: range is full')
      undo.push(() => this.#ips.release(value))
      setClusterIp(service, numberToIpv4(value))
      return
    }
    const value = ipv4ToNumber(wanted)
    if (value === held) return
    const problem = value === undefined || !this.#ips.contains(value) ? this.#outOfRange() : this.#takeIp(value, undo)
    if (problem !== undefined) {
      errors.push(fieldInvalid('spec.clusterIPs', [wanted], `failed to allocate IP ${wanted}: ${problem}`))
    }
  }

  #outOfRange(): string {
    return `the provided IP is not in the valid range. The range of valid IPs is ${this.#cidr}`
  }

  #takeIp(value: number, undo: Undo[]): string | undefined {
    if (!this.#ips.take(value)) return 'provided IP is already allocated'
    undo.push(() => this.#ips.release(value))
    return undefined
  }

  #allocatePorts(
    service: Service,
    old: FrozenService | undefined,
    context: RequestContext,
    errors: FieldError[],
    undo: Undo[],
  ): void {
    const held = new Set(old === undefined ? [] : nodePortsOf(old))
    const used = new Map<number, string>()
    if (needsNodePorts(service)) {
      const explicit = (service.spec.ports ?? []).entries()
      for (const [i, port] of explicit) this.#takeNodePort(port, i, held, used, errors, undo)
      for (const port of service.spec.ports ?? []) this.#fillNodePort(port, service, used, context, undo)
    }
    this.#allocateHealthCheckPort(service, held, used, context, undo)
    for (const port of held) if (!used.has(port)) this.#releaseLater(this.#ports, port, undo)
  }

  #takeNodePort(
    port: ServicePort,
    i: number,
    held: ReadonlySet<number>,
    used: Map<number, string>,
    errors: FieldError[],
    undo: Undo[],
  ): void {
    const value = port.nodePort ?? 0
    if (value === 0) return
    const isOurs = used.has(value) && used.get(value) !== port.protocol
    used.set(value, port.protocol ?? 'TCP')
    if (held.has(value) || isOurs) return
    const field = `spec.ports[${i}].nodePort`
    if (!this.#ports.contains(value)) {
      const { first, last } = this.#deps.config.nodePortRange
      const detail = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`
      errors.push(fieldInvalid(field, value, detail))
    } else if (this.#ports.take(value)) {
      undo.push(() => this.#ports.release(value))
    } else {
      errors.push(fieldInvalid(field, value, 'provided port is already allocated'))
    }
  }

  #fillNodePort(
    port: ServicePort,
    service: Service,
    used: Map<number, string>,
    context: RequestContext,
    undo: Undo[],
  ): void {
    if ((port.nodePort ?? 0) !== 0 || service.spec.allocateLoadBalancerNodePorts === false) return
    const value = this.#ports.takeAny(context.random)
    if (value === undefined) throw newInternalError('failed to allocate a nodePort: range is full')
    undo.push(() => this.#ports.release(value))
    used.set(value, port.protocol ?? 'TCP')
    port.nodePort = value
  }

  #allocateHealthCheckPort(
    service: Service,
    held: ReadonlySet<number>,
    used: Map<number, string>,
    context: RequestContext,
    undo: Undo[],
  ): void {
    const { spec } = service
    if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return
    const wanted = spec.healthCheckNodePort ?? 0
    const value = wanted === 0 ? this.#ports.takeAny(context.random) : wanted
    if (value === undefined) throw newInternalError('failed to allocate a HealthCheck NodePort: range is full')
    used.set(value, 'TCP')
    spec.healthCheckNodePort = value
    if (held.has(value)) return
    if (wanted !== 0 && !this.#ports.take(wanted)) {
      throw newInternalError(
        `failed to allocate requested HealthCheck NodePort ${wanted}: provided port is already allocated`,
      )
    }
    undo.push(() => this.#ports.release(value))
  }

  /** Invariant: given up now, taken back if the write fails; nobody runs in between on this thread but other writes. */
  #releaseLater(allocator: NumberAllocator, value: number, undo: Undo[]): void {
    allocator.release(value)
    undo.push(() => allocator.take(value))
  }
}

function setClusterIp(service: Service, ip: string): void {
  service.spec.clusterIP = ip
  service.spec.clusterIPs = [ip]
}

function clusterIpNumber(service: FrozenService): number | undefined {
  if (service.spec.type === 'ExternalName') return undefined
  return ipv4ToNumber(service.spec.clusterIP ?? '')
}

function needsNodePorts(service: FrozenService): boolean {
  return service.spec.type === 'NodePort' || service.spec.type === 'LoadBalancer'
}

function nodePortsOf(service: FrozenService): number[] {
  const ports = needsNodePorts(service) ? (service.spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0) : []
  ports.push(service.spec.healthCheckNodePort ?? 0)
  return ports.filter((port) => port !== 0)
}
