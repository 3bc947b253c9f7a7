/**
 * Writes how much of each ResourceQuota is used.
 *
 * Reads: quotas and every object of the kinds they count, from caches; discovery.  Writes: resourcequotas/status.
 * Upstream: pkg/controller/resourcequota. Differs: every change of a counted object leads to a recount (admission here
 * does not write the status), and only kinds that a quota names are watched.
 */
import { RESOURCE_QUOTAS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ResourceQuota } from '#machinery/api/core/v1/types.gen.ts'
import type { DiscoveredResource } from '#machinery/client/discovery.ts'
import { discoverPreferredResources } from '#machinery/client/discovery.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import { isConflict, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage, isAbortError } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type { ControllerComponent, ControllerContext } from '#sdk'
import { ANY_RESOURCE, defineComponent } from '#sdk'
import { RESOURCE_QUOTA_CONTROLLER } from '../manager/names.ts'
import { CountedObjects } from './counted-objects.ts'
import { isSameStatus, kindsOf, quotaStatus } from './status.ts'

/** A burst of changes is one recount. */
const BATCH_MS = 50
const WORKERS = 5
/** Full recount of every quota. Upstream: --resource-quota-sync-period. */
const RESYNC_MS = 300_000
/** A kind that a quota names may be defined later. */
const DISCOVERY_PERIOD_MS = 30_000

export const resourceQuotaController = defineComponent({
  name: RESOURCE_QUOTA_CONTROLLER,
  permissions: [
    { resource: ANY_RESOURCE, verbs: ['list', 'watch'] },
    { resource: RESOURCE_QUOTAS, subresource: 'status', verbs: ['update'] },
  ],
  createComponent: (context) => new ResourceQuotaController(context),
})

class ResourceQuotaController implements ControllerComponent {
  readonly #context: ControllerContext
  readonly #queue: WorkQueue
  readonly #quotas: Informer<ResourceQuota>
  readonly #counted: CountedObjects
  #known = new Map<string, DiscoveredResource>()
  #wakeDiscovery: () => void = () => undefined
  #signal: AbortSignal = AbortSignal.abort()

  constructor(context: ControllerContext) {
    this.#context = context
    this.#queue = context.newQueue('resourcequota_primary')
    this.#quotas = context.informer(RESOURCE_QUOTAS)
    this.#counted = new CountedObjects(context, (namespace) => this.#enqueueAll(namespace, BATCH_MS))
    this.#quotas.addHandler({
      onAdd: (quota) => this.#quotaChanged(quota),
      onUpdate: (_old, quota) => this.#quotaChanged(quota),
      onDelete: () => this.#follow(),
    })
  }

  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    this.#signal = signal
    const stop = (): void => {
      this.#queue.shutDown()
      this.#wakeDiscovery()
    }
    signal.addEventListener('abort', stop, { once: true })
    onReady()
    await Promise.all([
      this.#keepDiscovering(signal),
      this.#resync(signal),
      ...Array.from({ length: WORKERS }, () => this.#work(signal)),
    ])
  }

  debug(): object {
    return { kinds: this.#counted.kinds, depth: this.#queue.depth }
  }

  #quotaChanged(quota: DeepReadonly<ResourceQuota>): void {
    this.#follow()
    this.#queue.add(keyOf(quota))
  }

  #enqueueAll(namespace: string | undefined, delayMs: number): void {
    for (const quota of this.#quotas.lister.list(namespace)) this.#queue.addAfter(keyOf(quota), delayMs)
  }

  /** Watches what the quotas of this moment count; asks discovery when one names something unknown. */
  #follow(): void {
    const wanted = new Map<string, DiscoveredResource>()
    let hasUnknown = false
    for (const quota of this.#quotas.lister.list()) {
      for (const kind of kindsOf(quota)) {
        const resource = this.#known.get(groupResourceString(kind))
        if (resource === undefined) hasUnknown = true
        else wanted.set(groupResourceString(kind), resource)
      }
    }
    if (!this.#signal.aborted) this.#counted.follow([...wanted.values()], this.#signal)
    if (hasUnknown) this.#wakeDiscovery()
  }

  async #keepDiscovering(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#context
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wakeDiscovery = resolve
      })
      try {
        if (this.#quotas.lister.size > 0) await this.#discover(signal)
      } catch (err: unknown) {
        if (!signal.aborted) logger.warn({ error: errorMessage(err) }, 'discovery failed, trying again')
      }
      const timeout = new AbortController()
      await Promise.race([woken, sleep(clock, DISCOVERY_PERIOD_MS, timeout.signal).catch(() => undefined)])
      timeout.abort()
    }
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const { resources } = await discoverPreferredResources(this.#context.client, signal)
    const before = new Set(this.#known.keys())
    this.#known = new Map(
      resources
        .filter(
          ({ namespaced, verbs }) => namespaced && ['create', 'list', 'watch'].every((verb) => verbs.includes(verb)),
        )
        .map((resource) => [groupResourceString(resource), resource]),
    )
    const isSame = before.size === this.#known.size && [...before].every((id) => this.#known.has(id))
    if (isSame) return
    this.#follow()
    this.#enqueueAll(undefined, 0)
  }

  async #resync(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#context.clock, RESYNC_MS, signal).catch(() => undefined)
      if (!signal.aborted) this.#enqueueAll(undefined, 0)
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      try {
        await this.#sync(key, signal)
        this.#queue.forget(key)
      } catch (err: unknown) {
        if (!signal.aborted && !isAbortError(err)) {
          this.#queue.addRateLimited(key)
          if (!isConflict(err)) this.#context.logger.error({ quota: key, error: errorMessage(err) }, 'counting failed')
        }
      }
      this.#queue.done(key)
    }
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const [namespace = '', name = ''] = key.split('/')
    const quota = this.#quotas.lister.get({ namespace, name })
    if (quota === undefined) return
    const objects = new Map<string, ReturnType<CountedObjects['inNamespace']>>()
    for (const kind of kindsOf(quota)) {
      const inNamespace = this.#counted.inNamespace(kind, namespace)
      // Not listed yet: the list wakes us. A number that leaves half of the objects out must not be seen.
      if (inNamespace === undefined && this.#mayBeServed(kind)) return
      objects.set(groupResourceString(kind), inNamespace)
    }
    const nowMs = this.#context.clock.now().getTime()
    const status = quotaStatus(quota, (kind) => objects.get(groupResourceString(kind)), nowMs)
    if (isSameStatus(quota.status, status)) return
    const changed = deepCopy<ResourceQuota>(quota)
    changed.status = status
    await this.#context.client
      .update(RESOURCE_QUOTAS, changed, { subresource: 'status', signal })
      .catch(undefinedIfNotFound)
  }

  #mayBeServed(kind: GroupResource): boolean {
    return this.#known.size === 0 || this.#known.has(groupResourceString(kind))
  }
}

const keyOf = ({ metadata }: DeepReadonly<ResourceQuota>): string =>
  `${metadata.namespace ?? ''}/${metadata.name ?? ''}`
