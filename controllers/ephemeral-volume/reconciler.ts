/**
 * Makes the claims of Pods' generic ephemeral volumes: `<pod>-<volume>`, owned by the Pod, so they go with it.
 *
 * Reads: pods and claims from the cache.  Writes: claims (create only); events.
 * Upstream: pkg/controller/volume/ephemeral.
 */
import { PERSISTENT_VOLUME_CLAIMS, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim, Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString, keyStringOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim } from '#machinery/volume/binding.ts'
import { claimNameOf } from '#machinery/volume/binding.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, isControlledBy, newControllerReference, watching } from '#sdk'
import { EPHEMERAL_VOLUME_CONTROLLER } from '../manager/names.ts'
import { POD_CLAIM_INDEX, podClaimIndexOf } from '../manager/pod-claims.ts'

export const ephemeralVolumeController = defineController({
  name: EPHEMERAL_VOLUME_CONTROLLER,
  // Keyed by claim: Pods without such volumes, most of them, never enter the queue.
  reconciles: PERSISTENT_VOLUME_CLAIMS,
  watches: [watching(PODS, ephemeralClaimKeys)],
  permissions: [
    { resource: PODS, verbs: ['get', 'list', 'watch'] },
    { resource: PODS, subresource: 'finalizers', verbs: ['update'] },
    { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['get', 'list', 'watch', 'create'] },
  ],
  concurrency: 5,
  create: (context) => new EphemeralVolumeReconciler(context),
})

class EphemeralVolumeReconciler implements Reconciler {
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #pods: Lister<Pod>
  readonly #claims: Lister<PersistentVolumeClaim>

  constructor({ client, events, informer, lister }: ReconcilerContext) {
    this.#client = client
    this.#events = events
    const pods = informer(PODS)
    pods.addIndex(POD_CLAIM_INDEX, podClaimIndexOf)
    this.#pods = pods.lister
    this.#claims = lister(PERSISTENT_VOLUME_CLAIMS)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    // Two Pods may derive one name (`a-b` with volume `c`, `a` with `b-c`): the second is told.
    for (const pod of this.#pods.byIndex(POD_CLAIM_INDEX, keyString(key))) {
      if (pod.metadata.deletionTimestamp !== undefined) continue
      for (const volume of ephemeralVolumes(pod)) {
        if (claimNameOf(pod, volume) === key.name) await this.#ensureOrTell(pod, volume, key, signal)
      }
    }
    return DONE
  }

  async #ensureOrTell(
    pod: DeepReadonly<Pod>,
    volume: DeepReadonly<Volume>,
    key: ObjectKey,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#ensureClaim(pod, volume, key, signal)
    } catch (err: unknown) {
      const message = `ephemeral volume ${volume.name}: ${errorMessage(err)}`
      if (!signal.aborted) this.#events.record(pod, 'Warning', 'FailedBinding', message)
      throw err
    }
  }

  async #ensureClaim(
    pod: DeepReadonly<Pod>,
    volume: DeepReadonly<Volume>,
    key: ObjectKey,
    signal: AbortSignal,
  ): Promise<void> {
    const present = this.#claims.get(key) ?? (await this.#create(pod, volume, key, signal))
    if (isControlledBy(present, pod)) return
    throw new Error(`PVC ${keyString(key)} was not created for pod ${keyStringOf(pod)} (pod is not owner)`)
  }

  /** The new claim, or the one the cache does not show yet. */
  async #create(
    pod: DeepReadonly<Pod>,
    volume: DeepReadonly<Volume>,
    key: ObjectKey,
    signal: AbortSignal,
  ): Promise<FrozenClaim> {
    try {
      return await this.#client.create(PERSISTENT_VOLUME_CLAIMS, newClaim(pod, volume, key.name), { signal })
    } catch (err: unknown) {
      if (!isAlreadyExists(err)) throw new Error(`create PVC ${key.name}: ${errorMessage(err)}`, { cause: err })
      return await this.#client.get(PERSISTENT_VOLUME_CLAIMS, key, { signal })
    }
  }
}

const ephemeralVolumes = ({ spec }: DeepReadonly<Pod>): readonly DeepReadonly<Volume>[] =>
  (spec.volumes ?? []).filter(({ ephemeral }) => ephemeral !== undefined)

function ephemeralClaimKeys(pod: DeepReadonly<Pod>): readonly ObjectKey[] {
  const namespace = pod.metadata.namespace ?? ''
  return ephemeralVolumes(pod).flatMap((volume) => {
    const name = claimNameOf(pod, volume)
    return name === undefined ? [] : [{ namespace, name }]
  })
}

function newClaim(pod: DeepReadonly<Pod>, { ephemeral }: DeepReadonly<Volume>, name: string): PersistentVolumeClaim {
  const template = deepCopy(ephemeral?.volumeClaimTemplate)
  const { annotations, labels } = template?.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      namespace: pod.metadata.namespace ?? '',
      name,
      ownerReferences: [newControllerReference(pod, PODS)],
      ...(annotations === undefined ? {} : { annotations }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: (template?.spec ?? {}) as PersistentVolumeClaim['spec'],
  }
}
