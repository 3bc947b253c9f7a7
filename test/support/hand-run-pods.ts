/** Pods run by hand, as a kubelet and a scheduler would: bound, made ready, failed, ended. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type PodView = DeepReadonly<Pod>

export const isReady = ({ status }: PodView): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
export const isGoing = ({ metadata }: PodView): boolean => metadata.deletionTimestamp !== undefined

export class HandRunPods {
  readonly #client: Client
  readonly #namespace: string

  constructor(client: Client, namespace = 'default') {
    this.#client = client
    this.#namespace = namespace
  }

  /** In order of their names. */
  async list(labelSelector = ''): Promise<PodView[]> {
    const { items } = await this.#client.list(PODS, { namespace: this.#namespace, labelSelector })
    return [...items].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  }

  get(name: string): Promise<PodView> {
    return this.#client.get(PODS, { namespace: this.#namespace, name })
  }

  /** `since`: when it became ready. */
  async setReady(pod: PodView, isReady = true, since = '2026-01-01T00:00:00Z'): Promise<void> {
    const ready = { type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: since }
    await this.#setStatus(pod, { phase: 'Running', conditions: [ready] })
  }

  async end(pod: PodView, phase: 'Failed' | 'Succeeded' = 'Failed'): Promise<void> {
    await this.#setStatus(pod, { phase, conditions: [{ type: 'Ready', status: 'False' }] })
  }

  /** To the node, or to the one its affinity names. */
  async bind(pod: PodView, node = affinityNode(pod)): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: node }
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: pod.metadata.name ?? '' }, target }
    await this.#client.createSubresource(PODS, objectKeyOf(pod), 'binding', binding as never).catch(ignoreLost)
  }

  /** The kubelet's last word on a Pod that is being deleted. */
  async finish(pod: PodView): Promise<void> {
    await this.#client.delete(PODS, objectKeyOf(pod), { gracePeriodSeconds: 0 }).catch(ignoreLost)
  }

  /** One look at all of them: bound if `isBinding`, made ready, ended when they are being deleted. */
  async runAll(isBinding = false): Promise<void> {
    for (const pod of await this.list()) {
      if (isGoing(pod)) await this.finish(pod)
      else if (isBinding && (pod.spec.nodeName ?? '') === '') await this.bind(pod)
      else if (pod.status?.phase === 'Pending') await this.setReady(pod)
    }
  }

  async #setStatus(pod: PodView, status: NonNullable<Pod['status']>): Promise<void> {
    const draft = deepCopy<Pod>(pod)
    draft.status = status
    await this.#client.update(PODS, draft, { subresource: 'status' }).catch(ignoreLost)
  }
}

function affinityNode({ spec }: PodView): string {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] ?? 'node-1'
}

/** The Pod has changed or gone meanwhile: it is looked at again. */
function ignoreLost(err: unknown): undefined {
  if (!isConflict(err) && !isNotFound(err)) throw err
  return undefined
}
