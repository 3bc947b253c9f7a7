/**
 * Makes the claims of Pods' generic ephemeral volumes: `<pod>-<volume>`, owned by the Pod, so they go with it.
 *
 * Reads: pods and claims from the cache.  Writes: claims (create only); events.
 * Upstream: pkg/controller/volume/ephemeral.
 */
import { PERSISTENT_VOLUME_CLAIMS, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim, Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyStringOf, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimNameOf } from '#machinery/volume/binding.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, isControlledBy, newControllerReference } from '#sdk'
import { EPHEMERAL_VOLUME_CONTROLLER } from '../manager/names.ts'
import { POD_CLAIM_INDEX, podClaimIndexOf } from '../manager/pod-claims.ts'

export const ephemeralVolumeController = defineController({
  name: EPHEMERAL_VOLUME_CONTROLLER,
  reconciles: PODS,
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

  constructor({ client, events, informer, enqueue }: ReconcilerContext) {
    this.#client = client
    this.#events = events
    const pods = informer(PODS)
    pods.addIndex(POD_CLAIM_INDEX, podClaimIndexOf)
    this.#pods = pods.lister
    const claims = informer(PERSISTENT_VOLUME_CLAIMS)
    this.#claims = claims.lister
    // One that was deleted under a living Pod is made again.
    claims.addHandler({
      onDelete: (claim) => {
        for (const pod of this.#pods.byIndex(POD_CLAIM_INDEX, keyStringOf(claim))) enqueue(objectKeyOf(pod))
      },
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const pod = this.#pods.get(key)
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return DONE
    for (const volume of pod.spec.volumes ?? []) {
      if (volume.ephemeral === undefined) continue
      try {
        await this.#ensureClaim(pod, volume, signal)
      } catch (err: unknown) {
        const message = `ephemeral volume ${volume.name}: ${errorMessage(err)}`
        this.#events.record(pod, 'Warning', 'FailedBinding', message)
        throw err
      }
    }
    return DONE
  }

  async #ensureClaim(pod: DeepReadonly<Pod>, volume: DeepReadonly<Volume>, signal: AbortSignal): Promise<void> {
    const { namespace = '', name: podName = '' } = pod.metadata
    const name = claimNameOf(pod, volume) ?? ''
    const present = this.#claims.get({ namespace, name })
    if (present === undefined) {
      await this.#client.create(PERSISTENT_VOLUME_CLAIMS, newClaim(pod, volume, name), { signal })
    } else if (!isControlledBy(present, pod)) {
      throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`)
    }
  }
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
