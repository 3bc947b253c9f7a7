/**
 * Release records in the cluster: one Secret (or ConfigMap) per revision, named and labelled as Helm does.
 * Upstream: helm pkg/storage, pkg/storage/driver.
 */
import { CONFIG_MAPS, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap, Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { decodeRelease, encodeRelease } from './codec.ts'
import type { Release, StoredRelease } from './record.ts'

export type StorageDriver = 'secret' | 'configmap'

export interface ReleaseStorageOptions {
  readonly client: Client
  readonly clock: Clock
  readonly namespace: string
  readonly driver: StorageDriver
}

const SECRET_TYPE = 'helm.sh/release.v1'
/** Helm's own default of --history-max. */
const HISTORY_MAX = 10

export class ReleaseStorage {
  readonly #client: Client
  readonly #clock: Clock
  readonly #driver: StorageDriver
  readonly namespace: string

  constructor({ client, clock, namespace, driver }: ReleaseStorageOptions) {
    this.#client = client
    this.#clock = clock
    this.namespace = namespace
    this.#driver = driver
  }

  /** All revisions of one release, oldest first. */
  async history(name: string, signal?: AbortSignal): Promise<StoredRelease[]> {
    return this.#list(`owner=helm,name=${name}`, signal)
  }

  /** Every revision of every release in the namespace. */
  async all(signal?: AbortSignal): Promise<StoredRelease[]> {
    return this.#list('owner=helm', signal)
  }

  async #list(labelSelector: string, signal: AbortSignal | undefined): Promise<StoredRelease[]> {
    const options = { namespace: this.namespace, labelSelector, ...(signal && { signal }) }
    const items: readonly DeepReadonly<Secret | ConfigMap>[] =
      this.#driver === 'secret'
        ? (await this.#client.list(SECRETS, options)).items.filter((secret) => secret.type === SECRET_TYPE)
        : (await this.#client.list(CONFIG_MAPS, options)).items
    const releases = await Promise.all(items.map((item) => this.#decode(item)))
    return releases.filter((stored) => stored !== undefined).sort((a, b) => a.release.version - b.release.version)
  }

  async #decode(item: DeepReadonly<Secret | ConfigMap>): Promise<StoredRelease | undefined> {
    const data = item.data?.['release']
    if (data === undefined) return undefined
    const text = this.#driver === 'secret' ? Buffer.from(data, 'base64').toString() : data
    return { release: await decodeRelease(text), labels: item.metadata.labels ?? {} }
  }

  /** Writes the first state of a revision and drops the oldest ones beyond the history limit. */
  async create(release: Release, userLabels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    await this.#prune(release.name, signal)
    const object = await this.#object(release, userLabels, 'createdAt')
    const options = signal === undefined ? {} : { signal }
    if (this.#driver === 'secret') await this.#client.create(SECRETS, object as Secret, options)
    else await this.#client.create(CONFIG_MAPS, object as ConfigMap, options)
  }

  async update(release: Release, userLabels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    const object = await this.#object(release, userLabels, 'modifiedAt')
    const options = signal === undefined ? {} : { signal }
    if (this.#driver === 'secret') await this.#client.update(SECRETS, object as Secret, options)
    else await this.#client.update(CONFIG_MAPS, object as ConfigMap, options)
  }

  async delete(name: string, version: number, signal?: AbortSignal): Promise<void> {
    const resource = this.#driver === 'secret' ? SECRETS : CONFIG_MAPS
    const key = { namespace: this.namespace, name: recordName(name, version) }
    await this.#client
      .delete<Secret | ConfigMap>(resource, key, signal === undefined ? {} : { signal })
      .catch(undefinedIfNotFound)
  }

  async #object(
    release: Release,
    userLabels: Readonly<Record<string, string>>,
    timeLabel: string,
  ): Promise<Secret | ConfigMap> {
    const text = await encodeRelease(release)
    const labels = {
      ...userLabels,
      name: release.name,
      owner: 'helm',
      status: release.info.status,
      version: String(release.version),
      [timeLabel]: String(Math.floor(this.#clock.nowMs() / 1000)),
    }
    const metadata = { name: recordName(release.name, release.version), namespace: this.namespace, labels }
    return this.#driver === 'secret'
      ? {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata,
          type: SECRET_TYPE,
          data: { release: Buffer.from(text).toString('base64') },
        }
      : { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { release: text } }
  }

  /** Keeps room for one more; the last deployed revision always stays. */
  async #prune(name: string, signal: AbortSignal | undefined): Promise<void> {
    const history = await this.history(name, signal)
    const lastDeployed = history.findLast(({ release }) => release.info.status === 'deployed')?.release.version
    const removable = history.filter(({ release }) => release.version !== lastDeployed)
    for (const { release } of removable.slice(0, Math.max(0, history.length - HISTORY_MAX + 1))) {
      await this.delete(name, release.version, signal)
    }
  }
}

function recordName(name: string, version: number): string {
  return `sh.helm.release.v1.${name}.v${version}`
}

const SYSTEM_LABELS: ReadonlySet<string> = new Set(['name', 'owner', 'status', 'version', 'createdAt', 'modifiedAt'])

/** The labels a user (or the HelmChart controller) put on a record, without Helm's own. */
export function userLabelsOf(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !SYSTEM_LABELS.has(name)))
}
