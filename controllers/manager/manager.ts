/**
 * Starts controllers from their definitions over one set of shared informers. Each acts with its own identity and is
 * restarted alone, with backoff, when it crashes. Upstream: cmd/kube-controller-manager/app.
 */
import { setMaxListeners } from 'node:events'
import type { InformerStatus } from '#machinery/informers/factory.ts'
import { SharedInformerFactory } from '#machinery/informers/factory.ts'
import { sleep } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { ControllerDebug, RunningController } from './controller-process.ts'
import { createControllerProcess } from './controller-process.ts'
import { SHARED_INFORMERS_IDENTITY } from './identity.ts'
import type { ManagerOptions } from './interfaces.ts'
import { ManagerMetrics } from './metrics.ts'
import { isControllerEnabled } from './selection.ts'

export interface ManagerDebug {
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
  readonly ready: Promise<void>

  constructor(options: ManagerOptions) {
    const { clock, random, logger, registry, selection = ['*'] } = options
    this.#options = options
    this.#metrics = registry === undefined ? undefined : new ManagerMetrics(registry)
    const client = options.clientFor(SHARED_INFORMERS_IDENTITY)
    this.#informers = new SharedInformerFactory({ client, clock, random, logger })
    this.#controllers = options.definitions
      .filter((definition) => isControllerEnabled(definition.name, selection))
      .map((definition) => createControllerProcess(definition, options, this.#informers, this.#metrics))
    this.ready = Promise.all(this.#controllers.map((controller) => controller.ready)).then(() => undefined)
  }

  /** Resolves when the signal has aborted and every controller has finished what it was doing. */
  async start(signal: AbortSignal): Promise<void> {
    // Every controller and every watch listens for the end.
    setMaxListeners(0, signal)
    this.#informers.start(signal)
    await Promise.all(this.#controllers.map((controller) => this.#keepRunning(controller, signal)))
    await this.#informers.stopped()
  }

  /** Undefined when all controllers run, else which do not. */
  health(): string | undefined {
    const stopped = this.#controllers.filter((controller) => controller.state === 'crashed').map(({ name }) => name)
    return stopped.length === 0 ? undefined : `restarting after a crash: ${stopped.join(', ')}`
  }

  /** What /debug/controllers shows. */
  debug(): ManagerDebug {
    return {
      controllers: this.#controllers.map((controller) => controller.debug()),
      informers: this.#informers.status(),
    }
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

export function createControllerManager(options: ManagerOptions): ControllerManager {
  return new ControllerManager(options)
}
