/**
 * One simulated cluster: a real API server on memory storage, the real controllers, scheduler and simulated nodes behind
 * clients that fail, time that jumps. Everything random comes from one seed.
 */
import type { Storage } from '#apiserver/storage/interface.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import type { NodeDirectories } from '#controllers/local-path/interfaces.ts'
import { createControllerManager } from '#controllers/manager/manager.ts'
import type { Client } from '#machinery/client/client.ts'
import { discardLogger, type Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { AnyControllerDefinition } from '#sdk'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { seededRandom } from '#test/support/random-object.ts'
import { Disks } from './disks.ts'
import type { Faults } from './faults.ts'
import { faultyClient, NO_FAULTS } from './faults.ts'
import { Metrics } from './metrics.ts'
import { Pace } from './pace.ts'
import { SimulatedTime } from './simulated-time.ts'

export interface WorldOptions {
  readonly seed: number
  controllers(disks: NodeDirectories): readonly AnyControllerDefinition[]
  readonly logger?: Logger
  /** Calls without end at one instant. */
  onBusyLoop(): void
}

export class World {
  readonly time = new SimulatedTime()
  readonly storage: Storage = new MemoryStorage({ clock: this.time })
  /** 0 inclusive to 1 exclusive. */
  readonly random: () => number
  readonly disks: Disks
  readonly metrics = new Metrics(this)
  readonly #options: WorldOptions
  readonly #pace: Pace
  readonly #systemRandom: Random
  #definitions: readonly AnyControllerDefinition[] = []
  #plane: TestControlPlane | undefined
  #controllers: { readonly stop: AbortController; readonly stopped: Promise<void> } | undefined
  faults: Faults = NO_FAULTS

  constructor(options: WorldOptions) {
    this.#options = options
    this.#pace = new Pace(this.time, () => options.onBusyLoop())
    this.random = seededRandom(options.seed)
    this.disks = new Disks({ clock: this.time, random: this.random, faults: () => this.faults })
    this.#systemRandom = randomOf(seededRandom(options.seed ^ 0x5bd1e995))
  }

  /** The user's: system:masters, without faults. */
  get client(): Client {
    return this.#running().client
  }

  below(maxExclusive: number): number {
    return Math.floor(this.random() * maxExclusive)
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)]
  }

  async start(): Promise<void> {
    this.#plane = await startTestControlPlane({
      storage: this.storage,
      clock: this.time,
      random: this.#systemRandom,
      controllerSelection: [],
      controllers: () => {
        this.#definitions = this.#options.controllers(this.disks)
        return this.#definitions
      },
    })
    this.startControllers()
  }

  startControllers(): void {
    const { server } = this.#running()
    const stop = new AbortController()
    const source = { clock: this.time, random: this.random, faults: () => this.faults, pace: () => this.#pace.keep() }
    const manager = createControllerManager({
      definitions: this.#definitions,
      clientFor: (identity) => faultyClient(this.metrics.serve(server.clientFor(identity)), source),
      clock: this.time,
      random: this.#systemRandom,
      logger: this.#options.logger ?? discardLogger,
    })
    this.#controllers = { stop, stopped: manager.start(stop.signal) }
  }

  /** As when the process dies: nobody waits for what they were doing, but their answers no longer reach them. */
  crashControllers(): void {
    this.#controllers?.stop.abort(new Error('simulated crash'))
    this.#controllers = undefined
  }

  async restartServer(): Promise<void> {
    await this.#stopAll()
    await this.start()
  }

  /** Nothing can be watched from before now. */
  async compact(): Promise<void> {
    await this.storage.compact(await this.storage.currentRevision())
  }

  async stop(): Promise<void> {
    await this.#stopAll()
    await this.storage.close()
  }

  async #stopAll(): Promise<void> {
    const plane = this.#running()
    const stopped = this.#controllers?.stopped
    this.crashControllers()
    let isOver = false
    const closing = Promise.all([plane.stop(), stopped]).finally(() => {
      isOver = true
    })
    await this.time.run(60_000, () => isOver)
    await closing
    this.#plane = undefined
  }

  #running(): TestControlPlane {
    if (this.#plane === undefined) throw new Error('the world has not been started')
    return this.#plane
  }
}

function randomOf(random: () => number): Random {
  const int = (maxExclusive: number): number => Math.floor(random() * maxExclusive)
  const bytes = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => int(256)))
  return {
    int,
    bytes,
    uuid: () => {
      const hex = bytes(16).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
}
