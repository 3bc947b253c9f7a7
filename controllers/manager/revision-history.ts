/**
 * The ControllerRevisions of StatefulSets and DaemonSets: the one of the current template is found, renumbered or made; those
 * beyond the limit go. Upstream: pkg/controller/history, constructHistory of daemon. Differs: both kinds claim alike (adopt
 * and release) and count collisions in their status.
 */
import { CONTROLLER_REVISIONS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { ControllerRevision } from '#machinery/api/apps/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import { isAlreadyExists, newNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newControllerReference } from '#sdk'
import { claim, ORPHAN_INDEX, orphanIndexOf, orphanIndexValue } from './claim.ts'
import type { RevisionData } from './revision-data.ts'
import { isSameData, revisionHash } from './revision-data.ts'

/** Of a longer name the rest is left out, to make room for the hash. */
const OWNER_NAME_MAX = 223

export type RevisionView = DeepReadonly<ControllerRevision>

/** Whose history it is. */
export interface RevisionOwner {
  readonly owner: DeepReadonly<KubeObject>
  readonly resource: Resource
  /** What the current revision holds. */
  readonly data: RevisionData
  readonly selector: LabelSelectorMatcher
  /** Label of the revision that holds its hash. */
  readonly hashLabel: string
}

export interface CurrentRevision {
  /** Of an owner that is going it may be a draft. */
  readonly revision: RevisionView
  /** Others with the same template, from before an adoption. */
  readonly duplicates: readonly RevisionView[]
  /** How often a name was found taken by another template, for the owner's status. */
  readonly collisions: number
}

export class RevisionHistory {
  readonly #client: Client
  readonly #revisions: Lister<ControllerRevision>

  constructor(client: Client, revisions: Informer<ControllerRevision>) {
    this.#client = client
    revisions.addIndex(ORPHAN_INDEX, orphanIndexOf)
    this.#revisions = revisions.lister
  }

  /** The owner's revisions, oldest first; matching orphans are adopted. */
  async claim({ owner, resource, selector }: RevisionOwner, signal: AbortSignal): Promise<readonly RevisionView[]> {
    const { namespace, uid = '' } = owner.metadata
    const candidates = [
      ...this.#revisions.byIndex('controller-uid', uid),
      ...this.#revisions.byIndex(ORPHAN_INDEX, orphanIndexValue(namespace)),
    ]
    const how = { owner, resource, children: CONTROLLER_REVISIONS, selector }
    const claimed = await claim<ControllerRevision>(how, candidates, this.#client, signal)
    return [...claimed].sort(byRevision)
  }

  /** One that lacks the label with its hash gets its name there, which no other has. */
  async labelled(
    { hashLabel }: RevisionOwner,
    claimed: readonly RevisionView[],
    signal: AbortSignal,
  ): Promise<readonly RevisionView[]> {
    const revisions: RevisionView[] = []
    for (const found of claimed) {
      if (found.metadata.labels?.[hashLabel] === undefined) {
        const draft = deepCopy<ControllerRevision>(found)
        draft.metadata.labels = { ...draft.metadata.labels, [hashLabel]: found.metadata.name ?? '' }
        revisions.push(await this.#client.update(CONTROLLER_REVISIONS, draft, { signal }))
      } else revisions.push(found)
    }
    return revisions
  }

  /** The revision of the owner's template, numbered higher than all others of `claimed`. */
  async current(
    whose: RevisionOwner,
    claimed: readonly RevisionView[],
    collisions: number,
    signal: AbortSignal,
  ): Promise<CurrentRevision> {
    const { data } = whose
    const equal = claimed.filter((revision) => isSameData(revision.data, data))
    const found = equal.at(-1)
    const others = claimed.filter((revision) => !equal.includes(revision))
    const number = (others.at(-1)?.revision ?? 0) + 1
    if (found === undefined) return this.#create(whose, number, collisions, signal)
    const duplicates = equal.slice(0, -1)
    if (found.revision >= number) return { revision: found, duplicates, collisions }
    const draft = deepCopy<ControllerRevision>(found)
    draft.revision = number
    return { revision: await this.#client.update(CONTROLLER_REVISIONS, draft, { signal }), duplicates, collisions }
  }

  /** `candidates`: oldest first, none of them in use. */
  async truncate(candidates: readonly RevisionView[], surplus: number, signal: AbortSignal): Promise<void> {
    for (const revision of candidates.slice(0, Math.max(0, surplus))) await this.delete(revision, signal)
  }

  async delete(revision: RevisionView, signal: AbortSignal): Promise<void> {
    const { uid = '' } = revision.metadata
    const options = { preconditions: { uid }, signal }
    await this.#client.delete(CONTROLLER_REVISIONS, objectKeyOf(revision), options).catch(undefinedIfNotFound)
  }

  /**
   * The name is the hash of the data, so that creating it twice is creating it once. Whoever is going gets no new one: the
   * garbage collector would delete it, which would wake us to make it again.
   */
  async #create(whose: RevisionOwner, number: number, before: number, signal: AbortSignal): Promise<CurrentRevision> {
    const { data, owner, resource } = whose
    const live = await this.#client.get(resource, objectKeyOf(owner), { signal })
    if (live.metadata.uid !== owner.metadata.uid) throw newNotFound(resource, owner.metadata.name ?? '')
    if (live.metadata.deletionTimestamp !== undefined)
      return { revision: newRevision(whose, number, revisionHash(data, before)), duplicates: [], collisions: before }
    for (let collisions = before; ; collisions++) {
      const draft = newRevision(whose, number, revisionHash(data, collisions))
      try {
        const revision = await this.#client.create(CONTROLLER_REVISIONS, draft, { signal })
        return { revision, duplicates: [], collisions }
      } catch (err: unknown) {
        if (!isAlreadyExists(err)) throw err
        const existing = await this.#client.get(CONTROLLER_REVISIONS, objectKeyOf(draft), { signal })
        if (isSameData(existing.data, data)) return { revision: existing, duplicates: [], collisions }
      }
    }
  }
}

function newRevision(whose: RevisionOwner, number: number, hash: string): ControllerRevision {
  const { owner, resource, data, hashLabel } = whose
  const { name = '', namespace, annotations } = owner.metadata
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name.slice(0, OWNER_NAME_MAX)}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...data.spec.template.metadata?.labels, [hashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ownerReferences: [newControllerReference(owner, resource)],
    },
    data: deepCopy<unknown>(data),
    revision: number,
  }
}

function byRevision(a: RevisionView, b: RevisionView): number {
  if (a.revision !== b.revision) return a.revision - b.revision
  const [first, second] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (first !== second) return first < second ? -1 : 1
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}
