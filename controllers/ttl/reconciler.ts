/**
 * Tells every node by an annotation how long its kubelet may keep Secrets and ConfigMaps before asking again.
 *
 * Reads: nodes from the cache.  Writes: nodes (annotation).
 * Upstream: pkg/controller/ttl. Differs: when the cluster outgrows a range all nodes are told at once, not at their next change.
 */
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { TTL_CONTROLLER } from '../manager/names.ts'
import { nextRange, ttlSeconds } from './node-ttl.ts'

const ANNOTATION = 'node.alpha.kubernetes.io/ttl'

export const ttlController = defineController({
  name: TTL_CONTROLLER,
  reconciles: NODES,
  permissions: [{ resource: NODES, verbs: ['list', 'watch', 'patch'] }],
  concurrency: 5,
  create: (context) => new NodeTtlReconciler(context),
})

class NodeTtlReconciler implements Reconciler {
  readonly #client: Client
  readonly #nodes: Lister<Node>
  readonly #enqueue: (key: ObjectKey) => void
  #range = 0

  constructor({ client, lister, enqueue }: ReconcilerContext) {
    this.#client = client
    this.#nodes = lister(NODES)
    this.#enqueue = enqueue
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const range = nextRange(this.#range, this.#nodes.size)
    if (range !== this.#range) {
      this.#range = range
      for (const node of this.#nodes.list()) this.#enqueue(objectKeyOf(node))
    }
    const node = this.#nodes.get(key)
    const wanted = String(ttlSeconds(range))
    if (node === undefined || node.metadata.annotations?.[ANNOTATION] === wanted) return DONE
    const body = { metadata: { uid: node.metadata.uid, annotations: { [ANNOTATION]: wanted } } }
    await this.#client.patch(NODES, key, { type: 'merge', body }, { signal })
    return DONE
  }
}
