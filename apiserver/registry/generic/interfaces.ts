/**
 * Strategy / store split: the generic store owns the verbs, a Strategy owns one kind's policy, a ResourceDefinition is all
 * the server needs to serve a resource (routes, discovery, OpenAPI, tables, selectors are derived from it).
 * Upstream: apiserver pkg/registry/{rest,generic}.
 */
import type { DeleteOptions, KubeObject, ManagedFieldsEntry } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import type { ObjectSchema } from '#machinery/schema/interfaces.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import type { AdmissionView } from '../../admission/interfaces.ts'
import type { Annotate } from '../../audit/interfaces.ts'
import type { UserInfo } from '../../authentication/interfaces.ts'
import type { ConnectRequest, ConnectTarget } from '../../proxy/interfaces.ts'
import type { CachedObject, ObjectStore } from '../../storage/cacher/interface.ts'

/** What the verbs know of the request. */
export interface RequestContext {
  readonly user: UserInfo
  readonly namespace: string
  readonly isDryRun: boolean
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** Monotonic milliseconds; absent or undefined: there is none. */
  readonly deadlineMs?: number | undefined
  /** As it is authorized: update and patch are told apart. */
  readonly verb?: string
  warn(message: string): void
  /** For the audit event; absent or undefined where the request is not audited. */
  readonly annotate?: Annotate | undefined
}

/** One kind's policy. All hooks are synchronous and optional; `draft` may be changed, `old` never. */
export interface Strategy {
  /** Clears what a client may not set on create (status, …), sets generation. */
  prepareForCreate?(draft: KubeObject, context: RequestContext): void
  /** Keeps what a client may not change here (status, immutable bookkeeping), bumps generation. */
  prepareForUpdate?(draft: KubeObject, old: DeepReadonly<KubeObject>, context: RequestContext): void
  /** All errors, never the first only. ObjectMeta is validated by the generic store. */
  validate?(object: DeepReadonly<KubeObject>, context: RequestContext): FieldError[]
  validateUpdate?(
    object: DeepReadonly<KubeObject>,
    old: DeepReadonly<KubeObject>,
    context: RequestContext,
  ): FieldError[]
  warnings?(object: DeepReadonly<KubeObject>, old: DeepReadonly<KubeObject> | undefined): string[]
  /** Of a delete with these options, and of a deletecollection. */
  deletionWarnings?(options: DeleteOptions): string[]
  /** Last touch after validation. */
  canonicalize?(draft: KubeObject): void
  /** PUT on a missing object creates it (Lease, Endpoints, Role…). Default false. */
  readonly allowCreateOnUpdate?: boolean
  /** PUT without resourceVersion replaces whatever is there. Default true. */
  readonly allowUnconditionalUpdate?: boolean
  /** Upstream's RESTGracefulDeleteStrategy: returns the grace period, or undefined to delete at once. */
  gracePeriodSeconds?(object: DeepReadonly<KubeObject>, options: DeleteOptions): number | undefined
  /** 'Orphan' for the kinds upstream orphans by default; default Background. */
  readonly defaultGarbageCollection?: 'Background' | 'Orphan' | 'Unsupported'
  /** Extra finalizers on first deletion, or a veto (throws StatusError). Upstream: BeginDelete hooks. */
  beforeDelete?(draft: KubeObject, context: RequestContext): void
  /** Rules on metadata.name; default: DNS subdomain. */
  validateName?(name: string): string[]
  /** generateName is the name: no suffix makes one of this kind. Default false. */
  readonly hasPlainGeneratedNames?: boolean
  /** True keeps a deleted object until it turns false, as finalizers do (Namespace's spec.finalizers). */
  hasPendingFinalization?(object: DeepReadonly<KubeObject>): boolean
  /**
   * What writes with this strategy cannot change, as dotted paths: nobody owns a field by such a write. Default: status for
   * the resource itself and most views, spec for /status.
   */
  readonly resetFields?: readonly string[]
  /** DELETE answers the object instead of a Status (pods, services, …). Default false. */
  readonly returnsDeletedObject?: boolean
}

/** Work around a create/update/delete that is not a pure function of the object: IP allocation, for example. */
export interface StoreHooks {
  /** After admission and validation, before the write. Returns a rollback that runs if the write fails (or dryRun). */
  beginCreate?(draft: KubeObject, context: RequestContext): (() => void) | undefined
  beginUpdate?(draft: KubeObject, old: DeepReadonly<KubeObject>, context: RequestContext): (() => void) | undefined
  /** Of what was stored last. The request is answered when it is done; it does not throw. */
  afterDelete?(object: DeepReadonly<KubeObject>, context: RequestContext): void | Promise<void>
  /** Changes what is shown, never what is stored (e.g. fields computed on read). */
  decorate?(object: KubeObject): void
}

export interface TableColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format: string
  readonly description: string
  /** 0 = always shown, > 0 = with -o wide. */
  readonly priority: number
}

export interface TableRowCondition {
  readonly type: 'Completed'
  readonly status: 'True'
  readonly reason: string
  readonly message: string
}

/** Rows for `kubectl get`. Upstream: pkg/printers/internalversion. */
export interface TableConvertor {
  readonly columns: readonly TableColumn[]
  /** Order of the rows of a list. Default: that of the list. */
  compare?(a: DeepReadonly<KubeObject>, b: DeepReadonly<KubeObject>): number
  /** What a client may know of the row without reading cells: that a Pod has ended. */
  conditions?(object: DeepReadonly<KubeObject>): readonly TableRowCondition[] | undefined
  cells(object: DeepReadonly<KubeObject>, now: Date): unknown[]
}

/** A subresource served beside the main one. */
export type SubresourceDefinition =
  /** Same object, own strategy (status, approval, finalize, ephemeralcontainers, resize): get, update, patch. */
  | { readonly name: string; readonly type: 'view'; readonly strategy: Strategy; readonly verbs: readonly Verb[] }
  /** autoscaling/v1 Scale over JSON paths: get, update, patch. */
  | { readonly name: 'scale'; readonly type: 'scale'; readonly scale: ScaleMapping }
  /** A kind of its own, created: pods/binding, pods/eviction, serviceaccounts/token. */
  | {
      readonly name: string
      readonly type: 'create'
      readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
      /** Further apiVersions the object may be sent in, of the same shape. */
      readonly alsoAs?: readonly string[]
      create(parentName: string, object: KubeObject, context: RequestContext): Promise<KubeObject>
    }
  /** A stream to a node or a pod (log, exec, proxy…): get, create and what upstream lists. */
  | {
      readonly name: string
      readonly type: 'connect'
      readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
      readonly verbs: readonly Verb[]
      /** CONNECT is admitted with these, as an object of `kind`. Absent: read only, not admitted (log). */
      options?(request: ConnectRequest): Readonly<Record<string, unknown>>
      /** Throws StatusError when there is nothing to connect to. */
      locate(request: ConnectRequest): ConnectTarget | Promise<ConnectTarget>
    }

export interface ScaleMapping {
  /** `.spec.replicas` */
  readonly specReplicasPath: string
  readonly statusReplicasPath: string
  /** A metav1.LabelSelector (built-ins) or a string in status (CRDs); undefined = none. */
  readonly selector?: (object: DeepReadonly<KubeObject>) => string
  /** Of a Scale. Default: name and age. */
  readonly table?: TableConvertor
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

export const ALL_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]

/** How one version of a resource is read and written at the edge. */
export interface VersionDefinition {
  readonly version: string
  /** False: known (convertible) but not served. */
  readonly served: boolean
  /** Decoding rules: unknown-field detection, types, pruning, defaulting. */
  readonly schema: ObjectSchema
  /** To and from the storage version; absent when the shapes are equal (then only apiVersion is rewritten). */
  readonly toStorage?: (object: KubeObject) => KubeObject
  readonly fromStorage?: (object: DeepReadonly<KubeObject>) => KubeObject
  /** Versions of custom resources are definitions of their own, each with its view of the store. */
  readonly converted?: ConvertedVersion
  readonly table: TableConvertor | undefined
  /** Sent as a Warning header on every use. */
  readonly deprecationWarning?: string
  /** openAPIV3Schema of a custom resource, for OpenAPI; absent for built-in kinds (taken from the facts). */
  readonly openApiSchema?: JsonObject
  /** Another one whenever openApiSchema is another: tells changes without reading it. */
  readonly schemaId?: string
}

/** One version as if it were the storage version; the store it wraps holds the real ones. */
export interface ConvertedVersion {
  readonly definition: ResourceDefinition
  wrap(objects: ObjectStore): ObjectStore
}

/** Everything needed to serve one resource. Registered with the server; CRDs register theirs at run time. */
export interface ResourceDefinition {
  readonly group: string
  /** Plural. */
  readonly resource: string
  readonly singular: string
  readonly kind: string
  readonly listKind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly Verb[]
  /** Defined by a CustomResourceDefinition: some answers differ from those of built-in kinds. */
  readonly isCustom?: boolean
  readonly versions: readonly VersionDefinition[]
  readonly storageVersion: string
  /** Between two versions, by somebody else's server (conversion webhooks). */
  readonly convert?: (object: DeepReadonly<KubeObject>, version: string) => Promise<KubeObject>
  readonly strategy: Strategy
  readonly subresources: readonly SubresourceDefinition[]
  readonly hooks?: StoreHooks
  /** Fields usable in fieldSelector besides metadata.name and metadata.namespace. */
  readonly selectableFields?: Readonly<Record<string, (object: DeepReadonly<KubeObject>) => string>>
  /** Selectable fields the cache keeps an index for. */
  readonly indexedFields?: readonly string[]
  readonly ttlSeconds?: number
  /** Kept in another resource's store, in that one's form (events.k8s.io in core events). It must be registered before. */
  readonly storedWith?: { readonly group: string; readonly resource: string; readonly apiVersion: string }
  /** The other resources that are kept in the same store. Late-bound: called while serving. */
  readonly equivalents?: () => readonly ResourceDefinition[]
  /** Virtual resources (SubjectAccessReview, TokenReview…): only create, nothing stored. */
  readonly virtualCreate?: (object: KubeObject, context: RequestContext) => Promise<KubeObject> | KubeObject
  /** componentstatuses and the like: served from a function, nothing stored. */
  readonly virtualList?: () => readonly KubeObject[]
}

/** What every write carries besides its object. */
export interface WriteRequest {
  readonly context: RequestContext
  /** The API version the client speaks; objects themselves are in the storage version here. */
  readonly version: string
  /** '' for the resource itself. */
  readonly subresource: string
  /** The resource's strategy, or the one of a `view` subresource. */
  readonly strategy: Strategy
  /** CreateOptions, UpdateOptions… as decoded; for admission. */
  readonly options: Readonly<Record<string, unknown>>
  /** What admission webhooks see when it is not the resource's own kind (scale). */
  readonly view?: AdmissionView
  /** Who the fields belong to that this write changes. Undefined: the draft's managedFields are stored as they are. */
  readonly manager?: string
}

export interface ApplyWriteRequest extends WriteRequest {
  readonly manager: string
  /** Takes conflicting fields over. */
  readonly force: boolean
}

export interface AppliedObject {
  /** In the version the configuration has, without managedFields; not decoded or defaulted yet. Handed over. */
  readonly object: KubeObject
  readonly managedFields: ManagedFieldsEntry[] | undefined
}

/** Keeps metadata.managedFields of one resource. Implemented in registry/managed-fields. */
export interface FieldManager {
  /** Both set `draft`'s managedFields; the drafts are in storage form, before admission. */
  created(draft: KubeObject, request: WriteRequest): void
  updated(draft: KubeObject, old: DeepReadonly<KubeObject>, request: WriteRequest): void
  /** Throws StatusError: conflicts, a configuration of the wrong shape. `live` is in storage form. */
  apply(live: DeepReadonly<KubeObject> | undefined, config: KubeObject, request: ApplyWriteRequest): AppliedObject
  readonly scale: ScaleFieldManager
}

/** The same through the scale subresource: the Scale is what is written, the object behind it what is stored. */
export interface ScaleFieldManager {
  /** The parent's managedFields afterwards. */
  updated(
    parent: DeepReadonly<KubeObject>,
    change: { readonly before: KubeObject; readonly after: KubeObject; readonly replicasPath: string },
    request: WriteRequest,
  ): ManagedFieldsEntry[] | undefined
  /** `object` is the Scale, `managedFields` the parent's. */
  apply(
    parent: DeepReadonly<KubeObject>,
    change: { readonly before: KubeObject; readonly config: KubeObject; readonly replicasPath: string },
    request: ApplyWriteRequest,
  ): AppliedObject
}

export interface UpdateRequest extends WriteRequest {
  readonly name: string
  /** The new state for this current one, handed over; called again when a concurrent write wins. */
  makeDraft(current: CachedObject): KubeObject
  /** PUT on a missing object: what to create, after checking that the user may. Undefined: never creates. */
  makeNew?(): KubeObject | Promise<KubeObject>
  /** makeNew counts even where a PUT could not create: an apply. */
  readonly forcesCreate?: boolean
}

export interface DeleteRequest extends WriteRequest {
  readonly name: string
  readonly deleteOptions: DeleteOptions
  /** One of many that one request deletes. */
  readonly isCollection?: boolean
}

/** Storage-independent verbs of one stored resource. Errors are StatusError. Implemented in store.ts. */
export interface ResourceStore {
  readonly definition: ResourceDefinition
  /** Reads go straight to the watch cache. */
  readonly objects: ObjectStore
  readonly fieldManager: FieldManager
  /** `draft` is handed over. */
  create(draft: KubeObject, request: WriteRequest): Promise<CachedObject>
  update(request: UpdateRequest): Promise<{ readonly object: CachedObject; readonly isCreated: boolean }>
  /** `isDeleted` false: the object stays until its finalizers or its grace period are through. */
  delete(request: DeleteRequest): Promise<{ readonly object: CachedObject; readonly isDeleted: boolean }>
  /** Deletes these (of the context's namespace), skipping what is gone meanwhile; answers those it deleted. */
  deleteCollection(
    items: readonly CachedObject[],
    request: Omit<DeleteRequest, 'name'>,
  ): Promise<readonly CachedObject[]>
}
