/**
 * Marks ServiceCIDRs ready, protects them with a finalizer and lets them go when no address needs them any more.
 *
 * Reads: servicecidrs, ipaddresses and services from the cache.  Writes: servicecidrs (finalizer, Ready condition).
 * Upstream: pkg/controller/servicecidrs. Differs: cluster IPs of services count too, their IPAddress may be on its way.
 */
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import { IP_ADDRESSES, SERVICE_CIDRS } from '#machinery/api/networking/v1/resources.gen.ts'
import type { IPAddress, ServiceCIDR } from '#machinery/api/networking/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { IpPrefix } from '#machinery/meta/ip-address.ts'
import { parseCidr, parseIp, prefixContains } from '#machinery/meta/ip-address.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { SERVICE_CIDR_CONTROLLER } from '../manager/names.ts'

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer'
/** How often a CIDR under deletion that is still in use is looked at again. */
const RECHECK_MS = 10_000
const READY = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }
const IN_USE = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
}

export const serviceCidrController = defineController({
  name: SERVICE_CIDR_CONTROLLER,
  reconciles: SERVICE_CIDRS,
  permissions: [
    { resource: SERVICE_CIDRS, verbs: ['get', 'list', 'watch', 'patch', 'update'] },
    { resource: SERVICE_CIDRS, subresource: 'status', verbs: ['patch', 'update'] },
    { resource: SERVICE_CIDRS, subresource: 'finalizers', verbs: ['patch', 'update'] },
    { resource: IP_ADDRESSES, verbs: ['get', 'list', 'watch'] },
    { resource: SERVICES, verbs: ['get', 'list', 'watch'] },
  ],
  create: ({ client, lister, clock }) =>
    new ServiceCidrReconciler(client, lister(SERVICE_CIDRS), lister(IP_ADDRESSES), lister(SERVICES), clock),
})

class ServiceCidrReconciler implements Reconciler {
  readonly #client: Client
  readonly #cidrs: Lister<ServiceCIDR>
  readonly #addresses: Lister<IPAddress>
  readonly #services: Lister<Service>
  readonly #clock: Clock

  constructor(
    client: Client,
    cidrs: Lister<ServiceCIDR>,
    addresses: Lister<IPAddress>,
    services: Lister<Service>,
    clock: Clock,
  ) {
    this.#client = client
    this.#cidrs = cidrs
    this.#addresses = addresses
    this.#services = services
    this.#clock = clock
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const cidr = this.#cidrs.get(key)
    if (cidr === undefined) return DONE
    const { deletionTimestamp, finalizers = [] } = cidr.metadata
    if (deletionTimestamp === undefined) {
      if (!finalizers.includes(FINALIZER)) await this.#setFinalizers(cidr, [...finalizers, FINALIZER], signal)
      else await this.#setReady(cidr, READY, signal)
      return DONE
    }
    if (!finalizers.includes(FINALIZER)) return DONE
    if (this.#isInUse(cidr)) {
      await this.#setReady(cidr, IN_USE, signal)
      return requeueAfter(RECHECK_MS)
    }
    const others = finalizers.filter((finalizer) => finalizer !== FINALIZER)
    await this.#setFinalizers(cidr, others, signal)
    return DONE
  }

  /** Some address is in this CIDR and in no other that stays. */
  #isInUse(cidr: DeepReadonly<ServiceCIDR>): boolean {
    const own = prefixesOf(cidr)
    const others = this.#cidrs
      .list(
        undefined,
        ({ metadata }) => metadata.name !== cidr.metadata.name && metadata.deletionTimestamp === undefined,
      )
      .flatMap(prefixesOf)
    const needs = (text: string): boolean => {
      const ip = parseIp(text)
      if (ip === undefined) return false
      const isIn = (prefix: IpPrefix): boolean => prefixContains(prefix, ip)
      return own.some(isIn) && !others.some(isIn)
    }
    if (this.#addresses.list(undefined, ({ metadata }) => needs(metadata.name ?? '')).length > 0) return true
    return this.#services.list(undefined, ({ spec }) => (spec.clusterIPs ?? []).some(needs)).length > 0
  }

  async #setFinalizers(
    cidr: DeepReadonly<ServiceCIDR>,
    finalizers: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const changed = deepCopy<ServiceCIDR>(cidr)
    changed.metadata.finalizers = [...finalizers]
    await this.#client.update(SERVICE_CIDRS, changed, { signal })
  }

  async #setReady(cidr: DeepReadonly<ServiceCIDR>, state: typeof READY, signal: AbortSignal): Promise<void> {
    const conditions = cidr.status?.conditions ?? []
    const current = conditions.find(({ type }) => type === 'Ready')
    if (current?.status === state.status && current.reason === state.reason) return
    const lastTransitionTime = formatTime(this.#clock.now())
    const others = conditions.filter(({ type }) => type !== 'Ready')
    const status = { conditions: [...others, { type: 'Ready', ...state, lastTransitionTime }] }
    const body = { metadata: { resourceVersion: cidr.metadata.resourceVersion }, status }
    const { name = '' } = cidr.metadata
    await this.#client.patch(SERVICE_CIDRS, { name }, { type: 'merge', body }, { subresource: 'status', signal })
  }
}

const prefixesOf = ({ spec }: DeepReadonly<ServiceCIDR>): IpPrefix[] =>
  (spec.cidrs ?? []).map(parseCidr).filter((prefix) => prefix !== undefined)
