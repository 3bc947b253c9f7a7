/**
 * Sees every write of the simulated cluster in its one true order, below the API, and checks what must hold at each of them.
 * What it finds wrong is kept and told at the end, with the revision.
 */
import { DEPLOYMENTS, REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment, ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import type { Storage, StorageEvent } from '#apiserver/storage/interface.ts'
import { controllerOf } from '#sdk'

const prefixOf = ({ group, resource }: GroupResource): string =>
  group === '' ? `/registry/${resource}/` : `/registry/${group}/${resource}/`

const POD_KEYS = prefixOf(PODS)
const REPLICA_SET_KEYS = prefixOf(REPLICA_SETS)
const DEPLOYMENT_KEYS = prefixOf(DEPLOYMENTS)
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index'

/** What a Deployment allowed since the cluster was last at rest: a controller may still act on any of these. */
interface Allowance {
  readonly podsMax: number
  readonly availableMin: number
}

export interface ObserverOptions {
  /**
   * A write that has happened may be taken for one that has not, and be made again: too many Pods are then removed, not
   * prevented, and one too many may go. Upstream promises no more.
   */
  readonly answersAreLost: boolean
}

export class Observer {
  readonly violations: string[] = []
  readonly #options: ObserverOptions
  readonly #objects = new Map<string, KubeObject>()
  readonly #allowances = new Map<string, Allowance[]>()
  /** Nothing but rollouts takes Pods away: only then availability is a promise. */
  #isCalm = false
  #revision = 0

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  async watch(storage: Storage, signal: AbortSignal): Promise<void> {
    const onEvents = (events: readonly StorageEvent[]): void => {
      for (const event of events) this.#onEvent(event)
    }
    const onError = (err: Error): void => this.#violated(`the log could not be read: ${err.message}`)
    await storage.watch('/registry/', await storage.currentRevision(), { onEvents, onError }, signal)
  }

  /** The cluster is at rest: what Deployments asked for before no longer excuses anything. */
  atRest(isCalmFromNow: boolean): void {
    this.#isCalm = isCalmFromNow
    this.#allowances.clear()
    for (const [key, object] of this.#objects) if (key.startsWith(DEPLOYMENT_KEYS)) this.#allow(object as Deployment)
  }

  /** From now on Pods also go for other reasons. */
  disturb(): void {
    this.#isCalm = false
  }

  objects<T extends KubeObject>(resource: GroupResource): T[] {
    const prefix = prefixOf(resource)
    return [...this.#objects].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object as T)
  }

  #onEvent({ key, type, value, revision }: StorageEvent): void {
    if (revision <= this.#revision) this.#violated(`revision ${revision} came after ${this.#revision}`)
    this.#revision = revision
    const before = this.#objects.get(key)
    if (type === 'delete') this.#objects.delete(key)
    else this.#objects.set(key, JSON.parse(value.toString()) as KubeObject)
    const after = this.#objects.get(key)
    if (key.startsWith(DEPLOYMENT_KEYS)) this.#onDeployment(after as Deployment | undefined)
    else if (key.startsWith(REPLICA_SET_KEYS)) this.#onReplicaSet(before as ReplicaSet | undefined, after as ReplicaSet)
    else if (key.startsWith(POD_KEYS)) this.#onPod(before as Pod | undefined, after as Pod | undefined)
  }

  #onDeployment(deployment: Deployment | undefined): void {
    if (deployment !== undefined) this.#allow(deployment)
  }

  #allow({ metadata, spec }: Deployment): void {
    const uid = metadata.uid ?? ''
    const replicas = spec.replicas ?? 1
    const isRolling = spec.strategy?.type !== 'Recreate'
    const { maxSurge, maxUnavailable } = spec.strategy?.rollingUpdate ?? {}
    const surge = isRolling ? scaled(maxSurge, replicas, Math.ceil) : 0
    const unavailable = isRolling ? scaled(maxUnavailable, replicas, Math.floor) : replicas
    // Both zero: upstream lets one be unavailable.
    const missing = surge === 0 && unavailable === 0 ? 1 : unavailable
    const allowances = this.#allowances.get(uid) ?? []
    allowances.push({ podsMax: replicas + surge, availableMin: replicas - missing })
    this.#allowances.set(uid, allowances)
  }

  /** maxSurge: whenever a ReplicaSet is made larger, all of them together stay within what was allowed. */
  #onReplicaSet(before: ReplicaSet | undefined, after: ReplicaSet | undefined): void {
    if (this.#options.answersAreLost) return
    if (after === undefined || (after.spec.replicas ?? 1) <= (before?.spec.replicas ?? 0)) return
    const owner = controllerOf(after)
    const allowances = this.#allowances.get(owner?.uid ?? '')
    if (owner === undefined || allowances === undefined) return
    const siblings = this.objects<ReplicaSet>(REPLICA_SETS).filter((set) => controllerOf(set)?.uid === owner.uid)
    const total = siblings.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0)
    const podsMax = Math.max(...allowances.map((allowance) => allowance.podsMax))
    if (total > podsMax) {
      const sets = siblings.map(({ metadata, spec }) => `${metadata.name}: ${spec.replicas}`).join(', ')
      this.#violated(`Deployment ${owner.name} has ${total} replicas in its sets (${sets}), ${podsMax} allowed`)
    }
  }

  #onPod(before: Pod | undefined, after: Pod | undefined): void {
    const pod = after ?? before
    if (pod === undefined) return
    this.#checkIndex(before, after)
    if (before !== undefined && isAvailable(before) && (after === undefined || !isAvailable(after)))
      this.#checkAvailability(before)
  }

  /** Indexed Jobs: no two Pods of one index that may both be running. */
  #checkIndex(before: Pod | undefined, after: Pod | undefined): void {
    const index = after?.metadata.annotations?.[COMPLETION_INDEX]
    if (before !== undefined || after === undefined || index === undefined || this.#options.answersAreLost) return
    const owner = controllerOf(after)?.uid
    const rivals = this.objects<Pod>(PODS).filter(
      (pod) =>
        controllerOf(pod)?.uid === owner && pod.metadata.annotations?.[COMPLETION_INDEX] === index && isActive(pod),
    )
    if (rivals.length > 1)
      this.#violated(`index ${index} has ${rivals.map(({ metadata }) => metadata.name).join(' and ')} at once`)
  }

  /** maxUnavailable: a rollout takes no Pod away that is needed. */
  #checkAvailability(gone: Pod): void {
    if (!this.#isCalm || this.#options.answersAreLost) return
    const set = this.objects<ReplicaSet>(REPLICA_SETS).find(({ metadata }) => metadata.uid === controllerOf(gone)?.uid)
    const owner = set === undefined ? undefined : controllerOf(set)
    const allowances = this.#allowances.get(owner?.uid ?? '')
    if (owner === undefined || allowances === undefined) return
    const sets = new Set(
      this.objects<ReplicaSet>(REPLICA_SETS)
        .filter((other) => controllerOf(other)?.uid === owner.uid)
        .map(({ metadata }) => metadata.uid),
    )
    const available = this.objects<Pod>(PODS).filter(
      (pod) => sets.has(controllerOf(pod)?.uid) && isAvailable(pod),
    ).length
    const availableMin = Math.min(...allowances.map((allowance) => allowance.availableMin))
    if (available < availableMin)
      this.#violated(`Deployment ${owner.name} has ${available} available Pods, at least ${availableMin} were promised`)
  }

  #violated(what: string): void {
    this.violations.push(`revision ${this.#revision}: ${what}`)
  }
}

function scaled(value: number | string | undefined, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  return round((Number.parseInt(value ?? '25%', 10) * total) / 100)
}

export function isActive({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
}

const isAvailable = (pod: Pod): boolean => isActive(pod) && isReady(pod)
