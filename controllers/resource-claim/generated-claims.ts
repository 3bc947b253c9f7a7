/**
 * The claims of a Pod's templates: each is made once, owned by the Pod, and written into the Pod's status under the name
 * of its entry. Upstream: pkg/controller/resourceclaim syncPod, handleClaim.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodResourceClaim, PodResourceClaimStatus } from '#machinery/api/core/v1/types.gen.ts'
import { RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS } from '#machinery/api/resource/v1/resources.gen.ts'
import type { ResourceClaim, ResourceClaimTemplate } from '#machinery/api/resource/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { FrozenResourceClaim } from '#machinery/devices/pod-claims.ts'
import { claimOwnershipProblem, resourceClaimNameOf } from '#machinery/devices/pod-claims.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ReconcilerContext } from '#sdk'
import { controllerOf, newControllerReference } from '#sdk'
import { claimGenerateName } from './pod-state.ts'

const POD_CLAIM_NAME = 'resource.kubernetes.io/pod-claim-name'
/** Owns `status.resourceClaimStatuses`. */
const FIELD_MANAGER = 'ResourceClaimController'

type FrozenPod = DeepReadonly<Pod>
type Entry = DeepReadonly<PodResourceClaim>

export class GeneratedClaims {
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #claims: Lister<ResourceClaim>
  readonly #templates: Lister<ResourceClaimTemplate>
  /** `pod UID/entry` -> the claim made for it, until the cache shows it: a retry must not make another. */
  readonly #unseen = new Map<string, FrozenResourceClaim>()

  constructor({ client, events, informer, lister }: ReconcilerContext) {
    this.#client = client
    this.#events = events
    const claims = informer(RESOURCE_CLAIMS)
    this.#claims = claims.lister
    this.#templates = lister(RESOURCE_CLAIM_TEMPLATES)
    const seen = (claim: FrozenResourceClaim): void => void this.#unseen.delete(idOf(claim))
    claims.addHandler({ onAdd: seen, onDelete: seen })
  }

  /** Rejects when a claim cannot be made; the Pod has an event then. */
  async ensure(pod: FrozenPod, signal: AbortSignal): Promise<void> {
    const statuses: PodResourceClaimStatus[] = []
    let isNew = false
    for (const entry of pod.spec.resourceClaims ?? []) {
      const known = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name)
      const made = await this.#ensureOrTell(pod, entry, signal)
      isNew ||= made !== undefined
      if (made !== undefined) statuses.push({ name: entry.name, resourceClaimName: made.metadata.name ?? '' })
      else if (known !== undefined) statuses.push({ ...known })
    }
    if (isNew) await this.#writeStatuses(pod, statuses, signal)
  }

  async #ensureOrTell(pod: FrozenPod, entry: Entry, signal: AbortSignal): Promise<FrozenResourceClaim | undefined> {
    try {
      return await this.#ensureClaim(pod, entry, signal)
    } catch (err: unknown) {
      const message = `PodResourceClaim ${entry.name}: ${errorMessage(err)}`
      if (!signal.aborted) this.#events.record(pod, 'Warning', 'FailedResourceClaimCreation', message)
      throw err
    }
  }

  /** The claim whose name the Pod's status lacks; undefined when nothing is to be done. */
  async #ensureClaim(pod: FrozenPod, entry: Entry, signal: AbortSignal): Promise<FrozenResourceClaim | undefined> {
    const wanted = resourceClaimNameOf(pod, entry)
    if (wanted.type === 'none') return undefined
    if (wanted.type === 'unknown') throw new Error(`checking for claim before creating it: ${wanted.message}`)
    if (wanted.type === 'named') {
      if (!wanted.isGenerated || (await this.#isTheirs(pod, wanted.name, signal))) return undefined
    }
    const { resourceClaimTemplateName = '' } = entry
    return this.#find(pod, entry) ?? (await this.#create(pod, entry, resourceClaimTemplateName, signal))
  }

  /** The cache of Pods may be ahead of that of claims: what it lacks is looked up before it is made again. */
  async #isTheirs(pod: FrozenPod, name: string, signal: AbortSignal): Promise<boolean> {
    const key = { namespace: pod.metadata.namespace ?? '', name }
    const claim =
      this.#claims.get(key) ?? (await this.#client.get(RESOURCE_CLAIMS, key, { signal }).catch(undefinedIfNotFound))
    return claim !== undefined && claimOwnershipProblem(pod, claim) === undefined
  }

  /** Made earlier, but the Pod's status could not be written, or the cache does not show it yet. */
  #find({ metadata: { uid = '' } }: FrozenPod, { name }: Entry): FrozenResourceClaim | undefined {
    const owned = this.#claims.byIndex('controller-uid', uid)
    return (
      owned.find(({ metadata }) => metadata.annotations?.[POD_CLAIM_NAME] === name) ??
      this.#unseen.get(`${uid}/${name}`)
    )
  }

  async #create(pod: FrozenPod, entry: Entry, templateName: string, signal: AbortSignal): Promise<FrozenResourceClaim> {
    const { namespace = '' } = pod.metadata
    const template = this.#templates.get({ namespace, name: templateName })
    if (template === undefined) {
      const missing = `resourceclaimtemplate.resource.k8s.io "${templateName}" not found`
      throw new Error(`resource claim template "${templateName}": ${missing}`)
    }
    const claim = await this.#client
      .create(RESOURCE_CLAIMS, claimFrom(template, pod, entry), { signal })
      .catch((err: unknown) => {
        throw new Error(`create ResourceClaim : ${errorMessage(err)}`, { cause: err })
      })
    if (this.#claims.get({ namespace, name: claim.metadata.name ?? '' }) === undefined)
      this.#unseen.set(idOf(claim), claim)
    return claim
  }

  async #writeStatuses(pod: FrozenPod, statuses: PodResourceClaimStatus[], signal: AbortSignal): Promise<void> {
    const { namespace = '', name = '', uid } = pod.metadata
    const body = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, uid },
      status: { resourceClaimStatuses: statuses },
    }
    const options = { subresource: 'status', fieldManager: FIELD_MANAGER, signal } as const
    await this.#client.patch(PODS, { namespace, name }, { type: 'apply', body, force: true }, options)
  }
}

const idOf = (claim: FrozenResourceClaim): string =>
  `${controllerOf(claim)?.uid ?? ''}/${claim.metadata.annotations?.[POD_CLAIM_NAME] ?? ''}`

function claimFrom(template: DeepReadonly<ResourceClaimTemplate>, pod: FrozenPod, entry: Entry): ResourceClaim {
  const { metadata, spec } = deepCopy<ResourceClaimTemplate['spec']>(template.spec ?? { spec: {} })
  const { namespace = '', name = '' } = pod.metadata
  // Who deletes the Pod in the foreground does not wait for its claim, which waits for the Pod.
  const { blockOwnerDeletion: _blocks, ...owner } = newControllerReference(pod, PODS)
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      namespace,
      generateName: claimGenerateName(name, entry.name),
      ownerReferences: [owner],
      annotations: { ...metadata?.annotations, [POD_CLAIM_NAME]: entry.name },
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
    },
    spec,
  }
}
