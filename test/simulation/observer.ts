/**
 * Sees every write of the simulated cluster in its one true order, below the API, and has every invariant judge it. What is
 * found wrong is kept and told at the end, with the revision.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import type { Storage, StorageEvent } from '#apiserver/storage/interface.ts'
import { budgetsHold } from './invariants/budgets.ts'
import { cronJobsForbidOverlaps } from './invariants/cron-jobs.ts'
import { daemonSetsStayAvailable } from './invariants/daemon-sets.ts'
import { DeploymentAvailability, DeploymentSurge } from './invariants/deployments.ts'
import type { Change, Cluster, Invariant } from './invariants/interface.ts'
import { indexedJobsRunEachIndexOnce, JobsKeepTheirParallelism } from './invariants/jobs.ts'
import { antiAffinityHolds, SpreadHolds } from './invariants/placement.ts'
import { PreemptionFollowsPriority } from './invariants/priorities.ts'
import { QuotasHold } from './invariants/quotas.ts'
import { addressesAreNotShared } from './invariants/services.ts'
import { statefulSetsGoInOrder, statefulSetsTakeOneAtATime } from './invariants/stateful-sets.ts'
import { volumesAreBoundOnce } from './invariants/volumes.ts'
import { isWatched, prefixOf, prefixOfKey } from './watched-kinds.ts'

export interface ObserverOptions {
  /**
   * A write that has happened may be taken for one that has not, and be made again: too many Pods are then removed, not
   * prevented, and one too many may go. Upstream promises no more.
   */
  readonly answersAreLost: boolean
  readonly areEventsLate: boolean
}

const TEMPORARY_NAMESPACE = /\/(busy-\d)\//

const invariants = (): readonly Invariant[] => [
  new DeploymentSurge(),
  new DeploymentAvailability(),
  statefulSetsGoInOrder,
  statefulSetsTakeOneAtATime,
  daemonSetsStayAvailable,
  indexedJobsRunEachIndexOnce,
  new JobsKeepTheirParallelism(),
  cronJobsForbidOverlaps,
  antiAffinityHolds,
  new SpreadHolds(),
  volumesAreBoundOnce,
  addressesAreNotShared,
  budgetsHold,
  new PreemptionFollowsPriority(),
  new QuotasHold(),
]

export class Observer implements Cluster {
  readonly violations: string[] = []
  readonly answersAreLost: boolean
  readonly areEventsLate: boolean
  readonly #invariants = invariants()
  readonly #invariantsOf = byPrefix(this.#invariants)
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  readonly #keys = new Map<string, Set<string>>()
  isCalm = false
  isEvicting = false
  hasCrashed = false
  revision = 0

  constructor(options: ObserverOptions) {
    this.answersAreLost = options.answersAreLost
    this.areEventsLate = options.areEventsLate
  }

  async watch(storage: Storage, signal: AbortSignal): Promise<void> {
    const onEvents = (events: readonly StorageEvent[]): void => {
      for (const event of events) this.#onEvent(event)
    }
    const onError = (err: Error): void => this.violated(`the log could not be read: ${err.message}`)
    await storage.watch('/registry/', await storage.currentRevision(), { onEvents, onError }, signal)
  }

  /** The cluster is at rest: what workloads asked for before no longer excuses anything. */
  atRest(isCalmFromNow: boolean): void {
    for (const invariant of this.#invariants) invariant.atRest?.(this)
    this.isCalm = isCalmFromNow
    this.hasCrashed = false
  }

  /** From now on Pods also go for other reasons. */
  disturb(): void {
    this.isCalm = false
  }

  /** What a process was doing when it died may still happen after the next one has looked. */
  crashed(): void {
    this.hasCrashed = true
  }

  objects<T extends KubeObject>(resource: GroupResource): T[] {
    return [...(this.#objects.get(prefixOf(resource))?.values() ?? [])] as T[]
  }

  /** Everything that is stored in a namespace of that name, of all kinds. */
  keysIn(namespace: string): readonly string[] {
    return [...(this.#keys.get(namespace) ?? [])]
  }

  violated(what: string): void {
    this.violations.push(`revision ${this.revision}: ${what}`)
  }

  /** Of namespaces that may be deleted. */
  #noteKey(key: string, isGone: boolean): void {
    const namespace = TEMPORARY_NAMESPACE.exec(key)?.[1]
    if (namespace === undefined) return
    const keys = this.#keys.get(namespace) ?? new Set<string>()
    this.#keys.set(namespace, keys)
    if (isGone) keys.delete(key)
    else keys.add(key)
  }

  #onEvent({ key, type, value, revision }: StorageEvent): void {
    if (revision <= this.revision) this.violated(`revision ${revision} came after ${this.revision}`)
    this.revision = revision
    this.#noteKey(key, type === 'delete')
    const prefix = prefixOfKey(key)
    if (!isWatched(prefix)) return
    const objects = this.#objects.get(prefix) ?? new Map<string, KubeObject>()
    this.#objects.set(prefix, objects)
    const before = objects.get(key)
    const after = type === 'delete' ? undefined : (JSON.parse(value.toString()) as KubeObject)
    if (after === undefined) objects.delete(key)
    else objects.set(key, after)
    const change: Change<KubeObject> = { before, after }
    for (const invariant of this.#invariantsOf.get(prefix) ?? []) invariant.onChange(change, this)
  }
}

function byPrefix(invariants: readonly Invariant[]): ReadonlyMap<string, readonly Invariant[]> {
  const prefixes = new Set(invariants.flatMap(({ resources }) => resources.map(prefixOf)))
  const judging = (prefix: string) =>
    invariants.filter(({ resources }) => resources.some((r) => prefixOf(r) === prefix))
  return new Map([...prefixes].map((prefix) => [prefix, judging(prefix)]))
}
