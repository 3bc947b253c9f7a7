/**
 * Keeps one IPAddress object for every cluster IP of every Service: makes the missing, removes what no Service holds.
 *
 * Reads: services and ipaddresses from the cache.  Writes: creates and deletes ipaddresses that are its own.
 * Upstream: pkg/registry/core/service/ipallocator (createIPAddress), controller/repairip.go.
 * Differs: upstream makes the object first, as the lock of the address; here the allocator of the API server is the lock
 * and the object follows, so that creating a Service stays one write.
 */
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import { IP_ADDRESSES } from '#machinery/api/networking/v1/resources.gen.ts'
import type { IPAddress } from '#machinery/api/networking/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { familyOf } from '#machinery/meta/ip-address.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, watching } from '#sdk'
import { SERVICE_IP_REPAIR_CONTROLLER } from '../manager/names.ts'

const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by'
const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family'
const MANAGED_BY = 'ipallocator.k8s.io'
const BY_SERVICE = 'service'

export const serviceIpRepairController = defineController({
  name: SERVICE_IP_REPAIR_CONTROLLER,
  reconciles: SERVICES,
  watches: [watching(IP_ADDRESSES, (address) => serviceOf(address))],
  permissions: [
    { resource: SERVICES, verbs: ['get', 'list', 'watch'] },
    { resource: IP_ADDRESSES, verbs: ['create', 'delete', 'get', 'list', 'watch'] },
  ],
  concurrency: 5,
  create: ({ client, lister, informer }) => {
    informer(IP_ADDRESSES).addIndex(BY_SERVICE, (address) => serviceOf(address).map(indexValue))
    return new ServiceIpRepairer(client, lister(SERVICES), lister(IP_ADDRESSES))
  },
})

const indexValue = ({ namespace = '', name }: ObjectKey): string => `${namespace}/${name}`

/** The service an address of ours belongs to; none for the addresses of others. */
function serviceOf({ metadata, spec }: DeepReadonly<IPAddress>): ObjectKey[] {
  const { group = '', resource, namespace = '', name = '' } = spec?.parentRef ?? {}
  const isOurs = metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY
  return isOurs && group === '' && resource === 'services' ? [{ namespace, name }] : []
}

class ServiceIpRepairer implements Reconciler {
  readonly #client: Client
  readonly #services: Lister<Service>
  readonly #addresses: Lister<IPAddress>

  constructor(client: Client, services: Lister<Service>, addresses: Lister<IPAddress>) {
    this.#client = client
    this.#services = services
    this.#addresses = addresses
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const wanted = clusterIpsOf(this.#services.get(key))
    for (const address of this.#addresses.byIndex(BY_SERVICE, indexValue(key))) {
      if (!wanted.includes(address.metadata.name ?? '')) await this.#delete(address, signal)
    }
    for (const ip of wanted) await this.#ensure(ip, key, signal)
    return DONE
  }

  async #ensure(ip: string, key: ObjectKey, signal: AbortSignal): Promise<void> {
    const existing = this.#addresses.get({ name: ip })
    if (existing !== undefined) {
      const [holder] = serviceOf(existing)
      const isHeld = holder === undefined || clusterIpsOf(this.#services.get(holder)).includes(ip)
      if (isHeld) return
      // The parent cannot be changed: an address that went from one service to another is made anew.
      await this.#delete(existing, signal)
    }
    try {
      await this.#client.create(IP_ADDRESSES, ipAddress(ip, key), { signal })
    } catch (err: unknown) {
      if (!isAlreadyExists(err)) throw err
    }
  }

  async #delete({ metadata: { name = '', uid = '' } }: DeepReadonly<IPAddress>, signal: AbortSignal): Promise<void> {
    await this.#client.delete(IP_ADDRESSES, { name }, { preconditions: { uid }, signal }).catch(undefinedIfNotFound)
  }
}

function clusterIpsOf(service: DeepReadonly<Service> | undefined): readonly string[] {
  const { type, clusterIPs = [] } = service?.spec ?? {}
  return type === 'ExternalName' || clusterIPs[0] === 'None' ? [] : clusterIPs
}

const ipAddress = (ip: string, { namespace = '', name }: ObjectKey): IPAddress => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IPAddress',
  metadata: { name: ip, labels: { [FAMILY_LABEL]: familyOf(ip), [MANAGED_BY_LABEL]: MANAGED_BY } },
  spec: { parentRef: { group: '', resource: 'services', namespace, name } },
})
