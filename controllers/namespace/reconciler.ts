/**
 * Empties namespaces that are being deleted and then lets them go by removing the `kubernetes` finalizer.
 *
 * Reads: namespaces from the cache, the one being deleted live; discovery; everything in it.
 * Writes: deletes everything in it; namespaces/status (phase, conditions), namespaces/finalize.
 * Upstream: pkg/controller/namespace.
 * Differs: does not wait 5 s for other API servers to hear of the deletion: there is one. Looks again at growing
 * intervals while finalizers hold things up, upstream's interval being the longest.
 */
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Namespace } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, Result } from '#sdk'
import { ANY_RESOURCE, DONE, defineController, requeueAfter } from '#sdk'
import { NAMESPACE_CONTROLLER } from '../manager/names.ts'
import { updatedConditions } from './conditions.ts'
import type { ContentPass } from './content.ts'
import { deleteAllContent } from './content.ts'

const FINALIZER = 'kubernetes'
const FIRST_LOOK_MS = 250

export const namespaceController = defineController({
  name: NAMESPACE_CONTROLLER,
  reconciles: NAMESPACES,
  permissions: [
    { resource: NAMESPACES, verbs: ['get', 'list', 'watch', 'delete'] },
    { resource: NAMESPACES, subresource: 'finalize', verbs: ['update'] },
    { resource: NAMESPACES, subresource: 'status', verbs: ['update'] },
    { resource: ANY_RESOURCE, verbs: ['get', 'list', 'delete', 'deletecollection'] },
  ],
  concurrency: 10,
  backoff: { baseMs: 100, maxMs: 60_000 },
  create: ({ client, lister, clock }) => new NamespaceReconciler(client, lister(NAMESPACES), clock),
})

class NamespaceReconciler implements Reconciler {
  readonly #client: Client
  readonly #namespaces: Lister<Namespace>
  readonly #clock: Clock

  constructor(client: Client, namespaces: Lister<Namespace>, clock: Clock) {
    this.#client = client
    this.#namespaces = namespaces
    this.#clock = clock
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    if (this.#namespaces.get(key)?.metadata.deletionTimestamp === undefined) return DONE
    const live = await this.#client.get(NAMESPACES, key, { signal }).catch(undefinedIfNotFound)
    if (live?.metadata.deletionTimestamp === undefined || (live.spec.finalizers ?? []).length === 0) return DONE

    const terminating = await this.#markTerminating(live, signal)
    const deletingMs = this.#clock.nowMs() - Date.parse(live.metadata.deletionTimestamp)
    const pass = await deleteAllContent(this.#client, key.name, deletingMs, signal)
    const reported = await this.#report(terminating, pass, signal)
    if (pass.contentErrors.length > 0 || pass.discoveryFailures.length > 0) throw contentError(pass)
    if (pass.estimateSeconds > 0)
      return requeueAfter(nextLookMs(live.metadata.deletionTimestamp, pass.estimateSeconds, this.#clock.nowMs()))
    await this.#finalize(reported, signal)
    return DONE
  }

  async #markTerminating(namespace: DeepReadonly<Namespace>, signal: AbortSignal): Promise<DeepReadonly<Namespace>> {
    if (namespace.status?.phase === 'Terminating') return namespace
    const changed = deepCopy<Namespace>(namespace)
    changed.status = { ...changed.status, phase: 'Terminating' }
    return this.#client.update(NAMESPACES, changed, { subresource: 'status', signal })
  }

  async #report(
    namespace: DeepReadonly<Namespace>,
    pass: ContentPass,
    signal: AbortSignal,
  ): Promise<DeepReadonly<Namespace>> {
    const current = namespace.status?.conditions ?? []
    const conditions = updatedConditions(current, pass, formatTime(this.#clock.now()))
    if (conditions === undefined) return namespace
    const changed = deepCopy<Namespace>(namespace)
    changed.status = { ...changed.status, conditions }
    return this.#client.update(NAMESPACES, changed, { subresource: 'status', signal })
  }

  async #finalize(namespace: DeepReadonly<Namespace>, signal: AbortSignal): Promise<void> {
    const changed = deepCopy<Namespace>(namespace)
    changed.spec.finalizers = (changed.spec.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER)
    await this.#client.update(NAMESPACES, changed, { subresource: 'finalize', signal }).catch(undefinedIfNotFound)
  }
}

/** As long as it has taken so far, within bounds: quick things are noticed quickly, slow ones cost little. */
function nextLookMs(deletionTimestamp: string, estimateSeconds: number, nowMs: number): number {
  const longestMs = (Math.floor(estimateSeconds / 2) + 1) * 1_000
  return Math.min(Math.max(nowMs - Date.parse(deletionTimestamp), FIRST_LOOK_MS), longestMs)
}

function contentError({ contentErrors, discoveryFailures }: ContentPass): Error {
  const failures = discoveryFailures.map(({ groupVersion, message }) => `${groupVersion}: ${message}`)
  return new Error(`namespace content could not be deleted: ${[...contentErrors, ...failures].join('; ')}`)
}
