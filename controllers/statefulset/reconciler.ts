/**
 * Keeps the Pods of StatefulSets: each ordinal at most once, in order unless they may come at once, each with its own claims;
 * rolls templates out from the highest ordinal down and keeps their history.
 *
 * Reads: statefulsets, pods, persistentvolumeclaims and controllerrevisions from the cache.  Writes: pods,
 * persistentvolumeclaims, controllerrevisions, statefulset status, events.
 * Upstream: pkg/controller/statefulset. Differs: a claim that goes wakes the set it belonged to.
 */
import { CONTROLLER_REVISIONS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { PERSISTENT_VOLUME_CLAIMS, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { combined } from '#machinery/meta/error-context.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, isNamespaceTerminating, requeueAfter, watching } from '#sdk'
import { claim, ORPHAN_INDEX, orphanIndexOf, orphanIndexValue } from '../manager/claim.ts'
import { Expectations } from '../manager/expectations.ts'
import { STATEFUL_SET_CONTROLLER } from '../manager/names.ts'
import { OwnerRecheck } from '../manager/owner-recheck.ts'
import { nextAvailableInMs } from '../manager/pod-availability.ts'
import { podWatch } from '../manager/pod-watch.ts'
import { revisionData } from '../manager/revision-data.ts'
import type { CurrentRevision, RevisionOwner, RevisionView } from '../manager/revision-history.ts'
import { RevisionHistory } from '../manager/revision-history.ts'
import { slowStart } from '../manager/slow-start.ts'
import { isStaleForPod, wantedOwners } from './claim-retention.ts'
import type { Plan, SetFacts } from './plan.ts'
import { planPass } from './plan.ts'
import type { PodView, SetView } from './pod-identity.ts'
import { hasIdentity, hasStorage, isMemberOf, replicasOf, revisionOf } from './pod-identity.ts'
import { PodWriter } from './pod-writer.ts'
import { setStatus } from './set-status.ts'

export interface StatefulSetOptions {
  /** Feature gate MaxUnavailableStatefulSet: rolling updates may take more than one Pod at a time. */
  readonly honoursMaxUnavailable: boolean
}

export const statefulSetController = (options: StatefulSetOptions = { honoursMaxUnavailable: false }) =>
  defineController({
    name: STATEFUL_SET_CONTROLLER,
    reconciles: STATEFUL_SETS, // Pods are watched in `create`: their changes also settle expectations.
    watches: [{ resource: CONTROLLER_REVISIONS }, watching(PERSISTENT_VOLUME_CLAIMS, setsOfClaim)],
    permissions: [
      { resource: STATEFUL_SETS, verbs: ['get', 'list', 'watch'] },
      { resource: STATEFUL_SETS, subresource: 'status', verbs: ['update'] },
      { resource: STATEFUL_SETS, subresource: 'finalizers', verbs: ['update'] },
      { resource: PODS, verbs: ['list', 'watch', 'create', 'update', 'patch', 'delete'] },
      { resource: PODS, subresource: 'finalizers', verbs: ['update'] },
      { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['get', 'list', 'watch', 'create', 'update'] },
      { resource: CONTROLLER_REVISIONS, verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] },
    ],
    concurrency: 5,
    create: (context) => new StatefulSetReconciler(context, options),
  })

/** A claim that belongs to a set, or to a Pod with the name of one, and keeps the next Pod from being made. */
function setsOfClaim({ metadata }: DeepReadonly<PersistentVolumeClaim>): readonly ObjectKey[] {
  const { namespace = '', ownerReferences = [] } = metadata
  return ownerReferences.flatMap(({ kind, name }) => {
    if (kind === STATEFUL_SETS.kind) return [{ namespace, name }]
    const end = name.lastIndexOf('-')
    return kind === PODS.kind && end > 0 ? [{ namespace, name: name.slice(0, end) }] : []
  })
}

const selectorOf = ({ spec }: SetView) => labelSelectorAsMatcher(spec.selector)

/** One pass over one set. */
interface Pass {
  readonly facts: SetFacts
  readonly key: string
  readonly revisions: readonly RevisionView[]
  readonly latest: CurrentRevision
  readonly signal: AbortSignal
}

class StatefulSetReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #options: StatefulSetOptions
  readonly #sets: Lister<StatefulSet>
  readonly #pods: Lister<Pod>
  readonly #writer: PodWriter
  readonly #history: RevisionHistory
  readonly #expectations: Expectations
  readonly #recheck: OwnerRecheck
  /** What was expected of a set does not hold for the next one of its name. */
  readonly #uids = new Map<string, string>()
  /** The version of a set our last status replaced: as long as the cache shows it, the cache is behind. */
  readonly #replaced = new Map<string, string>()

  constructor(context: ReconcilerContext, options: StatefulSetOptions) {
    const { client, clock, events, enqueue } = context
    this.#client = client
    this.#clock = clock
    this.#options = options
    this.#sets = context.lister(STATEFUL_SETS)
    const pods = context.informer(PODS)
    pods.addIndex(ORPHAN_INDEX, orphanIndexOf)
    this.#pods = pods.lister
    this.#writer = new PodWriter(client, events, context.lister(PERSISTENT_VOLUME_CLAIMS))
    this.#history = new RevisionHistory(client, context.informer(CONTROLLER_REVISIONS))
    this.#expectations = new Expectations(clock)
    this.#recheck = new OwnerRecheck(client, STATEFUL_SETS)
    const { kind } = STATEFUL_SETS
    pods.addHandler(podWatch({ kind, owners: this.#sets, expectations: this.#expectations, selectorOf, enqueue }))
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const set = this.#sets.get(key)
    const name = keyString(key)
    if (set?.metadata.uid !== this.#uids.get(name)) this.#forget(name)
    if (set === undefined) {
      this.#uids.delete(name)
      this.#recheck.forget(name)
      return DONE
    }
    this.#uids.set(name, set.metadata.uid ?? '')
    // What an earlier pass did is not in the cache yet: its arrival wakes us.
    if (this.#replaced.get(name) === set.metadata.resourceVersion) return DONE
    const waitMs = this.#expectations.waitMs(name)
    if (waitMs !== undefined) return requeueAfter(waitMs)
    const pass = await this.#look(set, name, signal)
    return this.#work(pass)
  }

  #forget(name: string): void {
    this.#expectations.forget(name)
    this.#replaced.delete(name)
  }

  async #look(set: SetView, key: string, signal: AbortSignal): Promise<Pass> {
    const whose = revisionOwner(set)
    const claimed = await this.#history.claim(whose, signal)
    const pods = await this.#claimPods(set, signal)
    const latest = await this.#history.current(whose, claimed, set.status?.collisionCount ?? 0, signal)
    const update = latest.revision
    const current = claimed.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update
    const revisions = claimed.map((found) => (found.metadata.uid === update.metadata.uid ? update : found))
    return { facts: this.#factsOf(set, pods, current, update), key, revisions, latest, signal }
  }

  #claimPods(set: SetView, signal: AbortSignal): Promise<readonly PodView[]> {
    const { name = '', namespace, uid = '' } = set.metadata
    const candidates = [
      ...this.#pods.byIndex('controller-uid', uid),
      ...this.#pods.byIndex(ORPHAN_INDEX, orphanIndexValue(namespace)),
    ]
    const accepts = ({ metadata }: DeepReadonly<Pod>): boolean => isMemberOf(name, metadata.name ?? '')
    const how = { owner: set, resource: STATEFUL_SETS, children: PODS, selector: selectorOf(set), accepts }
    return claim<Pod>(how, candidates, this.#client, signal)
  }

  #factsOf(set: SetView, pods: readonly PodView[], current: RevisionView, update: RevisionView): SetFacts {
    const claimsOf = (pod: PodView) => this.#writer.existingClaims(set, pod)
    const needsClaimRepair = (pod: PodView): boolean =>
      claimsOf(pod).some((found) => wantedOwners(set, found, pod) !== undefined)
    return {
      set,
      pods,
      current,
      update,
      maxUnavailable: this.#options.honoursMaxUnavailable ? maxUnavailableOf(set) : undefined,
      nowMs: this.#clock.nowMs(),
      hasStaleClaim: (pod) => claimsOf(pod).some((found) => isStaleForPod(set, found, pod)),
      needsClaimRepair,
      needsRepair: (pod) => !hasIdentity(set, pod) || !hasStorage(set, pod) || needsClaimRepair(pod),
    }
  }

  async #work(pass: Pass): Promise<Result> {
    const { facts, latest } = pass
    const plan = planPass(facts)
    if (plan.create.length > 0) await this.#recheck.beforeCreating(facts.set, pass.signal)
    let error: unknown
    try {
      await this.#carryOut(pass, plan)
    } catch (err: unknown) {
      error = err
    }
    // What was planned but failed has changed nothing: the next pass counts again.
    const done = error === undefined ? plan : { ...plan, removeOutdated: [] }
    await this.#writeStatus(pass, setStatus(facts, done, latest.collisions))
    await this.#truncateHistory(pass)
    if (error !== undefined && !isNamespaceTerminating(error)) throw error
    const { set, pods, nowMs } = facts
    const nextMs = nextAvailableInMs(pods, set.spec.minReadySeconds, nowMs)
    return nextMs === undefined ? DONE : requeueAfter(nextMs)
  }

  async #carryOut(pass: Pass, plan: Plan): Promise<void> {
    const { facts, signal } = pass
    const { set } = facts
    // A claim that cannot be had keeps its own Pod waiting, not those beside it.
    const claimError = await this.#completeClaims(pass, plan.completeClaims)
    await this.#deleteAll(pass, plan.removeFinished)
    await this.#createAll(pass, plan.create)
    if (claimError !== undefined) throw claimError
    for (const pod of plan.repair) await this.#writer.repair(set, pod, signal)
    for (const pod of plan.repairClaims) await this.#writer.updateClaimOwners(set, pod, signal)
    await this.#deleteAll(pass, plan.removeSurplus)
    await this.#deleteAll(pass, plan.removeOutdated)
  }

  async #completeClaims({ facts: { set }, signal }: Pass, pods: readonly PodView[]): Promise<Error | undefined> {
    const errors: unknown[] = []
    for (const pod of pods) {
      try {
        await this.#writer.createClaims(set, pod, signal)
        await this.#writer.updateClaimOwners(set, pod, signal)
      } catch (err: unknown) {
        signal.throwIfAborted()
        errors.push(err)
      }
    }
    return combined(errors)
  }

  async #createAll({ facts, key, signal }: Pass, drafts: readonly Pod[]): Promise<void> {
    const { error } = await slowStart(drafts.length, async (i) => {
      const draft = drafts[i]
      // The claim's own end, which the cache has still to see, wakes us again.
      if (draft === undefined || (await this.#writer.hasDoomedClaim(facts.set, draft as PodView, signal))) return
      this.#expectations.expectMore(key, 1, [])
      try {
        await this.#writer.create(facts.set, draft, signal)
      } catch (err: unknown) {
        this.#expectations.creationObserved(key)
        throw err
      }
    })
    if (error !== undefined) throw error
  }

  async #deleteAll({ facts, key, signal }: Pass, pods: readonly PodView[]): Promise<void> {
    const { error } = await slowStart(pods.length, async (i) => {
      const pod = pods[i]
      if (pod === undefined) return
      const { uid = '' } = pod.metadata
      this.#expectations.expectMore(key, 0, [uid])
      try {
        await this.#writer.delete(facts.set, pod, signal)
      } catch (err: unknown) {
        this.#expectations.deletionObserved(key, uid)
        if (!isNotFound(err)) throw err
      }
    })
    if (error !== undefined) throw error
  }

  async #writeStatus({ facts: { set }, key, signal }: Pass, status: NonNullable<StatefulSet['status']>): Promise<void> {
    if (deepEqual(set.status, status)) return
    const draft: StatefulSet = { ...deepCopy<StatefulSet>(set), status }
    const updated = await this.#client.update(STATEFUL_SETS, draft, { subresource: 'status', signal })
    const { resourceVersion = '' } = set.metadata
    if (updated.metadata.resourceVersion !== resourceVersion) this.#replaced.set(key, resourceVersion)
  }

  /** Templates that neither a Pod nor the status speaks of, beyond the limit. */
  async #truncateHistory({ facts, revisions, signal }: Pass): Promise<void> {
    const { set, pods, current, update } = facts
    const { revisionHistoryLimit: limit } = set.spec
    if (limit === undefined || limit < 0) return
    const live = new Set([...pods.map(revisionOf), current.metadata.name, update.metadata.name])
    const historic = revisions.filter(({ metadata }) => !live.has(metadata.name))
    await this.#history.truncate(historic, historic.length - limit, signal)
  }
}

function revisionOwner(set: SetView): RevisionOwner {
  const hashLabel = 'controller.kubernetes.io/hash'
  const data = revisionData(set.spec.template)
  return { owner: set, resource: STATEFUL_SETS, data, selector: selectorOf(set), hashLabel }
}

/** A percentage is rounded down, but one Pod at least may be missing. */
function maxUnavailableOf(set: SetView): number {
  const value = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1
  const count =
    typeof value === 'number' ? value : Math.floor((Number(value.replace(/%$/, '')) * replicasOf(set)) / 100)
  return Number.isFinite(count) ? Math.max(1, count) : 1
}
