/**
 * Who owns whom, over every object of the cluster, by UID. Holds names and references only, never objects: a node is
 * some 200 bytes. An owner that is referred to but has not been seen is a virtual node. Changes are synchronous; what
 * they call for is reported to the listener. Upstream: pkg/controller/garbagecollector/{graph,graph_builder}.go.
 */
import type { KubeObject, OwnerReference } from '#machinery/api/meta/v1.ts'
import type { GroupResource, Resource } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export const ORPHAN_FINALIZER = 'orphan'
export const FOREGROUND_FINALIZER = 'foregroundDeletion'

type Owners = readonly DeepReadonly<OwnerReference>[]

const NO_OWNERS: Owners = Object.freeze([])

export interface GraphNode {
  readonly uid: string
  /** As its kind is watched now, or for a virtual node as it was referred to. */
  apiVersion: string
  readonly kind: string
  /** '' for cluster-scoped objects; for a virtual node, that of the dependent that named it. */
  readonly namespace: string
  readonly name: string
  /** Undefined while the node is virtual: nobody has seen the object. */
  resource: Resource | undefined
  owners: Owners
  /** Undefined: none. Most objects own nothing, and an empty set costs more than the rest of the node. */
  dependents: Set<GraphNode> | undefined
  isBeingDeleted: boolean
  /** In foreground deletion: its dependents go first. */
  isDeletingDependents: boolean
  isOrphaning: boolean
}

/** Told what to look at; must only note it. */
export interface GraphListener {
  /** It may be garbage, or may have to be waited for no longer. */
  attemptToDelete(node: GraphNode): void
  /** Its dependents are to be kept without it. */
  attemptToOrphan(node: GraphNode): void
  /** The owner it names lives in another namespace, which cannot be. */
  invalidOwnerNamespace(dependent: GraphNode, owner: GraphNode): void
  /** It is gone, and others have named it as their owner. */
  ownerAbsent(owner: GraphNode): void
}

export class DependencyGraph {
  readonly #nodes = new Map<string, GraphNode>()
  readonly #listener: GraphListener

  constructor(listener: GraphListener) {
    this.#listener = listener
  }

  get size(): number {
    return this.#nodes.size
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  /** The object was seen in this state. */
  upsert(resource: Resource, object: DeepReadonly<KubeObject>): void {
    const { uid = '' } = object.metadata
    const known = this.#nodes.get(uid)
    if (known === undefined || known.resource === undefined) this.#insert(resource, object, known)
    else this.#update(known, resource, object)
  }

  /** The object is gone. */
  remove(uid: string): void {
    const node = this.#nodes.get(uid)
    if (node === undefined) return
    this.#nodes.delete(uid)
    for (const { uid: ownerUid } of node.owners) this.#removeDependent(ownerUid, node)
    if (node.resource === undefined) this.#tryOtherIdentity(node)
    if (node.dependents !== undefined) this.#listener.ownerAbsent(node)
    for (const dependent of node.dependents ?? []) this.#listener.attemptToDelete(dependent)
    for (const { uid: ownerUid } of node.owners) {
      const owner = this.#nodes.get(ownerUid)
      if (owner?.isDeletingDependents === true) this.#listener.attemptToDelete(owner)
    }
  }

  /** A live read has not found it. What has been seen under its UID meanwhile, in its true place, stays. */
  notFound(node: GraphNode): void {
    if (this.#nodes.get(node.uid) === node) this.remove(node.uid)
  }

  /** UIDs of the objects seen of one resource, in whichever version. */
  *uidsOf({ group, resource }: GroupResource): IterableIterator<string> {
    for (const node of this.#nodes.values())
      if (node.resource?.resource === resource && node.resource.group === group) yield node.uid
  }

  #insert(resource: Resource, object: DeepReadonly<KubeObject>, virtual: GraphNode | undefined): void {
    const { uid = '', namespace = '', name = '', ownerReferences = NO_OWNERS } = object.metadata
    const node: GraphNode = {
      uid,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      namespace,
      name,
      resource,
      owners: ownerReferences,
      dependents: virtual?.dependents,
      isBeingDeleted: object.metadata.deletionTimestamp !== undefined,
      isDeletingDependents: false,
      isOrphaning: false,
    }
    this.#nodes.set(uid, node)
    for (const dependent of node.dependents ?? []) this.#checkReference(dependent, node)
    this.#addDependent(node, ownerReferences)
    this.#startDeletion(node, object)
  }

  #update(node: GraphNode, resource: Resource, object: DeepReadonly<KubeObject>): void {
    if (node.resource !== resource) {
      // The kind is watched in another version by now.
      node.resource = resource
      node.apiVersion = apiVersionOf(resource)
    }
    const { ownerReferences = NO_OWNERS, deletionTimestamp } = object.metadata
    if (ownerReferences !== node.owners) this.#replaceOwners(node, ownerReferences)
    if (deletionTimestamp !== undefined) node.isBeingDeleted = true
    this.#startDeletion(node, object)
  }

  #replaceOwners(node: GraphNode, owners: Owners): void {
    const before = new Map(node.owners.map((owner) => [owner.uid, owner]))
    const after = new Map(owners.map((owner) => [owner.uid, owner]))
    node.owners = owners
    this.#addDependent(
      node,
      owners.filter(({ uid }) => !before.has(uid)),
    )
    for (const [uid, old] of before) {
      const isUnblocked = old.blockOwnerDeletion === true && after.get(uid)?.blockOwnerDeletion !== true
      if (!after.has(uid)) this.#removeDependent(uid, node)
      const owner = isUnblocked ? this.#nodes.get(uid) : undefined
      if (owner !== undefined) this.#listener.attemptToDelete(owner)
    }
  }

  #addDependent(node: GraphNode, owners: Owners): void {
    for (const reference of owners) {
      let owner = this.#nodes.get(reference.uid)
      if (owner === undefined) {
        owner = virtualNode(reference, node.namespace)
        this.#nodes.set(owner.uid, owner)
        this.#listener.attemptToDelete(owner)
      }
      if (owner.dependents === undefined) owner.dependents = new Set([node])
      else owner.dependents.add(node)
      this.#checkReference(node, owner)
    }
  }

  /** The owner is not what the dependent says that named it first: of another name, kind or namespace it may be there. */
  #tryOtherIdentity(node: GraphNode): void {
    const others = [...(node.dependents ?? [])].filter(
      (dependent) => dependent.namespace !== node.namespace || !isNamedRightly(dependent, node),
    )
    const [next] = others
    const reference = next?.owners.find(({ uid }) => uid === node.uid)
    if (next === undefined || reference === undefined) return
    const virtual = { ...virtualNode(reference, next.namespace), dependents: new Set(others) }
    this.#nodes.set(node.uid, virtual)
    this.#listener.attemptToDelete(virtual)
  }

  #removeDependent(ownerUid: string, node: GraphNode): void {
    const owner = this.#nodes.get(ownerUid)
    if (owner?.dependents === undefined) return
    owner.dependents.delete(node)
    if (owner.dependents.size > 0) return
    owner.dependents = undefined
    // A virtual node nobody names any more stands for nothing.
    if (owner.resource === undefined) this.#nodes.delete(ownerUid)
  }

  /** A dependent that says of its owner what is not so, or what others do not say, is looked at: its owner may be nobody. */
  #checkReference(dependent: GraphNode, owner: GraphNode): void {
    const isElsewhere = owner.resource?.namespaced === true && owner.namespace !== dependent.namespace
    if (isElsewhere) this.#listener.invalidOwnerNamespace(dependent, owner)
    // Named from outside of every namespace, where an owner of a namespaced kind is not even looked for.
    const isUnsought = owner.resource === undefined && owner.namespace === '' && dependent.namespace !== ''
    if (isElsewhere || isUnsought || !isNamedRightly(dependent, owner)) this.#listener.attemptToDelete(dependent)
  }

  /** A finalizer that was removed and comes back, by another deletion of what is still there, starts it once more. */
  #startDeletion(node: GraphNode, { metadata }: DeepReadonly<KubeObject>): void {
    if (metadata.deletionTimestamp === undefined) return
    const isOrphaning = metadata.finalizers?.includes(ORPHAN_FINALIZER) ?? false
    const isForeground = !isOrphaning && (metadata.finalizers?.includes(FOREGROUND_FINALIZER) ?? false)
    const startsOrphaning = isOrphaning && !node.isOrphaning
    const startsForeground = isForeground && !node.isDeletingDependents
    node.isOrphaning = isOrphaning
    node.isDeletingDependents = isForeground
    if (startsOrphaning) this.#listener.attemptToOrphan(node)
    if (!startsForeground) return
    for (const dependent of node.dependents ?? []) this.#listener.attemptToDelete(dependent)
    this.#listener.attemptToDelete(node)
  }
}

/** The reference with the owner's UID says its kind and name, too. */
function isNamedRightly(dependent: GraphNode, { uid, apiVersion, kind, name }: GraphNode): boolean {
  const reference = dependent.owners.find((owner) => owner.uid === uid)
  if (reference === undefined) return true
  return reference.apiVersion === apiVersion && reference.kind === kind && reference.name === name
}

function virtualNode(reference: DeepReadonly<OwnerReference>, namespace: string): GraphNode {
  return {
    uid: reference.uid,
    apiVersion: reference.apiVersion,
    kind: reference.kind,
    namespace,
    name: reference.name,
    resource: undefined,
    owners: NO_OWNERS,
    dependents: undefined,
    isBeingDeleted: false,
    isDeletingDependents: false,
    isOrphaning: false,
  }
}

/** Dependents that the owner has to wait for in foreground deletion. */
export function blockingDependents(owner: GraphNode): GraphNode[] {
  return [...(owner.dependents ?? [])].filter((dependent) =>
    dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion === true),
  )
}
