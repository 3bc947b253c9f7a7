/**
 * Decides about one node at a time whether its object is garbage, always on live reads: the graph only says where to
 * look. Deletes, unblocks foreground deletions, and frees dependents that are to be kept.
 * Upstream: pkg/controller/garbagecollector/garbagecollector.go attemptToDeleteItem, attemptToOrphanWorker.
 * Differs: owner references are changed by merge patches bound to the resourceVersion, for built-in kinds as well.
 */
import type { KubeObject, OwnerReference } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isConflict, isNotFound, isStatusError, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { ObjectKey, Resource } from '#machinery/meta/resource.ts'
import { tryParseApiVersion } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AbsentOwners } from './absent-owners.ts'
import type { DependencyGraph, GraphNode } from './graph.ts'
import { blockingDependents, FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './graph.ts'
import type { GraphMonitors } from './monitors.ts'

type Live = DeepReadonly<KubeObject>
type Owner = DeepReadonly<OwnerReference>

const CONFLICT_TRIES_MAX = 5
/** Dependents of one owner that are released at the same time. */
const ORPHANS_AT_ONCE = 16

/** The owner's kind is not served (yet): nothing can be said about it, so nothing is deleted. */
export class UnknownKindError extends Error {
  override readonly name = 'UnknownKindError'
}

export interface CollectorDependencies {
  readonly client: Client
  readonly graph: DependencyGraph
  readonly monitors: GraphMonitors
  readonly absentOwners: AbsentOwners
  attemptToDelete(node: GraphNode): void
}

interface ClassifiedOwners {
  readonly solid: readonly Owner[]
  readonly dangling: readonly Owner[]
  readonly waitingForDependents: readonly Owner[]
}

export class Collector {
  readonly #client: Client
  readonly #graph: DependencyGraph
  readonly #monitors: GraphMonitors
  readonly #absentOwners: AbsentOwners
  readonly #attemptToDelete: (node: GraphNode) => void

  constructor(dependencies: CollectorDependencies) {
    this.#client = dependencies.client
    this.#graph = dependencies.graph
    this.#monitors = dependencies.monitors
    this.#absentOwners = dependencies.absentOwners
    this.#attemptToDelete = (node) => dependencies.attemptToDelete(node)
  }

  /** 'again': the node is virtual still and has to be looked at later. */
  async collect(node: GraphNode, signal: AbortSignal): Promise<'done' | 'again'> {
    // Its deletion is under way; the watch will tell of its end.
    if (node.isBeingDeleted && !node.isDeletingDependents) return 'done'
    const resource = this.#resourceOf(node)
    if (resource.namespaced && node.namespace === '') return 'done'
    const key = keyFor(resource, node)
    const live = await this.#client.get(resource, key, { signal }).catch(undefinedIfGone)
    if (live === undefined || live.metadata.uid !== node.uid) {
      this.#graph.notFound(node)
      return 'done'
    }
    if (node.resource === undefined) return 'again'
    if (node.isDeletingDependents) await this.#continueForeground(node, resource, signal)
    else await this.#deleteIfUnowned(node, resource, live, signal)
    return 'done'
  }

  /** Takes the owner out of its dependents' references, then lets it go. */
  async orphan(owner: GraphNode, signal: AbortSignal): Promise<void> {
    const dependents = [...(owner.dependents ?? [])].values()
    // They share one iterator: each takes the next dependent. The first failure ends this try, all of it is repeated.
    await Promise.all(Array.from({ length: ORPHANS_AT_ONCE }, () => this.#release(dependents, owner.uid, signal)))
    await this.#removeFinalizer(owner, this.#resourceOf(owner), ORPHAN_FINALIZER, signal)
  }

  async #release(dependents: Iterator<GraphNode>, ownerUid: string, signal: AbortSignal): Promise<void> {
    for (let next = dependents.next(); next.done !== true; next = dependents.next()) {
      const resource = this.#resourceOf(next.value)
      const live = await this.#live(next.value, resource, signal)
      if (live !== undefined) await this.#withoutOwners(resource, live, new Set([ownerUid]), signal)
    }
  }

  async #continueForeground(node: GraphNode, resource: Resource, signal: AbortSignal): Promise<void> {
    const blocking = blockingDependents(node)
    if (blocking.length === 0) {
      await this.#removeFinalizer(node, resource, FOREGROUND_FINALIZER, signal)
      return
    }
    for (const dependent of blocking) if (!dependent.isDeletingDependents) this.#attemptToDelete(dependent)
  }

  async #deleteIfUnowned(node: GraphNode, resource: Resource, live: Live, signal: AbortSignal): Promise<void> {
    const owners = live.metadata.ownerReferences ?? []
    if (owners.length === 0) return
    const classified = await this.#classify(node, owners, signal)
    if (classified === undefined) return
    const { solid, dangling, waitingForDependents } = classified
    if (solid.length > 0) {
      const useless = new Set([...dangling, ...waitingForDependents].map(({ uid }) => uid))
      if (useless.size > 0) await this.#withoutOwners(resource, live, useless, signal)
      return
    }
    const dependents = [...(node.dependents ?? [])]
    if (waitingForDependents.length === 0 || dependents.length === 0) {
      await this.#delete(node, resource, live, policyOf(live), signal)
      return
    }
    // An owner waits for us and we for one of our dependents: in a circle everybody would wait for ever.
    const isCircle = dependents.some((dependent) => dependent.isDeletingDependents)
    const current = isCircle ? await this.#unblockOwners(resource, live, signal) : live
    await this.#delete(node, resource, current, 'Foreground', signal)
  }

  /** Undefined: one of them cannot be, so that nothing is done about any. */
  async #classify(
    node: GraphNode,
    owners: readonly Owner[],
    signal: AbortSignal,
  ): Promise<ClassifiedOwners | undefined> {
    const solid: Owner[] = []
    const dangling: Owner[] = []
    const waitingForDependents: Owner[] = []
    for (const reference of owners) {
      const owner = await this.#findOwner(node, reference, signal)
      if (owner === 'unreachable') return undefined
      if (owner === 'absent') dangling.push(reference)
      else if (isWaitingForDependents(owner)) waitingForDependents.push(reference)
      else solid.push(reference)
    }
    return { solid, dangling, waitingForDependents }
  }

  async #findOwner(node: GraphNode, reference: Owner, signal: AbortSignal): Promise<Live | 'absent' | 'unreachable'> {
    if (this.#absentOwners.has(reference, node.namespace)) return 'absent'
    const resource = this.#resourceOf(reference)
    // A cluster-scoped object cannot be owned from inside a namespace: the reference is wrong, not proof of anything.
    if (resource.namespaced && node.namespace === '') return 'unreachable'
    const namespace = resource.namespaced ? node.namespace : ''
    if (this.#absentOwners.has(reference, namespace)) return 'absent'
    const key = keyFor(resource, { namespace, name: reference.name })
    const owner = await this.#client.get(resource, key, { signal }).catch(undefinedIfGone)
    if (owner !== undefined && owner.metadata.uid === reference.uid) return owner
    this.#absentOwners.add(reference, namespace)
    return 'absent'
  }

  async #withoutOwners(resource: Resource, live: Live, uids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const ownerReferences = (live.metadata.ownerReferences ?? []).filter(({ uid }) => !uids.has(uid))
    if (ownerReferences.length === (live.metadata.ownerReferences ?? []).length) return
    await this.#patchMetadata(resource, live, { ownerReferences }, signal).catch(undefinedIfNotFound)
  }

  async #unblockOwners(resource: Resource, live: Live, signal: AbortSignal): Promise<Live> {
    const ownerReferences = (live.metadata.ownerReferences ?? []).map((owner) => ({
      ...owner,
      blockOwnerDeletion: false,
    }))
    return this.#patchMetadata(resource, live, { ownerReferences }, signal)
  }

  /** Bound to UID and version: whoever changed its owners meanwhile makes this a Conflict, and we look again. */
  async #delete(
    node: GraphNode,
    resource: Resource,
    live: Live,
    propagationPolicy: 'Orphan' | 'Background' | 'Foreground',
    signal: AbortSignal,
  ): Promise<void> {
    const { uid = '', resourceVersion = '' } = live.metadata
    const options = { preconditions: { uid, resourceVersion }, propagationPolicy, signal }
    try {
      await this.#client.delete(resource, liveKey(resource, live), options)
    } catch (err: unknown) {
      undefinedIfGone(err)
      this.#graph.notFound(node)
    }
  }

  async #removeFinalizer(node: GraphNode, resource: Resource, finalizer: string, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      const live = await this.#live(node, resource, signal)
      const finalizers = live?.metadata.finalizers
      if (live === undefined || finalizers === undefined || !finalizers.includes(finalizer)) return
      try {
        const kept = finalizers.filter((other) => other !== finalizer)
        await this.#patchMetadata(resource, live, { finalizers: kept }, signal)
        return
      } catch (err: unknown) {
        if (isNotFound(err)) return
        if (!isConflict(err) || tries >= CONFLICT_TRIES_MAX) throw err
      }
    }
  }

  #patchMetadata(resource: Resource, live: Live, changes: object, signal: AbortSignal): Promise<Live> {
    const { uid, resourceVersion } = live.metadata
    const body = { metadata: { uid, resourceVersion, ...changes } }
    return this.#client.patch(resource, liveKey(resource, live), { type: 'merge', body }, { signal })
  }

  async #live(node: GraphNode, resource: Resource, signal: AbortSignal): Promise<Live | undefined> {
    const live = await this.#client.get(resource, keyFor(resource, node), { signal }).catch(undefinedIfGone)
    return live?.metadata.uid === node.uid ? live : undefined
  }

  #resourceOf(identity: { readonly apiVersion: string; readonly kind: string }): Resource {
    const group = tryParseApiVersion(identity.apiVersion)?.group
    const resource = group === undefined ? undefined : this.#monitors.resourceOf({ group, kind: identity.kind })
    if (resource === undefined) throw new UnknownKindError(`${identity.kind} of ${identity.apiVersion} is not served`)
    return resource
  }
}

function keyFor(
  resource: Resource,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): ObjectKey {
  return resource.namespaced ? { namespace, name } : { name }
}

/** A 404 that names no object comes of a version that is served no longer: it says nothing about the object. */
function undefinedIfGone(err: unknown): undefined {
  if (isNotFound(err) && isStatusError(err) && err.status.details?.name === undefined)
    throw new UnknownKindError('the version that was watched is served no longer')
  return undefinedIfNotFound(err)
}

function liveKey(resource: Resource, { metadata }: Live): ObjectKey {
  return keyFor(resource, { namespace: metadata.namespace ?? '', name: metadata.name ?? '' })
}

function isWaitingForDependents({ metadata }: Live): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(FOREGROUND_FINALIZER) ?? false)
}

/** As the object itself asks for: its own dependents are treated as it would have been told. */
function policyOf({ metadata }: Live): 'Orphan' | 'Background' | 'Foreground' {
  if (metadata.finalizers?.includes(ORPHAN_FINALIZER) === true) return 'Orphan'
  return metadata.finalizers?.includes(FOREGROUND_FINALIZER) === true ? 'Foreground' : 'Background'
}
