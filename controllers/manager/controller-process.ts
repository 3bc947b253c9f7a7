/**
 * One controller's life inside the manager: made from its definition at every start, so nothing of a crashed one is
 * reused; what it is doing is visible to health and debug.
 */
import { setMaxListeners } from 'node:events'
import { meterClient } from '#machinery/client/metered-client.ts'
import type { SharedInformerFactory } from '#machinery/informers/factory.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type {
  AnyControllerDefinition,
  ComponentDefinition,
  ControllerComponent,
  ControllerContext,
  RunConditions,
} from '#sdk'
import { ApiEventRecorder, ControllerRunner, HandlerScope } from '#sdk'
import { eventSourceOf } from './event-sources.ts'
import type { ManagerOptions } from './interfaces.ts'
import type { ManagerMetrics } from './metrics.ts'
import { controllerIdentity } from './policy.ts'

export interface ControllerDebug {
  readonly name: string
  /** `standby`: another server leads. */
  readonly state: 'starting' | 'running' | 'crashed' | 'stopped' | 'standby'
  readonly starts: number
  readonly lastError?: string
  readonly queue?: { readonly depth: number; readonly delayed: number; readonly longestRunningSeconds: number }
  /** Keys that fail, and why. */
  readonly failures?: readonly { readonly key: string; readonly error: string }[]
  readonly detail?: object
}

export interface RunningController {
  readonly name: string
  readonly state: ControllerDebug['state']
  /** Resolves at the first successful start. */
  readonly ready: Promise<void>
  /** Whether another server's leadership keeps it from running. */
  readonly runsOnEveryServer: boolean
  /** One run; resolves with the error that ended it (undefined after an abort). Never rejects. */
  run(signal: AbortSignal): Promise<unknown>
  debug(): ControllerDebug
}

interface Run {
  run(signal: AbortSignal, onReady: () => void): Promise<void>
  debug(): Pick<ControllerDebug, 'queue' | 'failures' | 'detail'>
}

export function createControllerProcess(
  definition: AnyControllerDefinition,
  options: ManagerOptions,
  informers: SharedInformerFactory,
  metrics: ManagerMetrics | undefined,
): RunningController {
  return new ControllerProcess(definition, (signal) => newRun(definition, options, informers, metrics, signal))
}

class ControllerProcess implements RunningController {
  readonly name: string
  readonly runsOnEveryServer: boolean
  readonly ready: Promise<void>
  readonly #make: (signal: AbortSignal) => Run
  #markReady: () => void = () => undefined
  #run: Run | undefined
  #starts = 0
  #lastError: unknown
  #state: ControllerDebug['state'] = 'stopped'

  constructor(
    definition: Pick<AnyControllerDefinition, keyof RunConditions | 'name'>,
    make: (signal: AbortSignal) => Run,
  ) {
    this.name = definition.name
    this.runsOnEveryServer = definition.runsOnEveryServer ?? false
    this.#make = make
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve
    })
  }

  get state(): ControllerDebug['state'] {
    return this.#state
  }

  async run(signal: AbortSignal): Promise<unknown> {
    // Ends what a crashed run left behind (its event sender) without ending the manager.
    const own = new AbortController()
    setMaxListeners(0, own.signal)
    const abort = (): void => own.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#starts++
    this.#state = 'starting'
    try {
      this.#run = this.#make(own.signal)
      await this.#run.run(own.signal, () => this.#onReady())
      this.#state = signal.aborted ? 'stopped' : 'crashed'
      return signal.aborted ? undefined : new Error('the controller ended without being told to')
    } catch (err: unknown) {
      this.#state = signal.aborted ? 'stopped' : 'crashed'
      this.#lastError = err
      return err
    } finally {
      signal.removeEventListener('abort', abort)
      own.abort()
    }
  }

  debug(): ControllerDebug {
    return {
      name: this.name,
      state: this.#state,
      starts: this.#starts,
      ...(this.#lastError === undefined ? {} : { lastError: errorMessage(this.#lastError) }),
      ...this.#run?.debug(),
    }
  }

  #onReady(): void {
    this.#state = 'running'
    this.#markReady()
  }
}

const userOf = (definition: AnyControllerDefinition): string | undefined =>
  'createComponent' in definition ? definition.user : undefined

function newRun(
  definition: AnyControllerDefinition,
  options: ManagerOptions,
  informers: SharedInformerFactory,
  metrics: ManagerMetrics | undefined,
  signal: AbortSignal,
): Run {
  const { clock, random } = options
  const logger = options.logger.child({ controller: definition.name })
  const own = options.clientFor(controllerIdentity(definition.name, userOf(definition)))
  const client = metrics === undefined ? own : meterClient(own, clock, metrics.called)
  const component = eventSourceOf(definition.name)
  const events = new ApiEventRecorder({ client, clock, random, logger, component }, signal)
  const newQueue = (name: string): WorkQueue => {
    const queue = new WorkQueue({ clock, ...(metrics === undefined ? {} : { metrics: metrics.forQueue(name) }) })
    metrics?.measureQueue(name, queue)
    return queue
  }
  const isGateEnabled = (name: string): boolean => options.isGateEnabled?.(name) ?? false
  const base = { client, clock, random, logger, events, isGateEnabled, newQueue }
  if ('createComponent' in definition) return newComponentRun(definition, base, informers)
  const controllerMetrics = metrics?.forController(definition.name, definition.concurrency ?? 1)
  const runner = new ControllerRunner(definition, {
    context: base,
    informers,
    ...(controllerMetrics === undefined ? {} : { metrics: controllerMetrics }),
  })
  metrics?.measureQueue(definition.name, runner.queue)
  return {
    run: (runSignal, onReady) => runner.run(runSignal, onReady),
    debug: () => ({
      queue: {
        depth: runner.queue.depth,
        delayed: runner.queue.delayedCount,
        longestRunningSeconds: runner.queue.longestRunningSeconds(),
      },
      failures: runner.failures,
    }),
  }
}

/** The component's handlers go with the run, also with one that did not even come to be. */
function newComponentRun(
  definition: ComponentDefinition,
  base: Omit<ControllerContext, 'lister' | 'informer'>,
  informers: SharedInformerFactory,
): Run {
  const handlers = new HandlerScope()
  const context: ControllerContext = {
    ...base,
    lister: (resource, selection) => informers.lister(resource, selection),
    informer: (resource, selection) => handlers.of(informers.informer(resource, selection)),
  }
  let component: ControllerComponent
  try {
    component = definition.createComponent(context)
  } catch (err: unknown) {
    handlers.removeAll()
    throw err
  }
  return {
    async run(signal, onReady) {
      try {
        await component.run(signal, onReady)
      } finally {
        handlers.removeAll()
      }
    },
    debug: () => (component.debug === undefined ? {} : { detail: component.debug() }),
  }
}
