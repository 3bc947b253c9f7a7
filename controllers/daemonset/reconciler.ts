/**
 * Keeps one Pod of a DaemonSet on every node it belongs on, and rolls its template out node by node.
 *
 * Reads: daemonsets, nodes, pods and controllerrevisions from the cache.  Writes: pods, controllerrevisions, daemonset status,
 * events. Upstream: pkg/controller/daemon. Differs: status is counted from what one pass saw; hashes are of the revision.
 */
import { CONTROLLER_REVISIONS, DAEMON_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet } from '#machinery/api/apps/v1/types.gen.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { COMPARISON_GATE } from '#machinery/scheduling/tolerations.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, requeueSoonest } from '#sdk'
import { claim, ORPHAN_INDEX, orphanIndexOf, orphanIndexValue } from '../manager/claim.ts'
import { Expectations } from '../manager/expectations.ts'
import { DAEMON_SET_CONTROLLER } from '../manager/names.ts'
import { OwnerRecheck } from '../manager/owner-recheck.ts'
import { nextAvailableInMs } from '../manager/pod-availability.ts'
import { PodControl } from '../manager/pod-control.ts'
import { podWatch } from '../manager/pod-watch.ts'
import { revisionDataWithTimestamp } from '../manager/revision-data.ts'
import type { CurrentRevision, RevisionOwner, RevisionView } from '../manager/revision-history.ts'
import { RevisionHistory } from '../manager/revision-history.ts'
import type { PodView } from './daemon-pod.ts'
import { HASH_LABEL, targetNodeOf } from './daemon-pod.ts'
import { DaemonPods } from './daemon-pods.ts'
import { daemonStatus } from './daemon-status.ts'
import { FailedPodBackoff } from './failed-pod-backoff.ts'
import type { DaemonSetView } from './node-rules.ts'
import { nodeRulesOf } from './node-rules.ts'
import { nodeWatch } from './node-watch.ts'
import type { Daemons } from './placement.ts'
import { planPlacement, podsByNodeOf } from './placement.ts'
import { revisionWatch } from './revision-watch.ts'
import { planRollingStep } from './rolling-update.ts'

export const daemonSetController = defineController({
  name: DAEMON_SET_CONTROLLER,
  reconciles: DAEMON_SETS, // What else is watched is so in `create`: it settles expectations, and wakes few.
  permissions: [
    { resource: DAEMON_SETS, verbs: ['get', 'list', 'watch'] },
    { resource: DAEMON_SETS, subresource: 'status', verbs: ['update'] },
    { resource: DAEMON_SETS, subresource: 'finalizers', verbs: ['update'] },
    { resource: NODES, verbs: ['list', 'watch'] },
    { resource: PODS, verbs: ['create', 'delete', 'list', 'watch', 'patch'] },
    { resource: CONTROLLER_REVISIONS, verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] },
  ],
  concurrency: 2,
  create: (context) => new DaemonSetReconciler(context),
})

const selectorOf = ({ spec }: DaemonSetView) => labelSelectorAsMatcher(spec.selector)

/** One pass over one DaemonSet. */
interface Pass {
  readonly daemons: Daemons
  readonly key: string
  /** The template's and the others', oldest first. */
  readonly latest: CurrentRevision
  readonly old: readonly RevisionView[]
  /** Of all its Pods, gone ones too. */
  readonly pods: readonly PodView[]
  readonly signal: AbortSignal
}

class DaemonSetReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #daemonSets: Lister<DaemonSet>
  readonly #nodes: Lister<Node>
  readonly #pods: Lister<Pod>
  readonly #history: RevisionHistory
  readonly #expectations: Expectations
  readonly #recheck: OwnerRecheck
  readonly #backoff: FailedPodBackoff
  readonly #daemonPods: DaemonPods
  readonly #comparesNumbers: boolean
  /** What was expected of a DaemonSet does not hold for the next one of its name. */
  readonly #uids = new Map<string, string>()

  constructor(context: ReconcilerContext) {
    const { client, clock, events, enqueue } = context
    this.#client = client
    this.#clock = clock
    this.#events = events
    this.#daemonSets = context.lister(DAEMON_SETS)
    this.#comparesNumbers = context.isGateEnabled(COMPARISON_GATE)
    const revisions = context.informer(CONTROLLER_REVISIONS)
    this.#history = new RevisionHistory(client, revisions)
    revisions.addHandler(revisionWatch(this.#daemonSets, enqueue))
    this.#expectations = new Expectations(clock)
    this.#recheck = new OwnerRecheck(client, DAEMON_SETS)
    this.#backoff = new FailedPodBackoff(clock)
    this.#daemonPods = new DaemonPods(new PodControl(client, events), this.#expectations)
    const pods = context.informer(PODS)
    pods.addIndex(ORPHAN_INDEX, orphanIndexOf)
    this.#pods = pods.lister
    const [owners, expectations] = [this.#daemonSets, this.#expectations]
    pods.addHandler(podWatch({ kind: DAEMON_SETS.kind, owners, expectations, selectorOf, enqueue }))
    const nodes = context.informer(NODES)
    this.#nodes = nodes.lister
    nodes.addHandler(nodeWatch(this.#daemonSets, enqueue, this.#comparesNumbers))
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const daemonSet = this.#daemonSets.get(key)
    const name = keyString(key)
    if (daemonSet?.metadata.uid !== this.#uids.get(name)) this.#forget(name)
    if (daemonSet === undefined) {
      this.#uids.delete(name)
      this.#recheck.forget(name)
      return DONE
    }
    this.#uids.set(name, daemonSet.metadata.uid ?? '')
    if (selectsAll(daemonSet)) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
      this.#events.record(daemonSet, 'Warning', 'SelectingAll', message)
      return DONE
    }
    // Its history may be gone before its Pods are: nothing can be said of it any more.
    if (daemonSet.metadata.deletionTimestamp !== undefined) return DONE
    // Asked before the Pods are read: a Pod that appears in between must not make a stale view look current.
    const waitMs = this.#expectations.waitMs(name)
    const pass = await this.#look(daemonSet, name, signal)
    return waitMs === undefined ? this.#work(pass) : this.#finish(pass, undefined, waitMs)
  }

  #forget(name: string): void {
    this.#expectations.forget(name)
    this.#backoff.forget(name)
  }

  async #look(daemonSet: DaemonSetView, key: string, signal: AbortSignal): Promise<Pass> {
    const whose = revisionOwner(daemonSet)
    const claimed = await this.#history.labelled(whose, await this.#history.claim(whose, signal), signal)
    const latest = await this.#history.current(whose, claimed, daemonSet.status?.collisionCount ?? 0, signal)
    const pods = await this.#claimPods(daemonSet, signal)
    const hash = latest.revision.metadata.labels?.[HASH_LABEL] ?? ''
    await this.#dropDuplicates(latest, pods, hash, signal)
    const same = new Set([latest.revision, ...latest.duplicates].map(({ metadata }) => metadata.uid))
    const daemons: Daemons = {
      daemonSet,
      rules: nodeRulesOf(daemonSet, this.#comparesNumbers),
      nodes: this.#nodes.list(),
      podsByNode: podsByNodeOf(pods),
      hash,
      nowMs: this.#clock.nowMs(),
    }
    return { daemons, key, latest, old: claimed.filter(({ metadata }) => !same.has(metadata.uid)), pods, signal }
  }

  #claimPods(daemonSet: DaemonSetView, signal: AbortSignal): Promise<readonly PodView[]> {
    const { namespace, uid = '' } = daemonSet.metadata
    const candidates = [
      ...this.#pods.byIndex('controller-uid', uid),
      ...this.#pods.byIndex(ORPHAN_INDEX, orphanIndexValue(namespace)),
    ]
    const how = { owner: daemonSet, resource: DAEMON_SETS, children: PODS, selector: selectorOf(daemonSet) }
    return claim<Pod>(how, candidates, this.#client, signal)
  }

  /** After an adoption several revisions may hold one template: their Pods are of the newest from now on. */
  async #dropDuplicates(
    { duplicates }: CurrentRevision,
    pods: readonly PodView[],
    hash: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (duplicates.length === 0) return
    const hashes = new Set(duplicates.map(({ metadata }) => metadata.labels?.[HASH_LABEL]))
    for (const pod of pods.filter(({ metadata }) => hashes.has(metadata.labels?.[HASH_LABEL]))) {
      await this.#daemonPods.relabel(pod, { [HASH_LABEL]: hash }, signal)
    }
    for (const revision of duplicates) await this.#history.delete(revision, signal)
  }

  async #work(pass: Pass): Promise<Result> {
    const { daemons, key, signal } = pass
    const { daemonSet } = daemons
    const placement = planPlacement(daemons)
    const { retryMs, pods: failed } = this.#dueFailures(pass, placement.failed)
    this.#reportEnded(daemonSet, failed, placement.succeeded)
    const { create } = placement
    const remove = [...failed, ...placement.succeeded, ...placement.remove]
    // What the placement changes an update must not be planned over: the next pass sees it done.
    const isPlaced = create.length === 0 && remove.length === 0
    const isRolling = isPlaced && daemonSet.spec.updateStrategy?.type !== 'OnDelete'
    const step = isRolling ? planRollingStep(daemons) : { create, remove }
    if (step.create.length > 0) await this.#recheck.beforeCreating(daemonSet, signal)
    let error: unknown
    try {
      await this.#daemonPods.sync(daemons, key, step, signal)
      await this.#truncateHistory(pass)
    } catch (err: unknown) {
      error = err
    }
    const result = await this.#finish(pass, daemonSet.metadata.generation ?? 0, retryMs)
    if (error !== undefined) throw error
    return result
  }

  /** Failed Pods that may be deleted now, and when the next may be. */
  #dueFailures(pass: Pass, failed: readonly PodView[]): { pods: readonly PodView[]; retryMs: number | undefined } {
    const { daemons, key } = pass
    if (failed.length === 0) return { pods: [], retryMs: undefined }
    this.#backoff.keepOnly(key, new Set(daemons.podsByNode.keys()))
    const { observedGeneration = 0 } = daemons.daemonSet.status ?? {}
    const waits = failed.map((pod) => this.#backoff.attempt(key, observedGeneration, targetNodeOf(pod) ?? ''))
    const pending = waits.filter((ms) => ms > 0)
    const retryMs = pending.length === 0 ? undefined : Math.min(...pending)
    return { pods: failed.filter((_pod, i) => waits[i] === 0), retryMs }
  }

  #reportEnded(daemonSet: DaemonSetView, failed: readonly PodView[], succeeded: readonly PodView[]): void {
    const where = ({ metadata, spec }: PodView): string =>
      `daemon pod ${metadata.namespace}/${metadata.name} on node ${spec.nodeName ?? ''}`
    for (const pod of failed) {
      this.#events.record(daemonSet, 'Warning', 'FailedDaemonPod', `Found failed ${where(pod)}, will try to kill it`)
    }
    for (const pod of succeeded) {
      const message = `Found succeeded ${where(pod)}, will try to delete it`
      this.#events.record(daemonSet, 'Normal', 'SucceededDaemonPod', message)
    }
  }

  /** Templates no Pod is of, beyond the limit. */
  async #truncateHistory({ daemons, old, pods, signal }: Pass): Promise<void> {
    const surplus = old.length - (daemons.daemonSet.spec.revisionHistoryLimit ?? old.length)
    const live = new Set(pods.map(({ metadata }) => metadata.labels?.[HASH_LABEL]))
    const unused = old.filter(({ metadata }) => !live.has(metadata.labels?.[HASH_LABEL]))
    await this.#history.truncate(unused, surplus, signal)
  }

  /** `observedGeneration`: undefined when the cache was known to be behind and nothing was done. */
  async #finish(pass: Pass, observedGeneration: number | undefined, retryMs: number | undefined): Promise<Result> {
    const { daemons, latest, pods, signal } = pass
    const { daemonSet, nowMs } = daemons
    const status = daemonStatus(daemons, { collisions: latest.collisions, observedGeneration })
    if (!deepEqual(daemonSet.status, status)) {
      const draft: DaemonSet = { ...deepCopy<DaemonSet>(daemonSet), status }
      await this.#client.update(DAEMON_SETS, draft, { subresource: 'status', signal })
    }
    const availableMs = nextAvailableInMs(pods, daemonSet.spec.minReadySeconds, nowMs)
    return requeueSoonest(retryMs, availableMs)
  }
}

function selectsAll({ spec }: DaemonSetView): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {}
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}

function revisionOwner(daemonSet: DaemonSetView): RevisionOwner {
  const data = revisionDataWithTimestamp(daemonSet.spec.template)
  return { owner: daemonSet, resource: DAEMON_SETS, data, selector: selectorOf(daemonSet), hashLabel: HASH_LABEL }
}
