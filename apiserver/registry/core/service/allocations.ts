/**
 * Gives services their cluster IPs, node ports and health check port, and takes them back: what a failed write or a dry
 * run took at once, what a successful update gave up when the store shows that it did.
 * Upstream: pkg/registry/core/service/storage/alloc.go.
 */

import type { FrozenService, FrozenServiceSpec } from '#apiserver/apis/core/service/facts.ts'
import { HEADLESS, needsClusterIp, needsHealthCheckPort, needsNodePorts } from '#apiserver/apis/core/service/facts.ts'
import type { Service, ServicePort } from '#machinery/api/core/v1/types.gen.ts'
import { newInternalError, newInvalid } from '#machinery/meta/errors.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { IpFamily } from '#machinery/meta/ip-address.ts'
import type { RegistryDeps } from '../../deps.ts'
import type { RequestContext } from '../../generic/interfaces.ts'
import { ClusterIpAllocator } from './ip-allocator.ts'
import { isUnchangedPreference } from './ip-families.ts'
import { PortAllocator, PortOperation } from './port-allocator.ts'
import { parseServiceCidrs } from './service-cidrs.ts'

type Undo = () => void

/** Values an update gave up; they are free once the stored service does not hold them any more. */
interface Release {
  readonly namespace: string
  readonly name: string
  readonly ips: readonly string[]
  readonly ports: readonly number[]
}

export class ServiceAllocations {
  readonly #deps: RegistryDeps
  readonly #ips: ClusterIpAllocator
  readonly #ports: PortAllocator
  readonly #releases = new Set<Release>()
  #isLoaded = false

  constructor(deps: RegistryDeps) {
    this.#deps = deps
    this.#ips = new ClusterIpAllocator(deps.objects, parseServiceCidrs(deps.config.serviceCidr))
    this.#ports = new PortAllocator(deps.config.nodePortRange)
  }

  /** Allocates what a new service lacks; the answer gives it back when the write fails. Throws holding nothing. */
  create(service: Service, context: RequestContext): Undo {
    this.#settle()
    return this.#transaction(context, (ports, undo) => {
      this.#allocateIps(service, context, undo)
      if (needsNodePorts(service.spec)) initNodePorts(service, ports)
      if (needsHealthCheckPort(service.spec)) allocateHealthCheckPort(service, ports)
    })
  }

  update(service: Service, old: FrozenService, context: RequestContext): Undo {
    this.#settle()
    const { spec } = service
    const undo = this.#transaction(context, (ports, steps) => {
      this.#updateIps(service, old, context, steps)
      if (needsNodePorts(spec)) updateNodePorts(service, old, ports)
      if (!needsHealthCheckPort(old.spec) && needsHealthCheckPort(spec)) allocateHealthCheckPort(service, ports)
    })
    if (context.isDryRun) return undo
    const release = givenUp(service, old)
    if (release === undefined) return undo
    this.#releases.add(release)
    return () => {
      this.#releases.delete(release)
      undo()
    }
  }

  release(service: FrozenService): void {
    this.#settle()
    for (const ip of clusterIpsOf(service.spec)) this.#ips.release(ip)
    for (const port of portsOf(service.spec)) this.#ports.release(port)
  }

  /** Before every use: the stored services are known, and what updates gave up since is free. */
  #settle(): void {
    if (!this.#isLoaded) {
      this.#isLoaded = true
      for (const { spec } of this.#deps.objects.list('', 'services', '') as readonly FrozenService[]) {
        for (const ip of clusterIpsOf(spec)) this.#ips.restore(ip)
        for (const port of portsOf(spec)) this.#ports.restore(port)
      }
    }
    for (const release of this.#releases) {
      const stored = this.#deps.objects.peek('', 'services', release.namespace, release.name)
      const spec = (stored as FrozenService | undefined)?.spec
      const ips = new Set(spec === undefined ? [] : clusterIpsOf(spec))
      const ports = new Set(spec === undefined ? [] : portsOf(spec))
      // Still there: the update is in flight.
      if (release.ips.some((ip) => ips.has(ip)) || release.ports.some((port) => ports.has(port))) continue
      for (const ip of release.ips) this.#ips.release(ip)
      for (const port of release.ports) this.#ports.release(port)
      this.#releases.delete(release)
    }
  }

  #transaction(context: RequestContext, work: (ports: PortOperation, undo: Undo[]) => void): Undo {
    const steps: Undo[] = []
    const ports = new PortOperation(this.#ports, context.random, context.isDryRun)
    const rollback = (): void => {
      for (const step of steps.splice(0).reverse()) step()
      ports.undo()
    }
    try {
      work(ports, steps)
    } catch (err) {
      rollback()
      throw err
    }
    return rollback
  }

  /** One IP per family; those the client named are taken, the others chosen. */
  #allocateIps(service: Service, context: RequestContext, undo: Undo[]): void {
    const { spec } = service
    if (!needsClusterIp(spec) || spec.clusterIPs?.[0] === HEADLESS) return
    const wanted = spec.clusterIPs ?? []
    const ips = (spec.ipFamilies ?? []).map((family, i) =>
      this.#takeIp(service, family as IpFamily, wanted[i] ?? '', context, undo),
    )
    spec.clusterIPs = ips
    if (ips[0] !== undefined) spec.clusterIP = ips[0]
  }

  #takeIp(service: Service, family: IpFamily, wanted: string, context: RequestContext, undo: Undo[]): string {
    const { isDryRun, random } = context
    if (wanted === '') {
      const ip = this.#ips.takeAny(family, random, isDryRun)
      if (ip === undefined) {
        const name = JSON.stringify(service.metadata.name ?? '')
        throw newInternalError(`failed to allocate a serviceIP for Service ${name}: range is full`)
      }
      if (!isDryRun) undo.push(() => this.#ips.release(ip))
      return ip
    }
    const problem = this.#ips.take(wanted, isDryRun)
    if (problem !== undefined) {
      throw invalid(service, 'spec.clusterIPs', service.spec.clusterIPs, `failed to allocate IP ${wanted}: ${problem}`)
    }
    if (!isDryRun) undo.push(() => this.#ips.release(wanted))
    return wanted
  }

  #updateIps(service: Service, old: FrozenService, context: RequestContext, undo: Undo[]): void {
    const { spec } = service
    if (isUnchangedPreference(spec, old.spec)) return
    if (!needsClusterIp(old.spec)) {
      this.#allocateIps(service, context, undo)
      return
    }
    const families = spec.ipFamilies ?? []
    const isUpgrade = old.spec.ipFamilies?.length === 1 && families.length === 2
    if (old.spec.clusterIPs?.[0] === HEADLESS || !needsClusterIp(spec) || !isUpgrade) return
    const [first = '', second = ''] = spec.clusterIPs ?? []
    spec.clusterIPs = [first, this.#takeIp(service, families[1] as IpFamily, second, context, undo)]
  }
}

function invalid(service: Service, field: string, value: unknown, detail: string): Error {
  const name = service.metadata.name ?? ''
  return newInvalid({ group: '', kind: 'Service' }, name, [fieldInvalid(field, value, detail)])
}

const allocatesNodePorts = ({ type, allocateLoadBalancerNodePorts }: FrozenServiceSpec): boolean =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)

function takePort(service: Service, i: number, nodePort: number, ports: PortOperation): void {
  const problem = ports.take(nodePort)
  if (problem !== undefined) throw invalid(service, `spec.ports[${i}].nodePort`, nodePort, problem)
}

function anyPort(ports: PortOperation): number {
  const nodePort = ports.takeAny()
  if (nodePort === undefined) throw newInternalError('failed to allocate a nodePort: range is full')
  return nodePort
}

/** One node port for every port number: TCP and UDP of the same port share it. Upstream: initNodePorts. */
function initNodePorts(service: Service, operation: PortOperation): void {
  const ports = service.spec.ports ?? []
  const chosen = new Map<number, number>()
  ports.forEach((port, i) => {
    if (port.nodePort === undefined && !allocatesNodePorts(service.spec)) return
    const shared = chosen.get(port.port)
    if (shared === undefined) chosen.set(port.port, firstNodePort(service, port, i, operation))
    else if (port.nodePort === undefined) port.nodePort = shared
    else if (port.nodePort !== shared) takePort(service, i, port.nodePort, operation)
  })
}

function firstNodePort(service: Service, port: ServicePort, i: number, operation: PortOperation): number {
  const ports = service.spec.ports ?? []
  const requested = ports.find(({ port: number, nodePort }) => number === port.port && nodePort !== undefined)?.nodePort
  if (requested !== undefined) takePort(service, i, requested, operation)
  port.nodePort = requested ?? anyPort(operation)
  return port.nodePort
}

function updateNodePorts(service: Service, old: FrozenService, operation: PortOperation): void {
  const held = new Set((old.spec.ports ?? []).map(({ nodePort }) => nodePort))
  const taken = new Set<number>()
  const seen = new Set<string>()
  service.spec.ports?.forEach((port, i) => {
    if (port.nodePort === undefined && !allocatesNodePorts(service.spec)) return
    if (port.nodePort === undefined) port.nodePort = anyPort(operation)
    else if (!held.has(port.nodePort) && !taken.has(port.nodePort)) {
      takePort(service, i, port.nodePort, operation)
      taken.add(port.nodePort)
    }
    const key = `${port.protocol ?? ''} ${port.nodePort}`
    if (seen.has(key)) throw newInternalError(`duplicate nodePort: {${key}}`)
    seen.add(key)
  })
}

function allocateHealthCheckPort(service: Service, operation: PortOperation): void {
  const { spec } = service
  const wanted = spec.healthCheckNodePort
  if (wanted === undefined) {
    const port = operation.takeAny()
    if (port === undefined) throw newInternalError('failed to allocate a HealthCheck NodePort 0: range is full')
    spec.healthCheckNodePort = port
    return
  }
  const problem = operation.take(wanted)
  if (problem !== undefined) {
    throw newInternalError(`failed to allocate requested HealthCheck NodePort ${wanted}: ${problem}`)
  }
}

function givenUp(service: Service, old: FrozenService): Release | undefined {
  const ips = new Set(clusterIpsOf(service.spec))
  const ports = new Set(portsOf(service.spec))
  const release: Release = {
    namespace: old.metadata.namespace ?? '',
    name: old.metadata.name ?? '',
    ips: clusterIpsOf(old.spec).filter((ip) => !ips.has(ip)),
    ports: portsOf(old.spec).filter((port) => !ports.has(port)),
  }
  return release.ips.length + release.ports.length === 0 ? undefined : release
}

function clusterIpsOf(spec: FrozenServiceSpec): readonly string[] {
  if (!needsClusterIp(spec) || spec.clusterIPs?.[0] === HEADLESS) return []
  return spec.clusterIPs ?? []
}

function portsOf(spec: FrozenServiceSpec): number[] {
  const ports = needsNodePorts(spec) ? (spec.ports ?? []).map(({ nodePort = 0 }) => nodePort) : []
  if (needsHealthCheckPort(spec)) ports.push(spec.healthCheckNodePort ?? 0)
  return ports.filter((port) => port !== 0)
}
