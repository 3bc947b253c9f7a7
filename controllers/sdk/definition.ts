/**
 * A controller as data: what it reconciles, what else wakes it, what it may do. Queue, workers, identity, RBAC, metrics,
 * health and logs are derived from this by the manager. Upstream's nearest: controller-runtime pkg/builder.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Selection } from '#machinery/informers/reflector.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { GroupResource, ObjectKey, Resource } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ExponentialBackoffOptions } from '#machinery/workqueue/rate-limiter.ts'
import type { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type { EventRecorder } from './events/recorder.ts'
import type { Result } from './result.ts'

/**
 * Makes the world match one object. Called with a key, never with an event: it reads what it needs, and must be correct
 * when called twice, late, or for an object that is gone. Never called concurrently for one key. A throw means "again,
 * with backoff"; a Conflict does so quietly; NotFound of the object itself means success.
 */
export interface Reconciler {
  reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result>
}

export type Verb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  | 'approve'
  | 'sign'
  | '*'

export interface Permission {
  /** A resource, or ANY_RESOURCE. */
  readonly resource: GroupResource
  readonly verbs: readonly Verb[]
  /** For the subresource instead of the resource: 'status', 'finalize'… */
  readonly subresource?: string
  /** Only objects of these names. */
  readonly names?: readonly string[]
}

export const ANY_RESOURCE: GroupResource = { group: '*', resource: '*' }

/** Another resource whose changes wake the controller. */
export interface WatchSpec {
  readonly resource: Resource
  /** Only these objects, chosen by the server: of a busy resource only what matters is cached and heard of. */
  readonly selection?: Selection
  /**
   * The keys to reconcile when such an object appears, changes (asked for the old and the new state) or goes. Absent:
   * the controller owner, when it is of the reconciled kind. Must be pure and cheap.
   */
  toKeys?(object: DeepReadonly<KubeObject>): readonly ObjectKey[]
  /** Waits this long before reconciling, so that a burst of changes is one reconcile. */
  readonly batchMs?: number
}

/** Typed spelling of a WatchSpec with a mapping. */
export function watching<T extends KubeObject>(
  resource: Resource<T>,
  toKeys: (object: DeepReadonly<T>) => readonly ObjectKey[],
  selection: Selection = {},
): WatchSpec {
  return { resource, selection, toKeys: (object) => toKeys(object as DeepReadonly<T>) }
}

/** What a controller may use. Nothing else of the process is reachable from it. */
export interface ControllerContext {
  /** Acts with the controller's own identity. */
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly events: EventRecorder
  /** By upstream's name of the feature gate. In an operator of its own: false. */
  isGateEnabled(name: string): boolean
  /** A further queue with upstream's retry delays, measured under this name. */
  newQueue(name: string): WorkQueue
  /** The shared cache; filled before the first reconcile when asked for during `create`. */
  lister<T extends KubeObject>(resource: Resource<T>, selection?: Selection): Lister<T>
  /** The shared informer; handlers added to it are removed when this run ends. */
  informer<T extends KubeObject>(resource: Resource<T>, selection?: Selection): Informer<T>
}

export interface ReconcilerContext extends ControllerContext {
  /** For sources of work that are not watches. */
  enqueue(key: ObjectKey, afterMs?: number): void
}

/** When and where a controller runs; read by the manager. */
export interface RunConditions {
  /** Upstream's feature gate that must be on. */
  readonly featureGate?: string
  /** A resource that need not be served: where it is not, the controller does not run. */
  readonly needs?: GroupResource
  /** `--controllers=*` leaves it out: it must be named. */
  readonly isDisabledByDefault?: boolean
  /** Runs whether or not this server leads: it works on what only this machine has (its manifests folder). */
  readonly runsOnEveryServer?: boolean
}

export interface ControllerDefinition<T extends KubeObject = KubeObject> extends RunConditions {
  /** From controllers/manager/names.ts for built-ins: identity, metric label, flag. */
  readonly name: string
  /** Its keys are the queue's keys. */
  readonly reconciles: Resource<T>
  readonly watches?: readonly WatchSpec[]
  readonly permissions: readonly Permission[]
  /** Keys reconciled at the same time. Default 1. */
  readonly concurrency?: number
  /** Per-key backoff after failures. Default: 5 ms doubling to 1000 s. */
  readonly backoff?: ExponentialBackoffOptions
  /** Called once per start (again after a crash). Add informer handlers here, before the caches fill. */
  create(context: ReconcilerContext): Reconciler
}

/** A controller that is not "one resource, one queue": the garbage collector's graph, for example. */
export interface ComponentDefinition extends RunConditions {
  readonly name: string
  /** Acts as this user, whose roles are part of the bootstrap policy, instead of an identity and role of its own. */
  readonly user?: string
  readonly permissions: readonly Permission[]
  createComponent(context: ControllerContext): ControllerComponent
}

export interface ControllerComponent {
  /** Works until the signal aborts; `onReady` is called once. A rejection is a crash: the component is made anew. */
  run(signal: AbortSignal, onReady: () => void): Promise<void>
  /** A snapshot for /debug/controllers. */
  debug?(): object
}

export type AnyControllerDefinition = ControllerDefinition | ComponentDefinition

/** Identity function that ties `reconciles`, `watches` and `create` together for the type checker. */
export function defineController<T extends KubeObject>(definition: ControllerDefinition<T>): ControllerDefinition<T> {
  return definition
}

export function defineComponent(definition: ComponentDefinition): ComponentDefinition {
  return definition
}
