/**
 * Writes the Pods and claims of StatefulSets, with upstream's events on the set.
 * Upstream: pkg/controller/statefulset/stateful_pod_control.go.
 */
import { STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { PERSISTENT_VOLUME_CLAIMS, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { combined, withContext } from '#machinery/meta/error-context.ts'
import { isAlreadyExists, isConflict, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder } from '#sdk'
import { isNamespaceTerminating } from '#sdk'
import { isStillThere } from '../manager/owner-recheck.ts'
import { goesWithItsPod, hasForeignController, isStaleForPod, wantedOwners } from './claim-retention.ts'
import type { PodView, SetView } from './pod-identity.ts'
import { claimsOf, hasIdentity, hasStorage, ordinalOf, repaired } from './pod-identity.ts'

type Verb = 'create' | 'update' | 'delete'
type ClaimView = DeepReadonly<PersistentVolumeClaim>

export class PodWriter {
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #claims: Lister<PersistentVolumeClaim>

  constructor(client: Client, events: EventRecorder, claims: Lister<PersistentVolumeClaim>) {
    this.#client = client
    this.#events = events
    this.#claims = claims
  }

  /** Claims first: a Pod without them would only wait. */
  async create(set: SetView, pod: Pod, signal: AbortSignal): Promise<void> {
    try {
      await this.createClaims(set, pod as PodView, signal)
      await this.#client.create(PODS, pod, { signal })
    } catch (err: unknown) {
      // Made by an earlier pass that this cache has not seen, or in the way: no news either time.
      if (!isAlreadyExists(err) && !isNamespaceTerminating(err)) this.#failed('create', set, pod as PodView, err)
      throw err
    }
    this.#succeeded('create', set, pod as PodView)
  }

  /** Labels, volumes and claim owners as the ordinal asks for. */
  async repair(set: SetView, pod: PodView, signal: AbortSignal): Promise<void> {
    try {
      if (!hasStorage(set, pod)) await this.createClaims(set, pod, signal)
      const isOwnerChanged = await this.updateClaimOwners(set, pod, signal)
      const isRight = hasIdentity(set, pod) && hasStorage(set, pod)
      if (isRight && !isOwnerChanged) return
      if (!isRight) await this.#client.update(PODS, repaired(set, pod), { signal })
    } catch (err: unknown) {
      if (!isConflict(err)) this.#failed('update', set, pod, err)
      throw err
    }
    this.#succeeded('update', set, pod)
  }

  async delete(set: SetView, pod: PodView, signal: AbortSignal): Promise<void> {
    const { uid = '' } = pod.metadata
    try {
      await this.#client.delete(PODS, objectKeyOf(pod), { preconditions: { uid }, signal })
    } catch (err: unknown) {
      if (!isNotFound(err) && !isConflict(err)) this.#failed('delete', set, pod, err)
      throw err
    }
    this.#succeeded('delete', set, pod)
  }

  /** Makes all that are missing, then throws what failed; also while one is being deleted. */
  async createClaims(set: SetView, pod: PodView, signal: AbortSignal): Promise<void> {
    const errors: unknown[] = []
    for (const claim of claimsOf(set, ordinalOf(pod))) {
      const existing = this.#claims.get(objectKeyOf(claim))
      if (existing?.metadata.deletionTimestamp !== undefined) {
        errors.push(new Error(`pvc ${existing.metadata.name} is being deleted`))
      } else if (existing === undefined) {
        await this.#createClaim(set, pod, claim, signal).catch((err: unknown) => {
          signal.throwIfAborted()
          errors.push(withContext(err, `failed to create PVC ${claim.metadata.name}`))
        })
      }
    }
    const error = combined(errors)
    if (error !== undefined) throw error
  }

  /**
   * A claim that gets a set as its owner which is gone goes with it. One that was deleted with its dependents left alone may
   * still be in the cache: upstream does not look. True: some claim was changed.
   */
  async updateClaimOwners(set: SetView, pod: PodView, signal: AbortSignal): Promise<boolean> {
    let isSetThere: boolean | undefined
    let isChanged = false
    for (const claim of this.existingClaims(set, pod)) {
      const ownerReferences = wantedOwners(set, claim, pod)
      if (ownerReferences === undefined) continue
      isSetThere ??= await isStillThere(this.#client, STATEFUL_SETS, set, signal)
      if (!isSetThere) return false
      if (hasForeignController(set, claim, pod)) this.#conflicting(set, claim)
      const draft = deepCopy<PersistentVolumeClaim>(claim)
      draft.metadata.ownerReferences = deepCopy(ownerReferences)
      await this.#client.update(PERSISTENT_VOLUME_CLAIMS, draft, { signal })
      isChanged = true
    }
    return isChanged
  }

  /**
   * Whether a claim of a Pod to be made is about to go with the Pod before it. Read live: a cache that is behind shows the claim
   * as nobody's, and the new Pod would run on it until the claim's protection ends with the Pod. Upstream asks its cache alone.
   */
  async hasDoomedClaim(set: SetView, pod: PodView, signal: AbortSignal): Promise<boolean> {
    if (!goesWithItsPod(set)) return false
    for (const claim of claimsOf(set, ordinalOf(pod))) {
      // Of this one createClaims tells the user.
      if (this.#claims.get(objectKeyOf(claim))?.metadata.deletionTimestamp !== undefined) continue
      const live = await this.#client
        .get(PERSISTENT_VOLUME_CLAIMS, objectKeyOf(claim), { signal })
        .catch(undefinedIfNotFound)
      if (live === undefined) continue
      if (live.metadata.deletionTimestamp !== undefined || isStaleForPod(set, live, pod)) return true
    }
    return false
  }

  existingClaims(set: SetView, pod: PodView): ClaimView[] {
    return claimsOf(set, ordinalOf(pod)).flatMap((claim) => this.#claims.get(objectKeyOf(claim)) ?? [])
  }

  async #createClaim(set: SetView, pod: PodView, claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const { name = '' } = claim.metadata
    const [podName, setName] = [pod.metadata.name, set.metadata.name]
    try {
      await this.#client.create(PERSISTENT_VOLUME_CLAIMS, claim, { signal })
    } catch (err: unknown) {
      if (isAlreadyExists(err)) return
      if (!isNamespaceTerminating(err)) {
        const message = `Create Claim ${name} for Pod ${podName} in StatefulSet ${setName} failed error: ${errorMessage(err)}`
        this.#events.record(set, 'Warning', 'FailedCreate', message)
      }
      throw err
    }
    const message = `Create Claim ${name} Pod ${podName} in StatefulSet ${setName} success`
    this.#events.record(set, 'Normal', 'SuccessfulCreate', message)
  }

  #conflicting(set: SetView, claim: ClaimView): void {
    const what = `PersistentVolumeClaim ${claim.metadata.name} has a conflicting OwnerReference`
    const message = `${what} that acts as a managing controller, the retention policy is ignored for this claim`
    this.#events.record(set, 'Warning', 'ConflictingController', message)
  }

  #succeeded(verb: Verb, set: SetView, pod: PodView): void {
    const message = `${capitalized(verb)} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`
    this.#events.record(set, 'Normal', `Successful${capitalized(verb)}`, message)
  }

  #failed(verb: Verb, set: SetView, pod: PodView, err: unknown): void {
    const where = `${capitalized(verb)} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`
    this.#events.record(set, 'Warning', `Failed${capitalized(verb)}`, `${where} failed error: ${errorMessage(err)}`)
  }
}

const capitalized = (verb: Verb): string => `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`
