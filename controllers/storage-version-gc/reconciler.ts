/**
 * Removes from StorageVersions what API servers have recorded that are no more: those without an identity Lease in
 * kube-system. A StorageVersion that no server is left in goes.
 *
 * Reads: storageversions and leases from caches; the Lease of a server about to be removed, live.
 * Writes: storageversions/status; deletes storageversions.
 * Upstream: pkg/controller/storageversiongc.
 */
import { STORAGE_VERSIONS } from '#machinery/api/apiserverinternal/v1alpha1/resources.gen.ts'
import type { ServerStorageVersion, StorageVersion } from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { statusWithServers } from '#machinery/storage-version/common-version.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { STORAGE_VERSION_GARBAGE_COLLECTOR_CONTROLLER } from '../manager/names.ts'

const NAMESPACE = 'kube-system'
const COMPONENT_LABEL = 'apiserver.kubernetes.io/identity'
const COMPONENT = 'kube-apiserver'
/** The Leases that tell which API servers there are. */
const IDENTITIES = { namespace: NAMESPACE, labelSelector: `${COMPONENT_LABEL}=${COMPONENT}` }

export const storageVersionGarbageCollectorController = defineController({
  name: STORAGE_VERSION_GARBAGE_COLLECTOR_CONTROLLER,
  reconciles: STORAGE_VERSIONS,
  featureGate: 'StorageVersionAPI',
  needs: STORAGE_VERSIONS,
  permissions: [
    { resource: LEASES, verbs: ['get', 'list', 'watch'] },
    { resource: STORAGE_VERSIONS, verbs: ['get', 'list', 'watch', 'delete'] },
    { resource: STORAGE_VERSIONS, subresource: 'status', verbs: ['update'] },
  ],
  create: (context) => new StorageVersionGarbageCollector(context),
})

class StorageVersionGarbageCollector implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #versions: Lister<StorageVersion>
  readonly #identities: Lister<Lease>

  constructor({ client, clock, informer, enqueue }: ReconcilerContext) {
    this.#client = client
    this.#clock = clock
    this.#versions = informer(STORAGE_VERSIONS).lister
    const identities = informer(LEASES, IDENTITIES)
    this.#identities = identities.lister
    // Leases are renewed all the time; only an end matters. There are as many StorageVersions as kinds.
    identities.addHandler({
      onDelete: () => {
        for (const version of this.#versions.list()) enqueue(objectKeyOf(version))
      },
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const version = this.#versions.get(key)
    if (version === undefined) return DONE
    const recorded = version.status?.storageVersions ?? []
    const left: DeepReadonly<ServerStorageVersion>[] = []
    for (const server of recorded) if (await this.#isAlive(server.apiServerID ?? '', signal)) left.push(server)
    if (left.length === recorded.length) return DONE
    const { uid = '', resourceVersion = '' } = version.metadata
    if (left.length === 0) {
      const preconditions = { uid, resourceVersion }
      await this.#client.delete(STORAGE_VERSIONS, key, { preconditions, signal }).catch(undefinedIfNotFound)
      return DONE
    }
    const servers = deepCopy<ServerStorageVersion[]>(left)
    const status = statusWithServers(version, servers, formatTime(this.#clock.now()))
    const changed: StorageVersion = { ...deepCopy<StorageVersion>(version), status }
    await this.#client.update(STORAGE_VERSIONS, changed, { subresource: 'status', signal })
    return DONE
  }

  /** A server that has just started may not be in the cache. */
  async #isAlive(name: string, signal: AbortSignal): Promise<boolean> {
    const key = { namespace: NAMESPACE, name }
    if (this.#identities.get(key) !== undefined) return true
    const lease = await this.#client.get(LEASES, key, { signal }).catch(undefinedIfNotFound)
    return lease?.metadata.labels?.[COMPONENT_LABEL] === COMPONENT
  }
}
