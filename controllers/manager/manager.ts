/**
 * Starts controllers from their definitions over one set of shared informers. Each acts with its own identity and is
 * restarted alone, with backoff, when it crashes. Upstream: cmd/kube-controller-manager/app.
 */
import { setMaxListeners } from 'node:events'
import type { InformerStatus } from '#machinery/informers/factory.ts'
import { SharedInformerFactory } from '#machinery/informers/factory.ts'
import { sleep } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { AnyControllerDefinition } from '#sdk'
import type { ControllerDebug, RunningController } from './controller-process.ts'
import { createControllerProcess } from './controller-process.ts'
import { SHARED_INFORMERS_IDENTITY } from './identity.ts'
import type { ManagerOptions } from './interfaces.ts'
import { Leadership } from './leadership.ts'
import { ManagerMetrics } from './metrics.ts'
import { isControllerEnabled } from './selection.ts'

export interface ManagerDebug {
  /** Identity of the server whose controllers run; absent without leader election. */
  readonly leader?: string
  readonly controllers: readonly ControllerDebug[]
  readonly informers: readonly InformerStatus[]
}

const RESTART_INITIAL_MS = 1_000
const RESTART_MAX_MS = 300_000
/** A controller that ran this long starts its restart backoff anew. */
const STABLE_MS = 600_000

class ControllerManager {
  readonly #options: ManagerOptions
  readonly #informers: SharedInformerFactory
  readonly #metrics: ManagerMetrics | undefined
  readonly #controllers: RunningController[]
  readonly #leadership: Leadership
  readonly ready: Promise<void>

  constructor(options: ManagerOptions) {
    const { clock, random, logger, registry } = options
    this.#options = options
    this.#metrics = registry === undefined ? undefined : new ManagerMetrics(registry)
    const client = options.clientFor(SHARED_INFORMERS_IDENTITY)
    this.#informers = new SharedInformerFactory({ client, clock, random, logger })
    this.#controllers = options.definitions
      .filter((definition) => runsHere(definition, options))
      .map((definition) => createControllerProcess(definition, options, this.#informers, this.#metrics))
    this.#leadership = new Leadership(options)
    this.ready = Promise.all(
      this.#controllers.map(({ ready, runsOnEveryServer }) =>
        runsOnEveryServer ? ready : Promise.race([ready, this.#leadership.standby]),
      ),
    ).then(() => undefined)
  }

  /** Resolves when the signal has aborted and every controller has finished what it was doing. */
  async start(signal: AbortSignal): Promise<void> {
    // Every controller and every watch listens for the end.
    setMaxListeners(0, signal)
    this.#informers.start(signal)
    const everywhere = this.#controllers.filter(({ runsOnEveryServer }) => runsOnEveryServer)
    const onLeader = this.#controllers.filter(({ runsOnEveryServer }) => !runsOnEveryServer)
    await Promise.all([
      this.#keepAllRunning(everywhere, signal),
      this.#leadership.run((leading) => this.#keepAllRunning(onLeader, leading), signal),
    ])
    await this.#informers.stopped()
  }

  async #keepAllRunning(controllers: readonly RunningController[], signal: AbortSignal): Promise<void> {
    setMaxListeners(0, signal)
    await Promise.all(controllers.map((controller) => this.#keepRunning(controller, signal)))
  }

  /** Undefined when all controllers run, else which do not. */
  health(): string | undefined {
    const stopped = this.#controllers.filter((controller) => controller.state === 'crashed').map(({ name }) => name)
    return stopped.length === 0 ? undefined : `restarting after a crash: ${stopped.join(', ')}`
  }

  /** What /debug/controllers shows. */
  debug(): ManagerDebug {
    return {
      ...this.#leadership.debug(),
      controllers: this.#controllers.map((controller) => this.#debug(controller)),
      informers: this.#informers.status(),
    }
  }

  #debug(controller: RunningController): ControllerDebug {
    const debug = controller.debug()
    const isWaiting = debug.state === 'stopped' && !controller.runsOnEveryServer && !this.#leadership.isLeader
    return isWaiting ? { ...debug, state: 'standby' } : debug
  }

  async #keepRunning(controller: RunningController, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options
    let delayMs = RESTART_INITIAL_MS
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs()
      const crash = await controller.run(signal)
      if (signal.aborted) return
      if (clock.monotonicMs() - startedMs > STABLE_MS) delayMs = RESTART_INITIAL_MS
      this.#metrics?.crashed(controller.name)
      logger.error(
        { controller: controller.name, err: toError(crash), delayMs },
        'controller crashed, starting it again',
      )
      await sleep(clock, delayMs, signal).catch(() => undefined)
      delayMs = Math.min(delayMs * 2, RESTART_MAX_MS)
    }
  }
}

function runsHere(definition: AnyControllerDefinition, options: ManagerOptions): boolean {
  const { name, featureGate, needs, isDisabledByDefault } = definition
  const { selection = ['*'], logger } = options
  if (!isControllerEnabled(name, selection, isDisabledByDefault)) return false
  const isGateOff = featureGate !== undefined && options.isGateEnabled?.(featureGate) === false
  const isApiOff = needs !== undefined && options.isServed?.(needs) === false
  if (!isGateOff && !isApiOff) return true
  if (selection.includes(name))
    logger.warn({ controller: name, gate: featureGate }, 'controller does not run: its feature gate or its API is off')
  return false
}

export function createControllerManager(options: ManagerOptions): ControllerManager {
  return new ControllerManager(options)
}
