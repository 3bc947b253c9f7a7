/**
 * Runs controllers outside knarr: an operator as a process of its own, against any Kubernetes API server. The manager does
 * the same for the built-in ones, with an identity each.
 */
import type { Client } from '#machinery/client/client.ts'
import { SharedInformerFactory } from '#machinery/informers/factory.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep, systemClock } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type { ControllerDefinition } from './definition.ts'
import { ApiEventRecorder } from './events/recorder.ts'
import { ControllerRunner } from './runner.ts'

export interface OperatorOptions {
  readonly controllers: readonly ControllerDefinition[]
  readonly client: Client
  readonly logger?: Logger
  readonly clock?: Clock
  readonly random?: Random
}

const RESTART_DELAY_MS = 5_000

/** Resolves when the signal has aborted and every controller is idle. A controller that crashes is started again alone. */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { client, logger = discardLogger, clock = systemClock, random = systemRandom } = options
  const informers = new SharedInformerFactory({ client, clock, random, logger })
  informers.start(signal)
  const run = async (definition: ControllerDefinition): Promise<void> => {
    const named = logger.child({ controller: definition.name })
    const events = new ApiEventRecorder({ client, clock, random, logger: named, component: definition.name }, signal)
    while (!signal.aborted) {
      const runner = new ControllerRunner(definition, {
        context: {
          client,
          clock,
          random,
          logger: named,
          events,
          isGateEnabled: () => false,
          newQueue: () => new WorkQueue({ clock }),
        },
        informers,
      })
      try {
        await runner.run(signal, () => named.info({}, 'controller is running'))
      } catch (err: unknown) {
        named.error({ err: toError(err) }, 'controller crashed, starting it again')
        await sleep(clock, RESTART_DELAY_MS, signal).catch(() => undefined)
      }
    }
  }
  await Promise.all(options.controllers.map(run))
  await informers.stopped()
}
