/**
 * Plays the stages of a file on Pods or Nodes instead of the built-in behaviour: of those that match an object one is chosen,
 * waited for and done, and the changed object is looked at again. One serial worker per object, one timer for all.
 *
 * Reads: pods or nodes from the cache.  Writes: patches of them and their status, deletes, events.
 * Upstream: kwok pkg/kwok/controllers/{pod_controller,stage_controller}.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { JsonPatchOperation, Patch } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import { isBusy } from '../busy.ts'
import type { SimulatedNodesDependencies } from '../interfaces.ts'
import { newest } from '../versions.ts'
import { chooseStage, type Stage, type StageStep } from './stage.ts'
import type { StageRenderer, TemplateFunctions } from './template.ts'

interface Entry<T extends KubeObject> {
  object: DeepReadonly<T>
  chosen: { readonly stage: Stage; readonly dueMs: number } | undefined
  isDeleteSent: boolean
}

export interface StagePlayerOptions<T extends KubeObject> {
  readonly resource: Resource<T>
  readonly informer: Informer<T>
  readonly stages: readonly Stage[]
  readonly render: StageRenderer
  isOurs(object: DeepReadonly<T>): boolean
  /** Undefined: its node does not live. */
  functionsFor(object: DeepReadonly<T>): TemplateFunctions | undefined
  onGone?(object: DeepReadonly<T>): void
}

const CONCURRENCY = 32

export class StagePlayer<T extends KubeObject> {
  readonly #dependencies: SimulatedNodesDependencies
  readonly #options: StagePlayerOptions<T>
  readonly #entries = new Map<string, Entry<T>>()
  readonly #queue: WorkQueue

  constructor(dependencies: SimulatedNodesDependencies, options: StagePlayerOptions<T>) {
    this.#dependencies = dependencies
    this.#options = options
    this.#queue = new WorkQueue({ clock: dependencies.clock })
  }

  get objectCount(): number {
    return this.#entries.size
  }

  /** Plays until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const removeHandler = this.#options.informer.addHandler({
      onAdd: (object) => this.#observe(object),
      onUpdate: (old, object) => {
        if (old.metadata.uid !== object.metadata.uid) this.#forget(old)
        this.#observe(object)
      },
      onDelete: (object) => this.#forget(object),
    })
    const shutDown = (): void => this.#queue.shutDown()
    signal.addEventListener('abort', shutDown, { once: true })
    if (signal.aborted) shutDown()
    await Promise.all(Array.from({ length: CONCURRENCY }, () => this.#work(signal)))
    removeHandler()
  }

  /** Something outside the objects changed: their node is there (again). */
  wakeAll(isMeant: (object: DeepReadonly<T>) => boolean): void {
    for (const [uid, { object }] of this.#entries) if (isMeant(object)) this.#queue.add(uid)
  }

  #observe(object: DeepReadonly<T>): void {
    const { uid = '' } = object.metadata
    const entry = this.#entries.get(uid)
    if (entry === undefined && !this.#options.isOurs(object)) return
    if (entry === undefined) this.#entries.set(uid, { object, chosen: undefined, isDeleteSent: false })
    else entry.object = newest(entry.object, object)
    this.#queue.add(uid)
  }

  #forget(object: DeepReadonly<T>): void {
    const { uid = '' } = object.metadata
    if (!this.#entries.delete(uid)) return
    this.#queue.forget(uid)
    this.#options.onGone?.(object)
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { logger } = this.#dependencies
    for (let uid = await this.#queue.take(); uid !== undefined; uid = await this.#queue.take()) {
      const entry = this.#entries.get(uid)
      try {
        if (entry !== undefined) await this.#sync(uid, entry, signal)
        this.#queue.forget(uid)
      } catch (err: unknown) {
        if (!signal.aborted && entry !== undefined && !isNotFound(err)) {
          this.#queue.addRateLimited(uid)
          if (!isConflict(err) && !isBusy(err)) {
            const fields = {
              object: objectKeyOf(entry.object),
              stage: entry.chosen?.stage.name,
              reason: errorMessage(err),
            }
            logger.warn(fields, 'cannot play a stage, trying again')
          }
        }
      }
      this.#queue.done(uid)
    }
  }

  async #sync(uid: string, entry: Entry<T>, signal: AbortSignal): Promise<void> {
    const functions = this.#options.functionsFor(entry.object)
    if (functions === undefined || entry.isDeleteSent) return
    const { clock, random } = this.#dependencies
    const nowMs = clock.nowMs()
    // What was chosen stays chosen while it fits: other changes do not begin the wait anew.
    if (entry.chosen === undefined || !entry.chosen.stage.matches(entry.object)) {
      const stage = chooseStage(this.#options.stages, entry.object, random)
      entry.chosen = stage && { stage, dueMs: nowMs + stage.delayMs(entry.object, nowMs, random) }
    }
    if (entry.chosen === undefined) return
    if (nowMs < entry.chosen.dueMs) {
      this.#queue.addAfter(uid, entry.chosen.dueMs - nowMs)
      return
    }
    const before = entry.object.metadata.resourceVersion
    for (const step of entry.chosen.stage.steps) await this.#do(step, entry, functions, signal)
    entry.chosen = undefined
    // A stage that changed nothing waits for somebody else's change.
    if (entry.object.metadata.resourceVersion !== before) this.#queue.add(uid)
  }

  async #do(step: StageStep, entry: Entry<T>, functions: TemplateFunctions, signal: AbortSignal): Promise<void> {
    const { client, events } = this.#dependencies
    const { resource } = this.#options
    switch (step.type) {
      case 'event':
        events?.record(entry.object, step.event.type, step.event.reason, step.event.message)
        return
      case 'delete': {
        const preconditions = { uid: entry.object.metadata.uid ?? '' }
        await client.delete(resource, objectKeyOf(entry.object), { gracePeriodSeconds: 0, preconditions, signal })
        entry.isDeleteSent = true
        return
      }
      case 'finalizers':
        return this.#patch(entry, { type: 'merge', body: finalizerPatch(step, entry.object) }, '', signal)
      case 'patch': {
        const body = this.#options.render(step.template, entry.object, functions)
        if (body === null || body === undefined) return
        return this.#patch(entry, patchOf(step.patchType, step.root, body), step.subresource, signal)
      }
    }
  }

  async #patch(entry: Entry<T>, patch: Patch, subresource: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#dependencies
    const options = { ...(subresource === '' ? {} : { subresource }), signal }
    const written = await client.patch(this.#options.resource, objectKeyOf(entry.object), patch, options)
    entry.object = newest(entry.object, written)
  }
}

function patchOf(type: 'json' | 'merge' | 'strategic', root: string, body: unknown): Patch {
  if (type === 'json') return { type, body: body as readonly JsonPatchOperation[] }
  return { type, body: root === '' ? (body as object) : { [root]: body } }
}

function finalizerPatch(
  { add, remove, empty }: Extract<StageStep, { type: 'finalizers' }>,
  { metadata }: DeepReadonly<KubeObject>,
): object {
  const kept = empty ? [] : (metadata.finalizers ?? []).filter((name) => !remove.includes(name))
  const finalizers = [...kept, ...add.filter((name) => !kept.includes(name))]
  return {
    metadata: { resourceVersion: metadata.resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers },
  }
}
