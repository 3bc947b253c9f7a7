/**
 * ResourceClaims of Pods: made from templates, reserved for Pods that run, taken back from Pods that are done.
 *
 * Reads: pods, claims, templates from the cache; pods live before a reservation of an unknown one is removed.
 * Writes: claims (create, status, finalizer, delete), `status.resourceClaimStatuses` of Pods, events.
 * Upstream: pkg/controller/resourceclaim. Differs: no memory of deleted Pods spares a request, it never leaves the process;
 * reservations for pod groups and other consumers than Pods are left as they are.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS } from '#machinery/api/resource/v1/resources.gen.ts'
import type { ResourceClaim, ResourceClaimTemplate } from '#machinery/api/resource/v1/types.gen.ts'
import type { FrozenResourceClaim } from '#machinery/devices/pod-claims.ts'
import {
  claimOwnershipProblem,
  isReservedFor,
  resourceClaimNameOf,
  resourceClaimNamesOf,
} from '#machinery/devices/pod-claims.ts'
import { keyStringOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { RESOURCE_CLAIM_CONTROLLER } from '../manager/names.ts'
import { GeneratedClaims } from './generated-claims.ts'
import {
  isPodDone,
  PODS_BY_CLAIM,
  PODS_BY_TEMPLATE,
  podsByClaimIndexOf,
  podsByTemplateIndexOf,
  usesClaims,
} from './pod-state.ts'
import { Reservations } from './reservations.ts'

/** Keys of Pods in the queue of claims; no claim's name has a colon. */
const POD_PREFIX = 'pod:'

export const resourceClaimController = defineController({
  name: RESOURCE_CLAIM_CONTROLLER,
  reconciles: RESOURCE_CLAIMS, // Pods are watched in `create`: most of them have no claims.
  permissions: [
    { resource: PODS, verbs: ['get', 'list', 'watch'] },
    { resource: PODS, subresource: 'finalizers', verbs: ['update'] },
    { resource: PODS, subresource: 'status', verbs: ['update', 'patch'] },
    { resource: RESOURCE_CLAIMS, verbs: ['get', 'list', 'watch', 'create', 'delete', 'update', 'patch'] },
    { resource: RESOURCE_CLAIMS, subresource: 'status', verbs: ['update', 'patch'] },
    { resource: RESOURCE_CLAIMS, subresource: 'binding', verbs: ['update', 'patch'] },
    { resource: RESOURCE_CLAIM_TEMPLATES, verbs: ['get', 'list', 'watch'] },
  ],
  concurrency: 10,
  create: (context) => new ResourceClaimReconciler(context),
})

class ResourceClaimReconciler implements Reconciler {
  readonly #enqueue: ReconcilerContext['enqueue']
  readonly #pods: Lister<Pod>
  readonly #claims: Lister<ResourceClaim>
  readonly #generated: GeneratedClaims
  readonly #reservations: Reservations

  constructor(context: ReconcilerContext) {
    const { client, informer } = context
    const pods = informer(PODS)
    const claims = informer(RESOURCE_CLAIMS)
    this.#enqueue = context.enqueue
    this.#pods = pods.lister
    this.#claims = claims.lister
    this.#generated = new GeneratedClaims(context)
    this.#reservations = new Reservations(client, pods.lister)
    pods.addIndex(PODS_BY_CLAIM, podsByClaimIndexOf)
    pods.addHandler({
      onAdd: (pod) => this.#podChanged(pod, false),
      onUpdate: (old, pod) => {
        if (old.metadata.uid !== pod.metadata.uid) this.#podChanged(old, true)
        this.#podChanged(pod, false)
      },
      onDelete: (pod) => this.#podChanged(pod, true),
    })
    const wakePods = (claim: FrozenResourceClaim): void => {
      for (const pod of this.#pods.byIndex(PODS_BY_CLAIM, keyStringOf(claim))) this.#podChanged(pod, false)
    }
    claims.addHandler({ onAdd: wakePods, onUpdate: (_old, claim) => wakePods(claim), onDelete: wakePods })
    pods.addIndex(PODS_BY_TEMPLATE, podsByTemplateIndexOf)
    const wakeWaiting = (template: DeepReadonly<ResourceClaimTemplate>): void => {
      for (const pod of this.#pods.byIndex(PODS_BY_TEMPLATE, keyStringOf(template))) this.#podChanged(pod, false)
    }
    informer(RESOURCE_CLAIM_TEMPLATES).addHandler({
      onAdd: wakeWaiting,
      onUpdate: (_old, template) => wakeWaiting(template),
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    if (key.name.startsWith(POD_PREFIX)) {
      const pod = this.#pods.get({ ...key, name: key.name.slice(POD_PREFIX.length) })
      if (pod !== undefined) await this.#reconcilePod(pod, signal)
      return DONE
    }
    const claim = this.#claims.get(key)
    if (claim !== undefined) await this.#reservations.clean(claim, signal)
    return DONE
  }

  #podChanged(pod: DeepReadonly<Pod>, isGone: boolean): void {
    if (!usesClaims(pod)) return
    const { namespace = '', name = '' } = pod.metadata
    if (isGone || isPodDone(pod)) {
      for (const claim of resourceClaimNamesOf(pod)) this.#enqueue({ namespace, name: claim })
    } else if (this.#needsWork(pod)) this.#enqueue({ namespace, name: `${POD_PREFIX}${name}` })
  }

  #needsWork(pod: DeepReadonly<Pod>): boolean {
    const { namespace = '', deletionTimestamp } = pod.metadata
    if (deletionTimestamp !== undefined) return false
    return (pod.spec.resourceClaims ?? []).some((entry) => {
      const wanted = resourceClaimNameOf(pod, entry)
      if (wanted.type !== 'named') return wanted.type !== 'none'
      const claim = this.#claims.get({ namespace, name: wanted.name })
      if (claim === undefined) return wanted.isGenerated
      return mayReserve(pod, claim)
    })
  }

  async #reconcilePod(pod: DeepReadonly<Pod>, signal: AbortSignal): Promise<void> {
    if (pod.metadata.deletionTimestamp !== undefined || isPodDone(pod)) return
    await this.#generated.ensure(pod, signal)
    // Until then the scheduler reserves.
    if ((pod.spec.nodeName ?? '') === '') return
    for (const entry of pod.spec.resourceClaims ?? []) {
      const wanted = resourceClaimNameOf(pod, entry)
      if (wanted.type !== 'named') continue
      const claim = this.#claims.get({ namespace: pod.metadata.namespace ?? '', name: wanted.name })
      if (claim === undefined) continue
      const problem = wanted.isGenerated ? claimOwnershipProblem(pod, claim) : undefined
      if (problem !== undefined) throw new Error(problem)
      if (mayReserve(pod, claim)) await this.#reservations.reserve(claim, pod, signal)
    }
  }
}

/** Bound already, but not to what the claim stands for. */
const mayReserve = (pod: DeepReadonly<Pod>, claim: FrozenResourceClaim): boolean =>
  (pod.spec.nodeName ?? '') !== '' && claim.status?.allocation !== undefined && !isReservedFor(pod, claim)
