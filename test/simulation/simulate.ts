/** One seed: a cluster lives through several episodes of random work and trouble, and comes to rest after each. */
import type { AnyControllerDefinition } from '#sdk'
import type { NodeDirectories } from '#controllers/local-path/interfaces.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Faults } from './faults.ts'
import { NO_FAULTS } from './faults.ts'
import { evictEverywhere } from './evictions.ts'
import { Observer } from './observer.ts'
import { unrest } from './rest.ts'
import { User } from './user.ts'
import { World } from './world.ts'

const EPISODES = 3
const ACTIONS_PER_EPISODE = 12
const PAUSE_MAX_MS = 8_000
/** A controller that was refused many times waits long before it tries again. */
const REST_MAX_MS = 60 * 60_000
const REST_STEP_MS = 10_000

const MILD: Faults = {
  ...NO_FAULTS,
  refused: 0.02,
  callDelayMaxMs: 50,
  eventLate: 0.05,
  eventDelayMaxMs: 2_000,
  watchBroken: 0.01,
}
const SEVERE: Faults = {
  refused: 0.15,
  answerLost: 0.05,
  callDelayMaxMs: 500,
  eventLate: 0.2,
  eventDelayMaxMs: 10_000,
  watchBroken: 0.05,
}

export interface SimulationOptions {
  readonly seed: number
  controllers(disks: NodeDirectories): readonly AnyControllerDefinition[]
  readonly logger?: Logger
}

export interface SimulationResult {
  readonly violations: readonly string[]
  /** What was done, for finding out why. */
  readonly history: readonly string[]
  /** Of the last write. */
  readonly revision: number
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed } = options
  const faults = [NO_FAULTS, MILD, SEVERE][seed % 3] ?? NO_FAULTS
  const history: string[] = []
  const observer = new Observer({ answersAreLost: faults.answerLost > 0, areEventsLate: faults.eventLate > 0 })
  const onBusyLoop = () => observer.violated('controllers call without end and without a pause')
  const world = new World({ ...options, onBusyLoop })
  const stop = new AbortController()
  await observer.watch(world.storage, stop.signal)
  await world.start()
  const simulation = new Simulation(world, observer, faults, history)
  try {
    await simulation.run()
  } finally {
    stop.abort()
    await world.stop()
  }
  return { violations: observer.violations, history, revision: observer.revision }
}

class Simulation {
  readonly #world: World
  readonly #observer: Observer
  readonly #user: User
  readonly #faults: Faults
  readonly #history: string[]

  constructor(world: World, observer: Observer, faults: Faults, history: string[]) {
    this.#world = world
    this.#observer = observer
    this.#faults = faults
    this.#history = history
    this.#user = new User(world)
  }

  async run(): Promise<void> {
    this.#note(`besides what all do: ${this.#user.activities}`)
    await this.#rest('the start')
    await this.#user.begin()
    for (let episode = 0; episode < EPISODES; episode++) {
      this.#world.faults = this.#faults
      // Now and then only rollouts take Pods away, and what they promise is held to.
      const isCalm = this.#world.random() < 0.5
      for (let i = 0; i < ACTIONS_PER_EPISODE; i++) await this.#step(isCalm)
      await this.#user.heal()
      this.#world.faults = NO_FAULTS
      await this.#rest(`episode ${episode}`)
      this.#world.faults = this.#faults
      this.#note('evictions')
      this.#observer.disturb()
      this.#observer.isEvicting = true
      await evictEverywhere(this.#world, this.#observer)
      this.#observer.isEvicting = false
      this.#world.faults = NO_FAULTS
      await this.#rest(`the evictions of episode ${episode}`)
    }
    this.#observer.disturb()
    await this.#user.deleteEverything()
    await this.#rest('the deletion of everything')
  }

  async #step(isCalm: boolean): Promise<void> {
    await this.#trouble()
    const action = this.#user.choose()
    if (isCalm && action.disturbs === true) return
    if (action.disturbs === true) this.#observer.disturb()
    this.#note(action.name)
    await action.run()
    await this.#world.time.run(this.#world.below(PAUSE_MAX_MS))
  }

  async #trouble(): Promise<void> {
    const world = this.#world
    const dice = world.random()
    if (dice < 0.08) {
      this.#note('controllers crash')
      this.#crashed()
      world.crashControllers()
      await world.time.run(world.below(PAUSE_MAX_MS))
      world.startControllers()
    } else if (dice < 0.11) {
      this.#note('server restarts')
      this.#crashed()
      await world.restartServer()
    } else if (dice < 0.16) {
      this.#note('compaction')
      await world.compact()
    }
  }

  async #rest(after: string): Promise<void> {
    const { time } = this.#world
    const startMs = time.nowMs()
    do {
      await time.run(REST_STEP_MS)
      await this.#user.provideVolumes()
    } while (this.#unrest().length > 0 && time.nowMs() - startMs < REST_MAX_MS)
    const remaining = this.#unrest()
    this.#note(`rest after ${Math.round((time.nowMs() - startMs) / 1_000)} s`)
    for (const what of remaining) this.#observer.violations.push(`no rest after ${after}: ${what}`)
    this.#observer.atRest(true)
  }

  #unrest(): readonly string[] {
    return [...unrest(this.#observer), ...this.#user.unrest(this.#observer)]
  }

  #crashed(): void {
    this.#observer.crashed()
    this.#user.crashed(this.#observer)
  }

  #note(what: string): void {
    const seconds = (this.#world.time.monotonicMs() / 1_000).toFixed(1)
    this.#history.push(`${seconds} s: ${what}`)
  }
}
