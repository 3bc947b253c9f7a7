/**
 * Keeps a LimitRange `default-memory` in every Namespace labelled `example.dev/default-memory: <quantity>`, and removes it
 * when the label goes. The example of docs/writing-a-controller.md.
 *
 * Reads: namespaces and limitranges from the cache.  Writes: limitranges; events.
 */
import { LIMIT_RANGES, NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { LimitRange, Namespace } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, watching } from '#sdk'

const LABEL = 'example.dev/default-memory'
const NAME = 'default-memory'

export const defaultLimitsController = defineController({
  name: 'default-limits-controller',
  reconciles: NAMESPACES,
  watches: [
    watching(LIMIT_RANGES, ({ metadata }) => (metadata.name === NAME ? [{ name: metadata.namespace ?? '' }] : [])),
  ],
  permissions: [
    { resource: NAMESPACES, verbs: ['get', 'list', 'watch'] },
    { resource: LIMIT_RANGES, verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'] },
  ],
  concurrency: 2,
  create: (context) => new DefaultLimitsReconciler(context),
})

class DefaultLimitsReconciler implements Reconciler {
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #namespaces: Lister<Namespace>
  readonly #limitRanges: Lister<LimitRange>

  constructor({ client, events, lister }: ReconcilerContext) {
    this.#client = client
    this.#events = events
    this.#namespaces = lister(NAMESPACES)
    this.#limitRanges = lister(LIMIT_RANGES)
  }

  async reconcile({ name: namespace }: ObjectKey, signal: AbortSignal): Promise<Result> {
    const owner = this.#namespaces.get({ name: namespace })
    if (owner === undefined || owner.metadata.deletionTimestamp !== undefined) return DONE
    const key = { namespace, name: NAME }
    const present = this.#limitRanges.get(key)
    const wanted = wantedMemory(owner)
    if (wanted === memoryOf(present)) return DONE
    if (wanted === undefined) {
      await this.#client.delete(LIMIT_RANGES, key, { signal }).catch(undefinedIfNotFound)
    } else if (present === undefined) {
      await this.#client.create(LIMIT_RANGES, withMemory(newLimitRange(namespace), wanted), { signal })
    } else {
      // The cached resourceVersion goes along: if the cache is behind, the answer is a Conflict and we are called again.
      await this.#client.update(LIMIT_RANGES, withMemory(present, wanted), { signal })
    }
    this.#events.record(owner, 'Normal', 'DefaultMemoryChanged', `Default memory limit is ${wanted ?? 'unset'}`)
    return DONE
  }
}

/** What the label asks for; undefined = no LimitRange. */
export function wantedMemory({ metadata }: DeepReadonly<Namespace>): string | undefined {
  return metadata.labels?.[LABEL] || undefined
}

const newLimitRange = (namespace: string): LimitRange => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { namespace, name: NAME },
  spec: { limits: [] },
})

/** Only the field we own is compared: the server adds defaults of its own beside it. */
function memoryOf(limitRange: DeepReadonly<LimitRange> | undefined): string | undefined {
  return limitRange?.spec.limits.find(({ type }) => type === 'Container')?.default?.['memory']
}

function withMemory(limitRange: DeepReadonly<LimitRange>, memory: string): LimitRange {
  const draft = deepCopy<LimitRange>(limitRange) // What a lister returns is shared and frozen.
  draft.spec = { limits: [{ type: 'Container', default: { memory } }] }
  return draft
}
