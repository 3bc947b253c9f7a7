/**
 * Carries out StorageVersionMigrations: notes the resourceVersion up to which objects may be stored in an old version, has
 * them all written again, and says how it went. After that a CustomResourceDefinition's `storedVersions` can be trimmed.
 *
 * Reads: storageversionmigrations, live before it acts; discovery and CustomResourceDefinitions; every object of the resource, in pages.
 * Writes: storageversionmigrations/status; an empty server-side apply to each object.
 * Upstream: pkg/controller/storageversionmigrator (both of its controllers).
 * Differs: objects are listed in pages instead of taken from the garbage collector's cache, so migrations run without that
 * controller. What it wrote itself is newer than the noted resourceVersion: after a restart it goes on where it was.
 */
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type {
  StorageVersionMigration,
  StorageVersionMigrationStatus,
} from '#machinery/api/storagemigration/v1beta1/types.gen.ts'
import { STORAGE_VERSION_MIGRATIONS } from '#machinery/api/storagemigration/v1beta1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DiscoveredResource } from '#machinery/client/discovery.ts'
import { discoverPreferredResources } from '#machinery/client/discovery.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isStatusError, retryAfterMs, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { ANY_RESOURCE, DONE, defineController, requeueAfter } from '#sdk'
import { STORAGE_VERSION_MIGRATOR_CONTROLLER } from '../manager/names.ts'
import type { MigrationConditionType } from './conditions.ts'
import { isOver, withCondition } from './conditions.ts'
import { rewriteAll } from './rewrite.ts'
import { storesAsDefined } from './storage-version.ts'

type Migration = DeepReadonly<StorageVersionMigration>

const VERBS_NEEDED = ['update', 'patch', 'list']
/** A CRD may just have been made: its objects are served a moment later. */
const DISCOVERY_PATIENCE_MS = 60_000
const DISCOVERY_PERIOD_MS = 2_000
const DEFINITION_PERIOD_MS = 250
/** Everything else does not get better by trying again. */
const RETRIABLE = ['ServerTimeout', 'TooManyRequests', 'ServiceUnavailable', 'InternalError', 'Timeout']

export const storageVersionMigratorController = defineController({
  name: STORAGE_VERSION_MIGRATOR_CONTROLLER,
  reconciles: STORAGE_VERSION_MIGRATIONS,
  featureGate: 'StorageVersionMigrator',
  needs: STORAGE_VERSION_MIGRATIONS,
  permissions: [
    { resource: STORAGE_VERSION_MIGRATIONS, verbs: ['get', 'list', 'watch'] },
    { resource: STORAGE_VERSION_MIGRATIONS, subresource: 'status', verbs: ['update'] },
    { resource: CUSTOM_RESOURCE_DEFINITIONS, verbs: ['get'] },
    { resource: ANY_RESOURCE, verbs: ['list', 'patch'] },
  ],
  concurrency: 5,
  create: (context) => new StorageVersionMigratorReconciler(context),
})

class StorageVersionMigratorReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #migrations: Lister<StorageVersionMigration>

  constructor({ client, clock, lister }: ReconcilerContext) {
    this.#client = client
    this.#clock = clock
    this.#migrations = lister(STORAGE_VERSION_MIGRATIONS)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const cached = this.#migrations.get(key)
    if (cached === undefined || isOver(cached)) return DONE
    // Our own last write may not be in the cache yet, and a migration is not begun twice for that.
    const migration = await this.#client.get(STORAGE_VERSION_MIGRATIONS, key, { signal }).catch(undefinedIfNotFound)
    if (migration === undefined || isOver(migration)) return DONE
    const discovery = await discoverPreferredResources(this.#client, signal)
    const { group, resource: name } = migration.spec.resource
    const resource = discovery.resources.find((known) => known.group === group && known.resource === name)
    if (resource === undefined) {
      const isStale = discovery.failures.some(({ groupVersion }) => groupVersion.startsWith(`${group}/`))
      return isStale || this.#isYoung(migration)
        ? requeueAfter(DISCOVERY_PERIOD_MS)
        : this.#end(migration, 'Failed', 'resource does not exist in discovery', signal)
    }
    const problem = obstacle(resource)
    if (problem !== undefined) return this.#end(migration, 'Failed', problem, signal)
    if (!(await storesAsDefined(this.#client, resource, signal))) return requeueAfter(DEFINITION_PERIOD_MS)
    return this.#migrate(await this.#begin(migration, resource, signal), resource, signal)
  }

  #isYoung({ metadata }: Migration): boolean {
    return this.#clock.nowMs() < Date.parse(metadata.creationTimestamp ?? '') + DISCOVERY_PATIENCE_MS
  }

  /** What is written from now on is in the current version. */
  async #begin(migration: Migration, resource: DiscoveredResource, signal: AbortSignal): Promise<Migration> {
    let status: StorageVersionMigrationStatus = deepCopy<StorageVersionMigrationStatus>(migration.status ?? {})
    if ((status.resourceVersion ?? '') === '') {
      const { metadata } = await this.#client.list(resource, { limit: 1, signal })
      status.resourceVersion = metadata.resourceVersion ?? ''
    } else if (status.conditions?.some(({ type, status: value }) => type === 'Running' && value === 'True')) {
      return migration
    }
    status = withCondition(status, 'Running', '', formatTime(this.#clock.now()))
    return this.#writeStatus(migration, status, signal)
  }

  async #migrate(migration: Migration, resource: DiscoveredResource, signal: AbortSignal): Promise<Result> {
    const { name = '', uid } = migration.metadata
    try {
      await rewriteAll({
        client: this.#client,
        resource,
        resourceVersion: migration.status?.resourceVersion ?? '',
        fieldManager: STORAGE_VERSION_MIGRATOR_CONTROLLER,
        signal,
        isWanted: () => this.#migrations.get({ name })?.metadata.uid === uid,
      })
    } catch (err: unknown) {
      signal.throwIfAborted()
      if (!isStatusError(err)) throw err
      if (!RETRIABLE.includes(err.reason))
        return this.#end(migration, 'Failed', `migration encountered unhandled error: ${err.message}`, signal)
      if (retryAfterMs(err) > 0) return requeueAfter(retryAfterMs(err))
      throw err
    }
    return this.#end(migration, 'Succeeded', '', signal)
  }

  async #end(
    migration: Migration,
    type: MigrationConditionType,
    message: string,
    signal: AbortSignal,
  ): Promise<Result> {
    const status = withCondition(migration.status, type, message, formatTime(this.#clock.now()))
    await this.#writeStatus(migration, status, signal)
    return DONE
  }

  #writeStatus(migration: Migration, status: StorageVersionMigrationStatus, signal: AbortSignal): Promise<Migration> {
    const changed = { ...deepCopy<StorageVersionMigration>(migration), status }
    return this.#client.update(STORAGE_VERSION_MIGRATIONS, changed, { subresource: 'status', signal })
  }
}

function obstacle(resource: DiscoveredResource): string | undefined {
  if (VERBS_NEEDED.every((verb) => resource.verbs.includes(verb))) return undefined
  const name = `${apiVersionOf(resource)}, Resource=${resource.resource}`
  return `resource "${name}" does not support discovery operations: [${VERBS_NEEDED.join(' ')}]`
}
