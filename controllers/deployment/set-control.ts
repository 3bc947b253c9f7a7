/** Writes ReplicaSets for the Deployment controller: create, annotate, resize, delete; with upstream's events. */
import { DEPLOYMENTS, REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isAlreadyExists, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { EventRecorder } from '#sdk'
import { controllerOf, isNamespaceTerminating, newControllerReference } from '#sdk'
import type { OwnWrites } from '../manager/own-writes.ts'
import type { DeploymentView, Rollout, SetView } from './rollout.ts'
import { HASH_LABEL, isSameTemplate, maxRevision, replicasOf } from './rollout.ts'
import type { Resize } from './scaling.ts'
import { newSetSize } from './scaling.ts'
import { newSetAnnotations, sizeAnnotations } from './set-annotations.ts'
import { templateHash } from './template-hash.ts'

export type CreateOutcome =
  | { readonly type: 'created' | 'found'; readonly set: SetView }
  /** Another template has the name. */
  | { readonly type: 'collision' }
  | { readonly type: 'failed'; readonly error: unknown; readonly message: string }

export class ReplicaSetControl {
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #writes: OwnWrites<ReplicaSet>

  constructor(client: Client, events: EventRecorder, writes: OwnWrites<ReplicaSet>) {
    this.#client = client
    this.#events = events
    this.#writes = writes
  }

  /** The set of the Deployment's template; its name is the template's hash, so that creating it twice is creating it once. */
  async create(rollout: Rollout, signal: AbortSignal): Promise<CreateOutcome> {
    const { deployment } = rollout
    const draft = newReplicaSet(rollout)
    const name = draft.metadata.name ?? ''
    try {
      const set = await this.#client.create(REPLICA_SETS, draft, { signal })
      this.#writes.wrote(deployment.metadata.uid ?? '', set)
      const size = replicasOf(set)
      if (size > 0) this.#scaled(deployment, 'up', name, 0, size)
      return { type: 'created', set }
    } catch (err: unknown) {
      if (isAlreadyExists(err)) return this.#existing(deployment, objectKeyOf(draft), err, signal)
      if (isNamespaceTerminating(err)) throw err
      const message = `Failed to create new replica set "${name}": ${errorMessage(err)}`
      this.#events.record(deployment, 'Warning', 'ReplicaSetCreateError', message)
      return { type: 'failed', error: err, message }
    }
  }

  /** The new set's annotations and minReadySeconds follow the Deployment. */
  async annotate(rollout: Rollout, set: SetView, signal: AbortSignal): Promise<SetView> {
    const { deployment, oldSets } = rollout
    const annotations = newSetAnnotations(deployment, set.metadata.annotations, maxRevision(oldSets) + 1n)
    const { minReadySeconds } = deployment.spec
    const isCurrent =
      deepEqual(annotations, set.metadata.annotations ?? {}) &&
      (set.spec?.minReadySeconds ?? 0) === (minReadySeconds ?? 0)
    if (isCurrent) return set
    const draft = deepCopy<ReplicaSet>(set)
    draft.metadata.annotations = annotations
    if (draft.spec !== undefined && minReadySeconds !== undefined) draft.spec.minReadySeconds = minReadySeconds
    else delete draft.spec?.minReadySeconds
    return this.#update(deployment, draft, signal)
  }

  async #update(deployment: DeploymentView, draft: ReplicaSet, signal: AbortSignal): Promise<SetView> {
    const updated = await this.#client.update(REPLICA_SETS, draft, { signal })
    this.#writes.wrote(deployment.metadata.uid ?? '', updated)
    return updated
  }

  /** The resized set, or the same one when it says all this already. */
  async resize(deployment: DeploymentView, { set, replicas }: Resize, signal: AbortSignal): Promise<SetView> {
    const before = replicasOf(set)
    const annotations = { ...set.metadata.annotations, ...sizeAnnotations(deployment) }
    if (before === replicas && deepEqual(annotations, set.metadata.annotations ?? {})) return set
    const draft = deepCopy<ReplicaSet>(set)
    draft.metadata.annotations = annotations
    if (draft.spec !== undefined) draft.spec.replicas = replicas
    const updated = await this.#update(deployment, draft, signal)
    const name = set.metadata.name ?? ''
    if (before !== replicas) this.#scaled(deployment, before < replicas ? 'up' : 'down', name, before, replicas)
    return updated
  }

  async delete(set: SetView, signal: AbortSignal): Promise<void> {
    const { uid = '' } = set.metadata
    const options = { preconditions: { uid }, propagationPolicy: 'Background', signal } as const
    await this.#client.delete(REPLICA_SETS, objectKeyOf(set), options).catch(undefinedIfNotFound)
  }

  /** Made by an earlier pass that this cache has not seen, or by somebody else. */
  async #existing(
    deployment: DeploymentView,
    key: ReturnType<typeof objectKeyOf>,
    thrown: unknown,
    signal: AbortSignal,
  ): Promise<CreateOutcome> {
    const set = await this.#client.get(REPLICA_SETS, key, { signal }).catch(undefinedIfNotFound)
    if (set === undefined) throw thrown
    const isOurs = controllerOf(set)?.uid === deployment.metadata.uid
    if (isOurs && isSameTemplate(set.spec?.template, deployment.spec.template)) return { type: 'found', set }
    return { type: 'collision' }
  }

  #scaled(deployment: DeploymentView, direction: string, name: string, from: number, to: number): void {
    const message = `Scaled ${direction} replica set ${name} from ${from} to ${to}`
    this.#events.record(deployment, 'Normal', 'ScalingReplicaSet', message)
  }
}

const NAME_MAX = 253

/** The longest names of Deployments leave no room for the hash. */
export function setName(deployment: string, hash: string): string {
  return `${deployment.slice(0, NAME_MAX - 1 - hash.length)}-${hash}`
}

function newReplicaSet(rollout: Rollout): ReplicaSet {
  const { deployment, oldSets } = rollout
  const { name = '', namespace } = deployment.metadata
  const { selector, minReadySeconds } = deployment.spec
  const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount ?? 0)
  const template = deepCopy<PodTemplateSpec>(deployment.spec.template)
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash }
  template.metadata = { ...template.metadata, labels }
  const matchLabels = { ...selector?.matchLabels, [HASH_LABEL]: hash }
  const annotations = {
    ...newSetAnnotations(deployment, undefined, maxRevision(oldSets) + 1n),
    ...sizeAnnotations(deployment),
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: setName(name, hash),
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations,
      ownerReferences: [newControllerReference(deployment, DEPLOYMENTS)],
    },
    spec: {
      replicas: newSetSize(rollout, 0),
      selector: { ...deepCopy<LabelSelector>(selector ?? {}), matchLabels },
      template,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    },
  }
}
