/**
 * Random lives of claims and volumes, with prebinding from both sides, writes in between (conflicts) and restarts of the
 * whole control plane; afterwards every binding must be one to one and nothing that could be bound may wait.
 */
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { localPathController } from '#controllers/local-path/reconciler.ts'
import { persistentVolumeBinderController } from '#controllers/persistent-volume-binder/reconciler.ts'
import { claimProtectionController } from '#controllers/storage-protection/claims.ts'
import { volumeProtectionController } from '#controllers/storage-protection/volumes.ts'
import {
  CONFIG_MAPS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import { isConflict, isInvalid, isNotFound } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { boundToClaim, claimClass } from '#machinery/volume/binding.ts'
import { findVolumeForClaim } from '#machinery/volume/match.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { seededRandom } from '#test/support/random-object.ts'
import { makeClaim, makeClass, makeVolume, VOLUME_NAMESPACE } from '#test/support/volumes.ts'

const namespace = VOLUME_NAMESPACE
const STEPS = 150
const SEEDS = Array.from({ length: Number(process.env['KNARR_SEEDS'] ?? 5) }, (_, i) => i + 1)

class World {
  readonly #storage = new MemoryStorage({ clock: systemClock })
  readonly #random: () => number
  readonly #directories = new Set<string>()
  #plane: TestControlPlane | undefined
  #made = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  get client() {
    if (this.#plane === undefined) throw new Error('the control plane is not started')
    return this.#plane.client
  }

  async start(): Promise<void> {
    const directories = {
      serves: () => true,
      make: async (_node: unknown, path: string) => void this.#directories.add(path) as undefined,
      remove: async (_node: unknown, path: string) => void this.#directories.delete(path),
    }
    const controllers = [
      persistentVolumeBinderController,
      claimProtectionController,
      volumeProtectionController,
      localPathController({ directories }),
    ]
    this.#plane = await startTestControlPlane({ storage: this.#storage, controllers })
  }

  async stop(): Promise<void> {
    await this.#plane?.stop()
  }

  async close(): Promise<void> {
    await this.stop()
    await this.#storage.close()
  }

  async prepare(): Promise<void> {
    const labels = { 'kubernetes.io/hostname': 'n1' }
    await this.client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels }, spec: {} })
    await this.client.create(STORAGE_CLASSES, makeClass('dynamic', { provisioner: 'rancher.io/local-path' }))
    const config = { nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: ['/data'] }] }
    const metadata = { name: 'local-path-config', namespace: 'kube-system' }
    const data = { 'config.json': JSON.stringify(config) }
    await this.client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  }

  int(max: number): number {
    return Math.floor(this.#random() * max)
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.int(items.length)]
  }

  /** Never twice the same, so that no claim finds a second volume under the name of a lost one. */
  name(prefix: string): string {
    return `${prefix}-${this.#made++}`
  }

  hasDirectory(volume: FrozenVolume): boolean {
    return this.#directories.has(volume.spec.hostPath?.path ?? '')
  }

  async claims(): Promise<readonly FrozenClaim[]> {
    return (await this.client.list(PERSISTENT_VOLUME_CLAIMS, { namespace })).items
  }

  async volumes(): Promise<readonly FrozenVolume[]> {
    return (await this.client.list(PERSISTENT_VOLUMES)).items
  }
}

type Action = (world: World) => Promise<unknown>

const isStatic = ({ metadata }: FrozenVolume): boolean => !(metadata.name ?? '').startsWith('pvc-')
const SIZES = ['1Gi', '2Gi', '5Gi']

const ACTIONS: readonly Action[] = [
  createVolume,
  createVolume,
  createClaim,
  createClaim,
  createClaim,
  deleteClaim,
  async (world) => {
    const name = world.pick((await world.volumes()).filter(isStatic))?.metadata.name
    if (name !== undefined) await world.client.delete(PERSISTENT_VOLUMES, { name })
  },
  /** As the scheduler binds: some free volume that serves a waiting claim, not the one the binder would choose. */
  async (world) => {
    const claim = world.pick((await world.claims()).filter(({ spec }) => (spec.volumeName ?? '') === ''))
    if (claim === undefined) return
    const isFree = (volume: FrozenVolume): boolean => volume.spec.claimRef === undefined
    const serves = (volume: FrozenVolume): boolean => findVolumeForClaim(claim, [volume]) !== undefined
    const volume = world.pick((await world.volumes()).filter(isFree).filter(serves))
    const draft = volume === undefined ? undefined : boundToClaim(volume, claim)
    if (draft !== undefined) await world.client.update(PERSISTENT_VOLUMES, draft)
  },
  /** What makes the binder's next write a conflict. */
  async (world) => {
    for (const claim of await world.claims()) if (world.int(3) === 0) await annotate(world, claim)
    for (const volume of await world.volumes()) if (world.int(3) === 0) await annotate(world, volume)
  },
  /** An administrator frees what is released. */
  async (world) => {
    const volume = world.pick((await world.volumes()).filter(({ status }) => status?.phase === 'Released'))
    if (volume === undefined || !isStatic(volume)) return
    const draft = deepCopy<PersistentVolume>(volume)
    delete draft.spec.claimRef
    await world.client.update(PERSISTENT_VOLUMES, draft)
  },
]

function createVolume(world: World): Promise<unknown> {
  const name = world.name('pv')
  const isPrepared = world.int(6) === 0
  return world.client.create(
    PERSISTENT_VOLUMES,
    makeVolume(name, {
      capacity: { storage: world.pick(SIZES) ?? '1Gi' },
      storageClassName: world.pick(['', 'gold']) ?? '',
      ...(isPrepared ? { claimRef: { namespace, name: `data-${world.int(100)}` } } : {}),
    }),
  )
}

async function createClaim(world: World): Promise<unknown> {
  const named = world.int(6) === 0 ? world.pick((await world.volumes()).filter(isStatic)) : undefined
  const storageClassName = named?.spec.storageClassName ?? world.pick(['', 'gold', 'dynamic']) ?? ''
  const volumeName = named?.metadata.name
  return world.client.create(
    PERSISTENT_VOLUME_CLAIMS,
    makeClaim(world.name('data'), {
      storageClassName,
      resources: { requests: { storage: world.pick(SIZES) ?? '1Gi' } },
      ...(volumeName === undefined ? {} : { volumeName }),
    }),
  )
}

async function deleteClaim(world: World): Promise<unknown> {
  const name = world.pick(await world.claims())?.metadata.name
  return name === undefined ? undefined : world.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace, name })
}

async function annotate(world: World, { kind, metadata }: FrozenClaim | FrozenVolume): Promise<void> {
  const body = { metadata: { annotations: { nuisance: String(world.int(1_000)) } } }
  const { name = '' } = metadata
  await (kind === 'PersistentVolume'
    ? world.client.patch(PERSISTENT_VOLUMES, { name }, { type: 'merge', body })
    : world.client.patch(PERSISTENT_VOLUME_CLAIMS, { namespace, name }, { type: 'merge', body }))
}

/** Holds at every moment. */
function checkExclusive(claims: readonly FrozenClaim[]): void {
  const taken = claims.filter(({ status }) => status?.phase === 'Bound').map(({ spec }) => spec.volumeName)
  expect(new Set(taken).size, 'no volume is bound to two claims').toBe(taken.length)
}

/** Holds when everything has come to rest. */
async function checkSettled(world: World): Promise<void> {
  const [claims, volumes] = [await world.claims(), await world.volumes()]
  checkExclusive(claims)
  const byName = new Map(volumes.map((volume) => [volume.metadata.name, volume]))
  for (const claim of claims) {
    const { uid, name, deletionTimestamp } = claim.metadata
    expect(deletionTimestamp, `${name} is gone`).toBeUndefined()
    const mine = volumes.filter(({ spec }) => spec.claimRef?.uid === uid)
    if (claim.status?.phase === 'Bound') {
      expect(
        mine.map(({ metadata }) => metadata.name),
        `${name} has its volume`,
      ).toEqual([claim.spec.volumeName])
      expect(byName.get(claim.spec.volumeName)?.status?.phase).toBe('Bound')
    } else {
      expect(claim.status?.phase).toBe('Pending')
      const wanted = claim.spec.volumeName
      expect(claimClass(claim) === 'dynamic' && wanted === undefined, `${name} was provisioned`).toBe(false)
      if (wanted === undefined) expect(findVolumeForClaim(claim, volumes), `${name} need not wait`).toBeUndefined()
    }
  }
  const uids = new Set(claims.map(({ metadata }) => metadata.uid))
  for (const volume of volumes) {
    const { claimRef } = volume.spec
    const isClaimed = (claimRef?.uid ?? '') !== ''
    const expected = !isClaimed ? 'Available' : uids.has(claimRef?.uid) ? 'Bound' : 'Released'
    expect(volume.status?.phase, `${volume.metadata.name}`).toBe(expected)
    if (!isStatic(volume)) expect(world.hasDirectory(volume), `${volume.metadata.name} has its directory`).toBe(true)
  }
}

describe('claims and volumes under random changes', () => {
  it.each(SEEDS)(
    'end up one to one (seed %d)',
    async (seed) => {
      const world = new World(seed)
      await world.start()
      try {
        await world.prepare()
        for (let step = 0; step < STEPS; step++) {
          await world
            .pick(ACTIONS)?.(world)
            .catch((err: unknown) => {
              // What an action read may have changed; what it wants may not be allowed by then.
              if (!isConflict(err) && !isNotFound(err) && !isInvalid(err)) throw err
            })
          if (step % 10 === 0) checkExclusive(await world.claims())
          if (world.int(40) === 0) {
            await world.stop()
            await world.start()
          }
        }
        await eventually(() => checkSettled(world), 20_000)
      } finally {
        await world.close()
      }
    },
    60_000,
  )
})
