/**
 * Keeps the wanted number of Pods of ReplicaSets and ReplicationControllers, and reports how many there are.
 *
 * Reads: owners and pods from the cache.  Writes: pods (create, delete, patch of owner), status of the owner, events.
 * Upstream: pkg/controller/replicaset, pkg/controller/replication (an adapter there, a parameter here).
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import {
  controllerOf,
  DONE,
  defineController,
  isNamespaceTerminating,
  newControllerReference,
  requeueSoonest,
} from '#sdk'
import { claim, ORPHAN_INDEX, orphanIndexOf, orphanIndexValue } from '../manager/claim.ts'
import { Expectations } from '../manager/expectations.ts'
import { OwnerRecheck } from '../manager/owner-recheck.ts'
import { generateNameFor, isPodActive, isPodTerminating, PodControl } from '../manager/pod-control.ts'
import { podWatch } from '../manager/pod-watch.ts'
import { slowStart } from '../manager/slow-start.ts'
import { inRemovalOrder } from './removal-order.ts'
import type { ReplicaKind, ReplicaOwner } from './replica-kind.ts'
import { REPLICA_SET_KIND, REPLICATION_CONTROLLER_KIND } from './replica-kind.ts'
import { replicaStatus } from './replica-status.ts'

const PODS_PER_SYNC_MAX = 500

export const replicaSetController = replicaController(REPLICA_SET_KIND)
export const replicationController = replicaController(REPLICATION_CONTROLLER_KIND)

function replicaController(kind: ReplicaKind) {
  const { resource } = kind
  return defineController({
    name: kind.controller,
    reconciles: resource, // Pods are watched in `create`: their changes also settle expectations.
    permissions: [
      { resource, verbs: ['get', 'list', 'watch', 'update'] },
      { resource, subresource: 'status', verbs: ['update'] },
      { resource, subresource: 'finalizers', verbs: ['update'] },
      { resource: PODS, verbs: ['create', 'delete', 'list', 'watch', 'patch'] },
    ],
    concurrency: 5,
    create: (context) => new ReplicaReconciler(kind, context),
  })
}

type Owner = DeepReadonly<ReplicaOwner>

class ReplicaReconciler implements Reconciler {
  readonly #kind: ReplicaKind
  readonly #client: Client
  readonly #clock: Clock
  readonly #owners: Lister<ReplicaOwner>
  readonly #pods: Lister<Pod>
  readonly #podControl: PodControl
  readonly #expectations: Expectations
  /** What was expected of an owner does not hold for the next one of its name. */
  readonly #uids = new Map<string, string>()
  readonly #recheck: OwnerRecheck

  constructor(kind: ReplicaKind, context: ReconcilerContext) {
    const { client, clock, events } = context
    this.#kind = kind
    this.#client = client
    this.#clock = clock
    this.#owners = context.lister(kind.resource)
    const pods = context.informer(PODS)
    pods.addIndex(ORPHAN_INDEX, orphanIndexOf)
    this.#pods = pods.lister
    this.#podControl = new PodControl(client, events)
    this.#expectations = new Expectations(clock)
    this.#recheck = new OwnerRecheck(client, kind.resource)
    const { enqueue } = context
    const { selectorOf } = kind
    const watch = {
      kind: kind.resource.kind,
      owners: this.#owners,
      expectations: this.#expectations,
      selectorOf,
      enqueue,
    }
    pods.addHandler(podWatch(watch))
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const owner = this.#owners.get(key)
    const name = keyString(key)
    if (owner?.metadata.uid !== this.#uids.get(name)) this.#expectations.forget(name)
    if (owner === undefined) {
      this.#uids.delete(name)
      this.#recheck.forget(name)
      return DONE
    }
    this.#uids.set(name, owner.metadata.uid ?? '')
    // Asked before the Pods are read: a Pod that appears in between must not make a stale count look current.
    const waitMs = this.#expectations.waitMs(name)
    const { namespace, uid = '' } = owner.metadata
    const controlled = this.#pods.byIndex('controller-uid', uid)
    const candidates = [...controlled, ...this.#pods.byIndex(ORPHAN_INDEX, orphanIndexValue(namespace))]
    const selector = this.#kind.selectorOf(owner)
    const how = { owner, resource: this.#kind.resource, children: PODS, selector }
    const pods = await claim<Pod>(how, candidates.filter(isPodActive), this.#client, signal)
    const mayManage = waitMs === undefined && owner.metadata.deletionTimestamp === undefined
    const error = mayManage ? await this.#manage(owner, name, pods, signal) : undefined
    // What was deleted just now is not there for whoever reads the status, though the cache shows it. Differs: upstream counts it.
    const deleted = this.#expectations.deletions(name)
    const staying = pods.filter(({ metadata }) => !deleted.has(metadata.uid ?? ''))
    const leaving = controlled.filter((pod) => isPodTerminating(pod) && selector.matches(pod.metadata.labels))
    const terminating = this.#kind.countsTerminating ? leaving.length + pods.length - staying.length : undefined
    const facts = { owner, pods: staying, terminating, error }
    const { status, nextAvailableMs } = replicaStatus(facts, this.#clock.now())
    await this.#writeStatus(owner, status, signal)
    if (error !== undefined) throw error
    return requeueSoonest(nextAvailableMs, waitMs)
  }

  /** Creates or deletes Pods; returns the first error after doing all it can. */
  async #manage(owner: Owner, name: string, pods: readonly DeepReadonly<Pod>[], signal: AbortSignal): Promise<unknown> {
    const missing = (owner.spec?.replicas ?? 1) - pods.length
    if (missing < 0) return this.#delete(owner, name, pods, Math.min(-missing, PODS_PER_SYNC_MAX), signal)
    if (missing === 0) return undefined
    await this.#recheck.beforeCreating(owner, signal)
    return this.#create(owner, name, Math.min(missing, PODS_PER_SYNC_MAX), signal)
  }

  async #create(owner: Owner, name: string, count: number, signal: AbortSignal): Promise<unknown> {
    const { template } = owner.spec ?? {}
    if (template === undefined) return undefined
    this.#expectations.expectCreations(name, count)
    const reference = newControllerReference(owner, this.#kind.resource)
    const generateName = generateNameFor(owner)
    const { attempted, error } = await slowStart(count, async () => {
      try {
        await this.#podControl.create(owner, template, reference, { generateName, signal })
      } catch (err: unknown) {
        this.#expectations.creationObserved(name)
        if (!isNamespaceTerminating(err)) throw err
      }
    })
    // What was never tried will never be seen.
    for (let i = attempted; i < count; i++) this.#expectations.creationObserved(name)
    return error
  }

  async #delete(
    owner: Owner,
    name: string,
    pods: readonly DeepReadonly<Pod>[],
    count: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    const surplus = inRemovalOrder(pods, this.#relatedPods(owner), this.#clock.nowMs()).slice(0, count)
    this.#expectations.expectDeletions(
      name,
      surplus.map(({ metadata }) => metadata.uid ?? ''),
    )
    let error: unknown
    await Promise.all(
      surplus.map((pod) =>
        this.#podControl.delete(owner, pod, signal).catch((err: unknown) => {
          this.#expectations.deletionObserved(name, pod.metadata.uid ?? '')
          if (!isNotFound(err)) error ??= err
        }),
      ),
    )
    return error
  }

  /** Pods of the ReplicaSets of one Deployment, this one's among them. Who belongs to nobody has none: nodes are all alike. */
  #relatedPods(owner: Owner): DeepReadonly<Pod>[] {
    const parent = controllerOf(owner)?.uid
    const siblings = parent === undefined ? [] : this.#owners.byIndex('controller-uid', parent)
    return siblings.flatMap(({ metadata }) => this.#pods.byIndex('controller-uid', metadata.uid ?? ''))
  }

  async #writeStatus(owner: Owner, status: NonNullable<ReplicaOwner['status']>, signal: AbortSignal): Promise<void> {
    if (deepEqual(owner.status, status)) return
    const draft = { ...deepCopy<ReplicaOwner>(owner), status } as ReplicaOwner
    await this.#client.update(this.#kind.resource, draft, { subresource: 'status', signal })
  }
}
