/**
 * Keeps a claim that is being deleted until no scheduled Pod uses it.
 *
 * Reads: claims and pods from the cache; pods live before a claim is let go.  Writes: the finalizer of claims.
 * Upstream: pkg/controller/volume/pvcprotection.
 */
import { PERSISTENT_VOLUME_CLAIMS, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyStringOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim } from '#machinery/volume/binding.ts'
import { claimNameOf } from '#machinery/volume/binding.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, isControlledBy, requeueAfter, watching } from '#sdk'
import { PERSISTENT_VOLUME_CLAIM_PROTECTION_CONTROLLER } from '../manager/names.ts'
import { claimKeysOf, POD_CLAIM_INDEX, podClaimIndexOf } from '../manager/pod-claims.ts'
import { protectionOf, writeProtection } from './finalizer.ts'
import { LivePods } from './live-pods.ts'

const FINALIZER = 'kubernetes.io/pvc-protection'
/** A Pod may come and go without the cache ever showing it; then nothing brings its claim back. */
const UNSEEN_POD_MS = 5_000

export const claimProtectionController = defineController({
  name: PERSISTENT_VOLUME_CLAIM_PROTECTION_CONTROLLER,
  reconciles: PERSISTENT_VOLUME_CLAIMS,
  watches: [watching(PODS, claimKeysOf)],
  permissions: [
    { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['get', 'list', 'watch', 'update'] },
    { resource: PODS, verbs: ['get', 'list', 'watch'] },
  ],
  concurrency: 10,
  create: (context) => new ClaimProtectionReconciler(context),
})

class ClaimProtectionReconciler implements Reconciler {
  readonly #client: Client
  readonly #claims: Lister<PersistentVolumeClaim>
  readonly #pods: Lister<Pod>
  readonly #livePods: LivePods

  constructor({ client, lister, informer }: ReconcilerContext) {
    this.#client = client
    this.#claims = lister(PERSISTENT_VOLUME_CLAIMS)
    const pods = informer(PODS)
    pods.addIndex(POD_CLAIM_INDEX, podClaimIndexOf)
    this.#pods = pods.lister
    this.#livePods = new LivePods(client)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const claim = this.#claims.get(key)
    const protection = claim === undefined ? 'settled' : protectionOf(claim, FINALIZER)
    if (claim === undefined || protection === 'settled') return DONE
    if (protection === 'releasable') {
      // Its Pod's change brings the claim back.
      if (this.#pods.byIndex(POD_CLAIM_INDEX, keyStringOf(claim)).some((pod) => podUsesClaim(pod, claim))) return DONE
      if (await this.#isUsedLive(claim, signal)) return requeueAfter(UNSEEN_POD_MS)
    }
    await writeProtection(this.#client, PERSISTENT_VOLUME_CLAIMS, claim, FINALIZER, signal)
    return DONE
  }

  /** A Pod the cache does not have yet would lose its data: only the server's word releases a claim. */
  async #isUsedLive(claim: FrozenClaim, signal: AbortSignal): Promise<boolean> {
    const live = await this.#livePods.list(claim.metadata.namespace ?? '', signal)
    return live.some((pod) => podUsesClaim(pod, claim))
  }
}

/** Unscheduled Pods do not: no kubelet starts a Pod whose claim is being deleted. */
export function podUsesClaim(pod: DeepReadonly<Pod>, claim: FrozenClaim): boolean {
  if ((pod.spec.nodeName ?? '') === '') return false
  return (pod.spec.volumes ?? []).some((volume) => {
    if (claimNameOf(pod, volume) !== claim.metadata.name) return false
    const isItsOwn = isControlledBy(claim, pod)
    return (volume.ephemeral === undefined || isItsOwn) && !(isItsOwn && isShutDown(pod))
  })
}

/**
 * The kubelet is done, or it was deleted by force; Pod and claim would else wait for each other's finalizers. Differs: upstream
 * thinks of ephemeral volumes alone, and the claims that a StatefulSet gives its Pods wait for good.
 */
const isShutDown = ({ metadata }: DeepReadonly<Pod>): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0
