/**
 * Deletes objects whose owners are gone, for every deletable kind there is, custom resources included; carries out
 * foreground deletion and orphaning.
 *
 * Reads: discovery; the metadata of everything, by one watch per resource; live before every decision.
 * Writes: deletes; patches of owner references and of the finalizers `orphan` and `foregroundDeletion`; events.
 * Upstream: pkg/controller/garbagecollector.
 */
import { discoverPreferredResources } from '#machinery/client/discovery.ts'
import { isConflict, isTooManyRequests, retryAfterMs } from '#machinery/meta/errors.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage, isAbortError } from '#machinery/util/errors.ts'
import type { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type { ControllerComponent, ControllerContext } from '#sdk'
import { ANY_RESOURCE, defineComponent } from '#sdk'
import { GARBAGE_COLLECTOR_CONTROLLER } from '../manager/names.ts'
import { AbsentOwners } from './absent-owners.ts'
import { Collector, UnknownKindError } from './collector.ts'
import type { GraphListener, GraphNode } from './graph.ts'
import { DependencyGraph } from './graph.ts'
import { GraphMonitors } from './monitors.ts'

const DISCOVERY_PERIOD_MS = 30_000
/** A new CRD is served a moment after its event. */
const DISCOVERY_SOON_MS = 200
const SYNC_WAIT_MS = 30_000
const DELETE_WORKERS = 20
const ORPHAN_WORKERS = 4

export const garbageCollectorController = defineComponent({
  name: GARBAGE_COLLECTOR_CONTROLLER,
  permissions: [{ resource: ANY_RESOURCE, verbs: ['get', 'list', 'watch', 'patch', 'update', 'delete'] }],
  createComponent: (context) => new GarbageCollector(context),
})

class GarbageCollector implements ControllerComponent {
  readonly #context: ControllerContext
  readonly #deletes: WorkQueue
  readonly #orphans: WorkQueue
  readonly #graph: DependencyGraph
  readonly #monitors: GraphMonitors
  readonly #collector: Collector
  readonly #absentOwners = new AbsentOwners()
  #wakeDiscovery: () => void = () => undefined

  constructor(context: ControllerContext) {
    const { client, clock, random, logger } = context
    this.#context = context
    this.#deletes = context.newQueue('garbage_collector_attempt_to_delete')
    this.#orphans = context.newQueue('garbage_collector_attempt_to_orphan')
    this.#graph = new DependencyGraph(this.#listener())
    this.#monitors = new GraphMonitors(this.#graph, { client, clock, random, logger }, () => this.#wakeDiscovery())
    this.#collector = new Collector({
      client,
      graph: this.#graph,
      monitors: this.#monitors,
      absentOwners: this.#absentOwners,
      attemptToDelete: (node) => this.#deletes.add(node.uid),
    })
  }

  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const shutDown = (): void => {
      this.#deletes.shutDown()
      this.#orphans.shutDown()
      this.#wakeDiscovery()
    }
    signal.addEventListener('abort', shutDown, { once: true })
    // Filling the graph takes its time; nothing in the process needs to wait for it.
    onReady()
    const discovering = this.#keepDiscovering(signal)
    const deleting = Array.from({ length: DELETE_WORKERS }, () => this.#deleteWorker(signal))
    const orphaning = Array.from({ length: ORPHAN_WORKERS }, () => this.#orphanWorker(signal))
    await Promise.all([discovering, ...deleting, ...orphaning])
  }

  debug(): object {
    return {
      nodes: this.#graph.size,
      monitors: this.#monitors.count,
      unsynced: this.#monitors.unsynced,
      deletes: this.#deletes.depth,
      orphans: this.#orphans.depth,
    }
  }

  /** Every deletable kind of the last discovery has been listed. */
  get #isSynced(): boolean {
    return this.#monitors.count > 0 && this.#monitors.isSynced
  }

  #listener(): GraphListener {
    return {
      attemptToDelete: (node) => this.#deletes.add(node.uid),
      attemptToOrphan: (node) => this.#orphans.add(node.uid),
      ownerAbsent: (owner) => this.#absentOwners.add(owner, owner.namespace),
      invalidOwnerNamespace: (dependent, owner) => this.#reportNamespace(dependent, owner),
    }
  }

  #reportNamespace(dependent: GraphNode, owner: GraphNode): void {
    const { apiVersion, kind, namespace, name, uid } = dependent
    const metadata = namespace === '' ? { name, uid } : { namespace, name, uid }
    const reference = `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}]`
    const message = `ownerRef ${reference} does not exist in namespace "${namespace}"`
    this.#context.events.record({ apiVersion, kind, metadata }, 'Warning', 'OwnerRefInvalidNamespace', message)
  }

  async #keepDiscovering(signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#context
    while (!signal.aborted) {
      const woken = new Promise<'woken'>((resolve) => {
        this.#wakeDiscovery = () => resolve('woken')
      })
      try {
        const discovery = await discoverPreferredResources(client, signal)
        await this.#monitors.update(discovery, signal)
      } catch (err: unknown) {
        if (!signal.aborted) logger.warn({ error: errorMessage(err) }, 'discovery failed, trying again')
      }
      const timeout = new AbortController()
      const period = sleep(clock, DISCOVERY_PERIOD_MS, timeout.signal).catch(() => undefined)
      if ((await Promise.race([woken, period])) === 'woken')
        await sleep(clock, DISCOVERY_SOON_MS, signal).catch(() => undefined)
      timeout.abort()
    }
  }

  async #deleteWorker(signal: AbortSignal): Promise<void> {
    for (let uid = await this.#deletes.take(); uid !== undefined; uid = await this.#deletes.take()) {
      const node = this.#graph.get(uid)
      if (node === undefined) this.#deletes.forget(uid)
      else await this.#attempt(this.#deletes, uid, signal, () => this.#delete(node, signal))
      this.#deletes.done(uid)
    }
  }

  async #delete(node: GraphNode, signal: AbortSignal): Promise<'done' | 'again'> {
    // Foreground deletion must know all dependents; but one broken API must not stop collection for good.
    if (!this.#isSynced)
      await Promise.race([
        this.#monitors.synced(),
        sleep(this.#context.clock, SYNC_WAIT_MS, signal).catch(() => undefined),
      ])
    if (signal.aborted) return 'done'
    return this.#collector.collect(node, signal)
  }

  async #orphanWorker(signal: AbortSignal): Promise<void> {
    for (let uid = await this.#orphans.take(); uid !== undefined; uid = await this.#orphans.take()) {
      const node = this.#graph.get(uid)
      if (node === undefined) this.#orphans.forget(uid)
      else await this.#attempt(this.#orphans, uid, signal, () => this.#orphan(node, signal))
      this.#orphans.done(uid)
    }
  }

  /** A dependent that is not known yet would be deleted instead of kept: while anything is unsynced, orphans wait. */
  async #orphan(node: GraphNode, signal: AbortSignal): Promise<'done' | 'again'> {
    if (!this.#isSynced) return 'again'
    await this.#collector.orphan(node, signal)
    return 'done'
  }

  async #attempt(
    queue: WorkQueue,
    uid: string,
    signal: AbortSignal,
    work: () => Promise<'done' | 'again'>,
  ): Promise<void> {
    try {
      if ((await work()) === 'done') queue.forget(uid)
      else queue.addRateLimited(uid)
    } catch (err: unknown) {
      if (signal.aborted || isAbortError(err)) return
      queue.addRateLimited(uid, retryAfterMs(err))
      if (isConflict(err) || isTooManyRequests(err) || err instanceof UnknownKindError) return
      this.#context.logger.error({ uid, error: errorMessage(err) }, 'collecting failed, trying again')
    }
  }
}
