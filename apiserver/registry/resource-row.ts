/**
 * One served resource as a table row: the facts of discovery plus the parts of its policy that are not plain. A plain
 * kind is its row and nothing else; `defineResource` turns rows into what the server needs.
 */
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import type { ObjectSchema } from '#machinery/schema/interfaces.ts'
import { fillZeros } from '#machinery/schema/zeros.ts'
import { assert } from '#machinery/util/assert.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { RegistryDeps } from './deps.ts'
import type {
  ResourceDefinition,
  ScaleMapping,
  StoreHooks,
  Strategy,
  SubresourceDefinition,
  TableConvertor,
  Verb,
  VersionDefinition,
} from './generic/interfaces.ts'
import { ALL_VERBS } from './generic/interfaces.ts'
import type { CountedMetadata } from './strategy.ts'
import { createStatusStrategy, createStrategy } from './strategy.ts'

/** One version besides the plain case (storage shape, only the schema's defaults). */
interface VersionRow {
  readonly version: string
  defaults?(object: KubeObject, isGateEnabled: IsGateEnabled): void
  toStorage?(object: KubeObject): KubeObject
  fromStorage?(object: DeepReadonly<KubeObject>): KubeObject
  readonly table?: TableConvertor
}

/** Any kind's fields: rows name those of their own. */
// biome-ignore lint/suspicious/noExplicitAny: the row's kind is known to its author only; functions are contravariant.
type SelectableField = (object: any) => string

interface ResourceRow {
  readonly resource: string
  /** Default: the kind in lower case. */
  readonly singular?: string
  readonly kind: string
  readonly namespaced: boolean
  /** Upstream's gate that must be on; its version must be enabled besides. */
  readonly featureGate?: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly verbs?: readonly Verb[]
  /** Default: one, the group's version. The first is the preferred one. */
  readonly versions?: readonly VersionRow[]
  readonly storageVersion?: string
  /** Of the group's version, when `versions` is absent. */
  defaults?(object: KubeObject, isGateEnabled: IsGateEnabled): void
  /** The strategy's kind-specific part; generation and the status split are added around it. */
  readonly strategy?: Strategy | ((deps: RegistryDeps) => Strategy)
  /** Has a status that only /status may write. */
  readonly status?: boolean | Strategy | ((deps: RegistryDeps) => Strategy)
  /** The status of a new object, where it is not `{}`: counters Go always prints. */
  readonly emptyStatus?: Readonly<Record<string, unknown>>
  /** metadata.generation counts changes of spec, and of this part of metadata. */
  readonly generation?: boolean | CountedMetadata
  readonly scale?: ScaleMapping
  readonly table?: TableConvertor
  readonly selectableFields?: Readonly<Record<string, SelectableField>>
  readonly indexedFields?: readonly string[]
  /** Objects expire after the configured event TTL. */
  readonly hasTtl?: boolean
  /** Sent as a Warning header on every use, and counted. */
  readonly deprecationWarning?: string
  /** A create may bring its status (nodes register with theirs). */
  readonly writesStatusOnCreate?: boolean
  /** Kept in another group's store, in that store's version: the version's conversions lead there and back. */
  readonly storedWith?: { readonly group: string; readonly resource: string; readonly apiVersion: string }
  subresources?(deps: RegistryDeps): readonly SubresourceDefinition[]
  hooks?(deps: RegistryDeps): StoreHooks
  virtualCreate?(deps: RegistryDeps): NonNullable<ResourceDefinition['virtualCreate']>
  virtualList?(deps: RegistryDeps): NonNullable<ResourceDefinition['virtualList']>
}

/** A definition with what only built-in resources have. */
export interface BuiltInResource extends ResourceDefinition {
  readonly storedWith?: { readonly group: string; readonly resource: string; readonly apiVersion: string }
}

export interface ResourceGroup {
  readonly group: string
  readonly version: string
  readonly resources: readonly ResourceRow[]
}

const VIEW_VERBS: readonly Verb[] = ['get', 'patch', 'update']

/** What is on of a group: gates and --runtime-config decide. */
export function defineGroup(group: ResourceGroup, deps: RegistryDeps): BuiltInResource[] {
  const { isGateEnabled, isApiEnabled } = deps.config
  const rows = group.resources.filter(
    ({ resource, featureGate }) =>
      isApiEnabled(group.group, group.version, resource) && (featureGate === undefined || isGateEnabled(featureGate)),
  )
  return rows.map((row) => defineResource(group, row, deps))
}

function defineResource(group: ResourceGroup, row: ResourceRow, deps: RegistryDeps): BuiltInResource {
  const versions = versionsOf(group, row)
  return {
    group: group.group,
    resource: row.resource,
    singular: row.singular ?? row.kind.toLowerCase(),
    kind: row.kind,
    listKind: `${row.kind}List`,
    namespaced: row.namespaced,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    verbs: row.verbs ?? ALL_VERBS,
    versions: versions.map((version) => defineVersion(group.group, row, version, deps.config.isGateEnabled)),
    storageVersion: row.storageVersion ?? group.version,
    strategy: createStrategy({
      hasStatus: row.status !== undefined && row.status !== false,
      emptyStatus: row.writesStatusOnCreate === true ? undefined : (row.emptyStatus ?? {}),
      countsGenerations: row.generation !== undefined && row.generation !== false,
      countedMetadata: typeof row.generation === 'string' ? row.generation : undefined,
      kind: strategyOf(row, deps),
    }),
    subresources: subresourcesOf(group, row, deps),
    ...(row.hooks === undefined ? {} : { hooks: row.hooks(deps) }),
    ...(row.selectableFields === undefined ? {} : { selectableFields: row.selectableFields }),
    ...(row.indexedFields === undefined ? {} : { indexedFields: row.indexedFields }),
    ...(row.hasTtl === true ? { ttlSeconds: deps.config.eventTtlSeconds } : {}),
    ...(row.storedWith === undefined ? {} : { storedWith: row.storedWith }),
    ...(row.virtualCreate === undefined ? {} : { virtualCreate: row.virtualCreate(deps) }),
    ...(row.virtualList === undefined ? {} : { virtualList: row.virtualList(deps) }),
  }
}

function strategyOf({ strategy = {} }: ResourceRow, deps: RegistryDeps): Strategy {
  return typeof strategy === 'function' ? strategy(deps) : strategy
}

function versionsOf(group: ResourceGroup, row: ResourceRow): readonly VersionRow[] {
  if (row.versions !== undefined) return row.versions
  const plain: VersionRow = { version: group.version }
  return [row.defaults === undefined ? plain : { ...plain, defaults: row.defaults }]
}

function defineVersion(
  group: string,
  row: ResourceRow,
  version: VersionRow,
  isGateEnabled: IsGateEnabled,
): VersionDefinition {
  const schema = builtInSchema(group, version.version, row.kind)
  assert(schema !== undefined, `the schema facts hold ${row.kind}`)
  return {
    version: version.version,
    served: true,
    schema: new DefaultingSchema(
      schema,
      (object) => version.defaults?.(object, isGateEnabled),
      fillZeros(group, version.version, row.kind),
    ),
    table: version.table ?? row.table,
    ...(row.deprecationWarning === undefined ? {} : { deprecationWarning: row.deprecationWarning }),
    ...(version.toStorage === undefined ? {} : { toStorage: version.toStorage }),
    ...(version.fromStorage === undefined ? {} : { fromStorage: version.fromStorage }),
  }
}

function subresourcesOf(group: ResourceGroup, row: ResourceRow, deps: RegistryDeps): SubresourceDefinition[] {
  const subresources: SubresourceDefinition[] = []
  const inherited = inheritedByViews(strategyOf(row, deps))
  if (row.status !== undefined && row.status !== false) {
    const own = typeof row.status === 'function' ? row.status(deps) : row.status === true ? {} : row.status
    const strategy = createStatusStrategy({ ...inherited, ...own })
    subresources.push({ name: 'status', type: 'view', strategy, verbs: VIEW_VERBS })
  }
  if (row.scale !== undefined) subresources.push({ name: 'scale', type: 'scale', scale: row.scale })
  for (const subresource of row.subresources?.(deps) ?? []) {
    const isView = subresource.type === 'view'
    subresources.push(isView ? { ...subresource, strategy: { ...inherited, ...subresource.strategy } } : subresource)
  }
  subresources.push(...(deps.extraSubresources?.(group.group, row.resource) ?? []))
  return subresources
}

/** The rules that hold for every write of the object, whichever view it goes through. */
function inheritedByViews({ validateName, hasPendingFinalization, allowUnconditionalUpdate }: Strategy): Strategy {
  return {
    ...(validateName === undefined ? {} : { validateName }),
    ...(hasPendingFinalization === undefined ? {} : { hasPendingFinalization }),
    ...(allowUnconditionalUpdate === undefined ? {} : { allowUnconditionalUpdate }),
  }
}

type SetDefaults = (object: KubeObject) => void

/** The schema facts' rules, then the defaults that upstream writes as code, then the zeros Go prints. */
class DefaultingSchema implements ObjectSchema {
  readonly #schema: ObjectSchema
  readonly #steps: readonly SetDefaults[]

  constructor(schema: ObjectSchema, ...steps: readonly SetDefaults[]) {
    this.#schema = schema
    this.#steps = steps
  }

  get strategicMerge(): ObjectSchema['strategicMerge'] {
    return this.#schema.strategicMerge
  }

  decode(value: KubeObject): { readonly unknownFields: readonly string[] } {
    return this.#schema.decode(value)
  }

  applyDefaults(object: KubeObject): void {
    this.#schema.applyDefaults(object)
    for (const step of this.#steps) step(object)
  }
}
