/**
 * How many Pods the controllers of some Pods want together: the Deployment of a ReplicaSet, the ReplicaSet, ReplicationController
 * or StatefulSet from the cache, of anything else (custom resources) the scale subresource.
 * Upstream: pkg/controller/disruption/disruption.go getExpectedScale and its finders.
 */
import { DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Scale } from '#machinery/api/autoscaling/v1/types.gen.ts'
import { REPLICATION_CONTROLLERS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject, OwnerReference } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { createRestMapper } from '#machinery/client/rest-mapper.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { groupResourceString, tryParseApiVersion } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerContext } from '#sdk'
import { controllerOf } from '#sdk'

export interface ExpectedScale {
  readonly replicas: number
  /** Names of Pods without a controller: they are not counted. */
  readonly unmanaged: readonly string[]
}

/** What scales: spec.replicas under an owner. */
type Scaled = KubeObject & { readonly spec?: { readonly replicas?: number } }

interface Owner {
  readonly uid: string
  readonly replicas: number
}

export class ScaleFinder {
  readonly #client: Client
  readonly #mapper: RestMapper
  readonly #listers: ReadonlyMap<string, Lister<Scaled>>

  constructor(context: ControllerContext) {
    this.#client = context.client
    this.#mapper = createRestMapper(context.client)
    const kinds = [REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS, DEPLOYMENTS] as const
    this.#listers = new Map(
      kinds.map((resource) => [`${resource.group}/${resource.kind}`, context.lister(resource as Resource<Scaled>)]),
    )
  }

  /** Throws an Error when the controller of a Pod cannot be found or does not scale. */
  async scaleOf(pods: readonly DeepReadonly<Pod>[], signal: AbortSignal): Promise<ExpectedScale> {
    const unmanaged: string[] = []
    const references = new Map<string, DeepReadonly<OwnerReference>>()
    const owners = new Map<string, number>()
    for (const pod of pods) {
      const { name = '', namespace = '' } = pod.metadata
      const reference = controllerOf(pod)
      if (reference === undefined) unmanaged.push(name)
      if (reference === undefined || references.has(reference.uid)) continue
      references.set(reference.uid, reference)
      const owner = await this.#ownerOf(reference, namespace, signal)
      if (owner === undefined) throw new Error(`found no controllers for pod ${JSON.stringify(name)}`)
      // ReplicaSets of one Deployment are one owner.
      owners.set(owner.uid, owner.replicas)
    }
    return { replicas: [...owners.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged }
  }

  async #ownerOf(
    reference: DeepReadonly<OwnerReference>,
    namespace: string,
    signal: AbortSignal,
  ): Promise<Owner | undefined> {
    const cached = this.#cached(reference, namespace)
    if (cached === undefined) return this.#subresource(reference, namespace, signal)
    const above = controllerOf(cached)
    if (cached.kind !== REPLICA_SETS.kind || above?.kind !== DEPLOYMENTS.kind) return toOwner(cached)
    const deployment = this.#cached(above, namespace)
    return deployment === undefined ? this.#subresource(reference, namespace, signal) : toOwner(deployment)
  }

  #cached(reference: DeepReadonly<OwnerReference>, namespace: string): DeepReadonly<Scaled> | undefined {
    const group = tryParseApiVersion(reference.apiVersion)?.group ?? ''
    const found = this.#listers.get(`${group}/${reference.kind}`)?.get({ namespace, name: reference.name })
    return found?.metadata.uid === reference.uid ? found : undefined
  }

  async #subresource(
    reference: DeepReadonly<OwnerReference>,
    namespace: string,
    signal: AbortSignal,
  ): Promise<Owner | undefined> {
    const { apiVersion, kind, name, uid } = reference
    const version = tryParseApiVersion(apiVersion)
    const resource = version === undefined ? undefined : await this.#mapper.resourceFor({ ...version, kind }, signal)
    if (resource === undefined)
      throw new Error(`no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`)
    const scale = await this.#readScale(resource, { namespace, name }, signal)
    return scale?.metadata.uid === uid ? toOwner(scale) : undefined
  }

  /** Undefined: the object is gone. */
  async #readScale(
    resource: Resource,
    key: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<DeepReadonly<Scale> | undefined> {
    try {
      return await this.#client.get(resource as Resource<Scale>, key, { subresource: 'scale', signal })
    } catch (err: unknown) {
      if (!isNotFound(err)) throw err
      // The object is named where it is the object that is missing.
      if (isStatusError(err) && err.status.details?.name === key.name) return undefined
      throw new Error(`${groupResourceString(resource)} does not implement the scale subresource`)
    }
  }
}

function toOwner({ metadata, spec }: DeepReadonly<Scaled>): Owner {
  // One replica is the default of all that are cached; a scale always says.
  return { uid: metadata.uid ?? '', replicas: spec?.replicas ?? 1 }
}
