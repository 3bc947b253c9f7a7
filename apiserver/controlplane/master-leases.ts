/**
 * The addresses of the API servers that run: each keeps a key of its own in the storage, which the storage drops when it is not
 * written again in time. Upstream: pkg/controlplane/reconcilers/lease.go (storageLeases).
 */
import { type Storage, StorageError } from '../storage/interface.ts'

const PREFIX = '/registry/masterleases/'
const TTL_SECONDS = 15
const ATTEMPTS_MAX = 5

/** Safe to use from several servers on one datastore at once. */
export class MasterLeases {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Sorted. */
  async list(): Promise<string[]> {
    const { entries } = await this.#storage.list(PREFIX)
    return entries.map(({ key }) => key.slice(PREFIX.length))
  }

  async renew(address: string): Promise<void> {
    const key = PREFIX + address
    await this.#retry(async () => {
      const known = await this.#storage.get(key)
      // Another value each time, so that no storage takes it for a write that changes nothing.
      const generation = generationOf(known?.value) + 1
      const value = Buffer.from(JSON.stringify(record(address, generation)))
      const options = { ttlSeconds: TTL_SECONDS }
      if (known === undefined) await this.#storage.create(key, value, options)
      else await this.#storage.update(key, value, known.modRevision, options)
    })
  }

  async remove(address: string): Promise<void> {
    await this.#retry(async () => {
      const known = await this.#storage.get(PREFIX + address)
      if (known !== undefined) await this.#storage.delete(known.key, known.modRevision)
    })
  }

  async #retry(write: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write()
      } catch (err: unknown) {
        if (!(err instanceof StorageError) || !RACES.has(err.code) || attempt === ATTEMPTS_MAX) throw err
      }
    }
  }
}

/** Its storage dropped it, or another server of this address wrote it. */
const RACES: ReadonlySet<StorageError['code']> = new Set<StorageError['code']>(['Conflict', 'KeyExists', 'KeyNotFound'])

/** As upstream's, for who reads the storage itself. */
const record = (ip: string, generation: number): object => ({
  kind: 'Endpoints',
  apiVersion: 'v1',
  metadata: { generation },
  subsets: [{ addresses: [{ ip }] }],
})

function generationOf(value: Buffer | undefined): number {
  if (value === undefined) return 0
  const { metadata } = JSON.parse(value.toString('utf8')) as { metadata?: { generation?: unknown } }
  return typeof metadata?.generation === 'number' ? metadata.generation : 0
}
