/**
 * Records in which version this server stores each built-in resource, as StorageVersion objects: once its identity Lease is
 * there (records of servers without one are removed), and every 10 minutes in case somebody has changed them.
 * Upstream: apiserver pkg/storageversion/{manager,updater}.go, kube-apiserver's post-start hook for built-in resources.
 * Differs: writes are not held back until the records are there, which keeps apart servers of several versions on one
 * datastore: this one is alone on its datastore. Custom resources are not recorded, as upstream.
 */
import { STORAGE_VERSIONS } from '#machinery/api/apiserverinternal/v1alpha1/resources.gen.ts'
import type { ServerStorageVersion, StorageVersion } from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { statusWithServers } from '#machinery/storage-version/common-version.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { BuiltInResource } from '../registry/resource-row.ts'

const PERIOD_MS = 600_000
const RETRY_MS = 1_000
/** Upstream asks ten times as often; a Lease is there within moments, or there is none. */
const LEASE_POLL_MS = 1_000

export interface StorageVersionRecorderOptions {
  /** Name of this server's identity Lease. */
  readonly apiServerId: string
  readonly resources: readonly BuiltInResource[]
  readonly clock: Clock
  readonly logger: Logger
}

export class StorageVersionRecorder {
  readonly #options: StorageVersionRecorderOptions
  readonly #isServed: boolean

  constructor(options: StorageVersionRecorderOptions) {
    this.#options = options
    const { group, resource } = STORAGE_VERSIONS
    this.#isServed = options.resources.some((known) => known.group === group && known.resource === resource)
  }

  /** Works until the signal aborts; at once when there is nothing to do. */
  async start(client: Client, signal: AbortSignal): Promise<void> {
    const { apiServerId: id, clock, logger } = this.#options
    if (!this.#isServed) return
    while (!signal.aborted) {
      const waitMs = await this.#round(client, id, signal).catch((err: unknown) => {
        if (!signal.aborted)
          logger.warn({ error: errorMessage(err) }, 'storage versions were not recorded, trying again')
        return RETRY_MS
      })
      await sleep(clock, waitMs, signal).catch(() => undefined)
    }
  }

  /** Milliseconds until the next one. */
  async #round(client: Client, id: string, signal: AbortSignal): Promise<number> {
    const lease = await client
      .get(LEASES, { namespace: 'kube-system', name: id }, { signal })
      .catch(undefinedIfNotFound)
    if (lease === undefined) return LEASE_POLL_MS
    const { items } = await client.list(STORAGE_VERSIONS, { signal })
    const recorded = new Map(items.map((item) => [item.metadata.name, item]))
    const entries = serverStorageVersions(this.#options.resources, id)
    await Promise.all(
      [...entries].map(([name, entry]) => this.#record(client, recorded.get(name), name, entry, signal)),
    )
    return PERIOD_MS
  }

  async #record(
    client: Client,
    recorded: DeepReadonly<StorageVersion> | undefined,
    name: string,
    entry: ServerStorageVersion,
    signal: AbortSignal,
  ): Promise<void> {
    const present = recorded ?? (await client.create(STORAGE_VERSIONS, newStorageVersion(name), { signal }))
    const servers = deepCopy<ServerStorageVersion[]>(present.status?.storageVersions ?? [])
    const at = servers.findIndex(({ apiServerID }) => apiServerID === entry.apiServerID)
    servers.splice(at < 0 ? servers.length : at, 1, entry)
    const status = statusWithServers(present, servers, formatTime(this.#options.clock.now()))
    if (deepEqual(status, present.status)) return
    const changed: StorageVersion = { ...deepCopy<StorageVersion>(present), status }
    await client.update(STORAGE_VERSIONS, changed, { subresource: 'status', signal })
  }
}

const newStorageVersion = (name: string): StorageVersion => ({
  apiVersion: apiVersionOf(STORAGE_VERSIONS),
  kind: STORAGE_VERSIONS.kind,
  metadata: { name },
  spec: {},
})

/** By object name, `<group>.<resource>`. What is kept with another resource is part of that one's. */
function serverStorageVersions(
  resources: readonly BuiltInResource[],
  apiServerID: string,
): Map<string, ServerStorageVersion> {
  const entries = new Map<string, ServerStorageVersion>()
  for (const definition of resources) {
    const { group, resource, storageVersion, storedWith, virtualCreate, virtualList } = definition
    if (storedWith !== undefined || virtualCreate !== undefined || virtualList !== undefined) continue
    const sharing = resources.filter(({ storedWith: host }) => host?.group === group && host.resource === resource)
    entries.set(`${group === '' ? 'core' : group}.${resource}`, {
      apiServerID,
      encodingVersion: apiVersionOf({ group, version: storageVersion }),
      decodableVersions: [definition, ...sharing].flatMap((each) => apiVersions(each)),
      servedVersions: apiVersions(definition),
    })
  }
  return entries
}

const apiVersions = ({ group, versions }: BuiltInResource): string[] =>
  versions.map(({ version }) => apiVersionOf({ group, version }))
