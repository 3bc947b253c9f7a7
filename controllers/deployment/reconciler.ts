/**
 * Rolls Deployments out: a ReplicaSet per template, sized step by step, old ones kept for going back.
 *
 * Reads: deployments, replicasets and pods from the cache.  Writes: replicasets, deployments (rollback) and their status, events.
 * Upstream: pkg/controller/deployment. Differs: one status update per pass; names of ReplicaSets use another hash.
 */
import { DEPLOYMENTS, REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { controllerOf, DONE, defineController, requeueAfter } from '#sdk'
import { claim, ORPHAN_INDEX, orphanIndexOf, orphanIndexValue } from '../manager/claim.ts'
import { DEPLOYMENT_CONTROLLER } from '../manager/names.ts'
import { OwnWrites } from '../manager/own-writes.ts'
import { OwnerRecheck } from '../manager/owner-recheck.ts'
import type { NewCondition } from './deployment-status.ts'
import {
  conditionOf,
  countedStatus,
  isComplete,
  progressCheckInMs,
  rolloutStatus,
  withCondition,
} from './deployment-status.ts'
import type { DeploymentView, Rollout, SetView } from './rollout.ts'
import {
  hasDeadline,
  hasHistoryLimit,
  isActive,
  isRollingUpdate,
  isSameTemplate,
  isScalingEvent,
  maxRevision,
  REVISION,
  ROLLBACK_TO,
  replicasOf,
  revisionOf,
  revisionsOf,
  rolloutOf,
  wantedReplicas,
  withoutHash,
} from './rollout.ts'
import type { Resize } from './scaling.ts'
import { planRollingStep, planScaling } from './scaling.ts'
import { rolledBackAnnotations } from './set-annotations.ts'
import { ReplicaSetControl } from './set-control.ts'

export const deploymentController = defineController({
  name: DEPLOYMENT_CONTROLLER,
  reconciles: DEPLOYMENTS,
  watches: [{ resource: REPLICA_SETS }],
  permissions: [
    { resource: DEPLOYMENTS, verbs: ['get', 'list', 'watch', 'update'] },
    { resource: DEPLOYMENTS, subresource: 'status', verbs: ['update'] },
    { resource: DEPLOYMENTS, subresource: 'finalizers', verbs: ['update'] },
    { resource: REPLICA_SETS, verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'] },
    { resource: PODS, verbs: ['get', 'list', 'watch'] },
  ],
  concurrency: 5,
  create: (context) => new DeploymentReconciler(context),
})

/** One pass over one Deployment: what it found, what its status will say. */
interface Pass {
  readonly rollout: Rollout
  conditions: DeploymentCondition[]
  collisions: number
  revision: string | undefined
  readonly signal: AbortSignal
}

class DeploymentReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #deployments: Lister<Deployment>
  readonly #sets: Lister<ReplicaSet>
  readonly #pods: Lister<Pod>
  readonly #control: ReplicaSetControl
  readonly #writes: OwnWrites<ReplicaSet>
  readonly #recheck: OwnerRecheck

  constructor(context: ReconcilerContext) {
    const { client, clock, events } = context
    this.#client = client
    this.#clock = clock
    this.#events = events
    this.#deployments = context.lister(DEPLOYMENTS)
    const sets = context.informer(REPLICA_SETS)
    sets.addIndex(ORPHAN_INDEX, orphanIndexOf)
    this.#sets = sets.lister
    const pods = context.informer(PODS)
    this.#pods = pods.lister
    this.#writes = new OwnWrites(sets.lister, clock)
    this.#recheck = new OwnerRecheck(client, DEPLOYMENTS)
    this.#control = new ReplicaSetControl(client, events, this.#writes)
    const { enqueue } = context
    pods.addHandler({ onDelete: (pod) => this.#podGone(pod, enqueue) })
    sets.addHandler({
      onAdd: (set) => this.#wakeAdopters(set, enqueue),
      onUpdate: (_old, set) => this.#wakeAdopters(set, enqueue),
      onDelete: (set) => this.#writes.childGone(controllerOf(set)?.uid, set),
    })
  }

  /** Recreate waits for the last old Pod; nothing else changes when it goes. */
  #podGone(pod: DeepReadonly<Pod>, enqueue: (key: ObjectKey) => void): void {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'ReplicaSet') return
    const { namespace = '' } = pod.metadata
    const set = this.#sets.get({ namespace, name: owner.name })
    const name = set === undefined ? undefined : controllerOf(set)?.name
    const deployment = name === undefined ? undefined : this.#deployments.get({ namespace, name })
    if (deployment?.spec.strategy?.type === 'Recreate') enqueue(objectKeyOf(deployment))
  }

  #wakeAdopters(set: SetView, enqueue: (key: ObjectKey) => void): void {
    if (controllerOf(set) !== undefined) return
    for (const deployment of this.#deployments.list(set.metadata.namespace)) {
      if (!selectsAll(deployment) && labelSelectorAsMatcher(deployment.spec.selector).matches(set.metadata.labels))
        enqueue(objectKeyOf(deployment))
    }
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const deployment = this.#deployments.get(key)
    if (deployment === undefined) {
      this.#recheck.forget(keyString(key))
      return DONE
    }
    if (selectsAll(deployment)) return this.#refuse(deployment, signal)
    const { namespace, uid = '' } = deployment.metadata
    const waitMs = this.#writes.waitMs(uid)
    if (waitMs !== undefined) return requeueAfter(waitMs)
    const candidates = [
      ...this.#sets.byIndex('controller-uid', uid),
      ...this.#sets.byIndex(ORPHAN_INDEX, orphanIndexValue(namespace)),
    ]
    const selector = labelSelectorAsMatcher(deployment.spec.selector)
    const how = { owner: deployment, resource: DEPLOYMENTS, children: REPLICA_SETS, selector }
    const sets = await claim<ReplicaSet>(how, candidates, this.#client, signal)
    const { conditions = [], collisionCount = 0 } = deployment.status ?? {}
    const pass: Pass = {
      rollout: rolloutOf(deployment, sets),
      conditions: deepCopy<DeploymentCondition[]>(conditions),
      collisions: collisionCount,
      revision: undefined,
      signal,
    }
    return this.#step(pass)
  }

  async #step(pass: Pass): Promise<Result> {
    const { deployment } = pass.rollout
    if (deployment.metadata.deletionTimestamp !== undefined) return this.#finish(pass, false)
    this.#notePause(pass)
    const rollbackTo = deployment.metadata.annotations?.[ROLLBACK_TO]
    const isRollback = rollbackTo !== undefined && /^[+-]?\d+$/.test(rollbackTo)
    await this.#followNewSet(pass)
    if (isRollback && deployment.spec.paused !== true) {
      // The template of now gets its revision first: 0 stands for the one before it.
      if (!(await this.#ensureNewSet(pass))) return this.#finish(pass, false)
      return this.#rollBack(pass, BigInt(rollbackTo.replace('+', '')))
    }
    if (deployment.spec.paused === true || isScalingEvent(pass.rollout)) {
      await this.#resize(pass, planScaling(pass.rollout))
      if (deployment.spec.paused === true && !isRollback) await this.#cleanUp(pass)
      return this.#finish(pass, false)
    }
    return isRollingUpdate(deployment) ? this.#roll(pass) : this.#recreate(pass)
  }

  async #roll(pass: Pass): Promise<Result> {
    if (!(await this.#ensureNewSet(pass))) return this.#finish(pass, false)
    const resized = await this.#resize(pass, planRollingStep(pass.rollout))
    if (!resized) await this.#cleanUpWhenComplete(pass)
    return this.#finish(pass, true)
  }

  async #recreate(pass: Pass): Promise<Result> {
    const { deployment, oldSets } = pass.rollout
    const shrink = oldSets.filter(isActive).map((set) => ({ set, replicas: 0 }))
    if (await this.#resize(pass, shrink)) return this.#finish(pass, true)
    if (this.#hasOldPods(pass.rollout)) return this.#finish(pass, true)
    if (!(await this.#ensureNewSet(pass))) return this.#finish(pass, false)
    const { newSet } = pass.rollout
    if (newSet !== undefined) await this.#resize(pass, [{ set: newSet, replicas: wantedReplicas(deployment) }])
    await this.#cleanUpWhenComplete(pass)
    return this.#finish(pass, true)
  }

  /** Terminating ones count: the point of Recreate is that old and new never run at once. */
  #hasOldPods({ oldSets }: Rollout): boolean {
    return oldSets.some(
      ({ metadata, status }) =>
        (status?.replicas ?? 0) > 0 ||
        this.#pods
          .byIndex('controller-uid', metadata.uid ?? '')
          .some((pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed'),
    )
  }

  /** An existing new set gets the Deployment's annotations, and the Deployment its revision. */
  async #followNewSet(pass: Pass): Promise<void> {
    const { rollout } = pass
    if (rollout.newSet === undefined) return
    rollout.newSet = await this.#control.annotate(rollout, rollout.newSet, pass.signal)
    pass.revision = rollout.newSet.metadata.annotations?.[REVISION]
    if (hasDeadline(rollout.deployment) && !pass.conditions.some(({ type }) => type === 'Progressing')) {
      const message = `Found new replica set "${rollout.newSet.metadata.name}"`
      this.#note(pass, { type: 'Progressing', status: 'True', reason: 'FoundNewReplicaSet', message })
    }
  }

  /** False: it could not be made; the pass has noted why. */
  async #ensureNewSet(pass: Pass): Promise<boolean> {
    const { rollout } = pass
    if (rollout.newSet !== undefined) return true
    await this.#recheck.beforeCreating(rollout.deployment, pass.signal)
    const outcome = await this.#control.create(rollout, pass.signal)
    if (outcome.type === 'collision') {
      pass.collisions++
      return false
    }
    if (outcome.type === 'failed') {
      if (hasDeadline(rollout.deployment)) {
        const { message } = outcome
        this.#note(pass, { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message })
        await this.#writeStatus(pass, false)
      }
      throw outcome.error
    }
    rollout.newSet = outcome.set
    pass.revision = String(maxRevision(rollout.oldSets) + 1n)
    if (outcome.type === 'created' && hasDeadline(rollout.deployment)) {
      const message = `Created new replica set "${outcome.set.metadata.name}"`
      this.#note(pass, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', message })
    }
    return true
  }

  /** True when a set has another size now. */
  async #resize(pass: Pass, plan: readonly Resize[]): Promise<boolean> {
    const { rollout } = pass
    let hasResized = false
    for (const resize of plan) {
      const updated = await this.#control.resize(rollout.deployment, resize, pass.signal)
      hasResized ||= replicasOf(updated) !== replicasOf(resize.set)
      if (resize.set === rollout.newSet) rollout.newSet = updated
      else rollout.oldSets = rollout.oldSets.map((set) => (set === resize.set ? updated : set))
    }
    return hasResized
  }

  /** A Deployment that was paused must not be found late the moment it goes on. */
  #notePause(pass: Pass): void {
    const { deployment } = pass.rollout
    const progressing = conditionOf({ conditions: pass.conditions }, 'Progressing')
    if (!hasDeadline(deployment) || progressing?.reason === 'ProgressDeadlineExceeded') return
    const wasPaused = progressing?.reason === 'DeploymentPaused'
    const isPaused = deployment.spec.paused === true
    if (isPaused === wasPaused) return
    const reason = isPaused ? 'DeploymentPaused' : 'DeploymentResumed'
    const message = isPaused ? 'Deployment is paused' : 'Deployment is resumed'
    this.#note(pass, { type: 'Progressing', status: 'Unknown', reason, message })
  }

  async #cleanUpWhenComplete(pass: Pass): Promise<void> {
    const { deployment } = pass.rollout
    if (isComplete(deployment, deployment.status ?? {})) await this.#cleanUp(pass)
  }

  /** Forgets the oldest templates beyond revisionHistoryLimit, never one that still has Pods. */
  async #cleanUp({ rollout, signal }: Pass): Promise<void> {
    const { deployment, oldSets } = rollout
    if (!hasHistoryLimit(deployment)) return
    const alive = oldSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    const surplus = alive.length - (deployment.spec.revisionHistoryLimit ?? 0)
    if (surplus <= 0) return
    const oldestFirst = [...alive].sort((a, b) => Number((revisionOf(a) ?? 0n) - (revisionOf(b) ?? 0n)))
    for (const set of oldestFirst.slice(0, surplus)) {
      const isObserved = (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0)
      if (replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && isObserved) {
        await this.#control.delete(set, signal)
      }
    }
  }

  /** The old way of `kubectl rollout undo`: an annotation names the revision, 0 the one before the last. */
  async #rollBack({ rollout, signal }: Pass, wanted: bigint): Promise<Result> {
    const { deployment, newSet, oldSets } = rollout
    const sets = newSet === undefined ? oldSets : [...oldSets, newSet]
    const revision = wanted === 0n ? (revisionsOf(sets)[1] ?? 0n) : wanted
    const target = revision === 0n ? undefined : sets.find((set) => revisionOf(set) === revision)
    const draft = deepCopy<Deployment>(deployment)
    delete draft.metadata.annotations?.[ROLLBACK_TO]
    let done: string | undefined
    if (target?.spec?.template === undefined) {
      const message = revision === 0n ? 'Unable to find last revision.' : 'Unable to find the revision to rollback to.'
      this.#events.record(deployment, 'Warning', 'DeploymentRollbackRevisionNotFound', message)
    } else if (isSameTemplate(target.spec.template, deployment.spec.template)) {
      const message = `The rollback revision contains the same template as current deployment "${draft.metadata.name}"`
      this.#events.record(deployment, 'Warning', 'DeploymentRollbackTemplateUnchanged', message)
    } else {
      draft.spec.template = deepCopy<PodTemplateSpec>(withoutHash(target.spec.template))
      draft.metadata.annotations = rolledBackAnnotations(deployment.metadata.annotations, target.metadata.annotations)
      done = `Rolled back deployment "${draft.metadata.name}" to revision ${revision}`
    }
    await this.#client.update(DEPLOYMENTS, draft, { signal })
    if (done !== undefined) this.#events.record(deployment, 'Normal', 'DeploymentRollback', done)
    return DONE
  }

  async #refuse(deployment: DeploymentView, signal: AbortSignal): Promise<Result> {
    const message = 'This deployment is selecting all pods. A non-empty selector is required.'
    this.#events.record(deployment, 'Warning', 'SelectingAll', message)
    const { generation = 0 } = deployment.metadata
    if ((deployment.status?.observedGeneration ?? 0) >= generation) return DONE
    const draft = deepCopy<Deployment>(deployment)
    draft.status = { ...draft.status, observedGeneration: generation }
    await this.#client.update(DEPLOYMENTS, draft, { subresource: 'status', signal })
    return DONE
  }

  #note(pass: Pass, condition: NewCondition): void {
    pass.conditions = withCondition(pass.conditions, condition, this.#clock.now())
  }

  async #finish(pass: Pass, isRollout: boolean): Promise<Result> {
    const status = await this.#writeStatus(pass, isRollout)
    if (!isRollout || status === undefined) return DONE
    const checkMs = progressCheckInMs(pass.rollout.deployment, status, this.#clock.now())
    return checkMs === undefined ? DONE : requeueAfter(checkMs)
  }

  /** Status and revision in one write; the status as it is now. */
  async #writeStatus(pass: Pass, isRollout: boolean): Promise<DeploymentStatus | undefined> {
    const { deployment } = pass.rollout
    const compute = isRollout ? rolloutStatus : countedStatus
    const status = compute(pass.rollout, pass.conditions, pass.collisions, this.#clock.now())
    const revision = pass.revision ?? deployment.metadata.annotations?.[REVISION]
    const isRevisionKnown = revision === deployment.metadata.annotations?.[REVISION]
    if (deepEqual(deployment.status ?? {}, status) && isRevisionKnown) return status
    const draft: Deployment = { ...deepCopy<Deployment>(deployment), status }
    if (revision !== undefined) draft.metadata.annotations = { ...draft.metadata.annotations, [REVISION]: revision }
    await this.#client.update(DEPLOYMENTS, draft, { subresource: 'status', signal: pass.signal })
    return status
  }
}

function selectsAll({ spec }: DeploymentView): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {}
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}
