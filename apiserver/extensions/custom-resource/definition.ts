/**
 * What the server needs to serve one CRD's custom resources. Cheap: schemas, columns and patterns compile at first use.
 * Upstream: apiextensions-apiserver pkg/apiserver/customresource_handler.go (getOrCreateServingInfoFor).
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { compileJsonPath } from '#machinery/jsonpath/simple.ts'
import { newInternalError } from '#machinery/meta/errors.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import type { Crd, CrdVersion } from '../definition/types.ts'
import type { ResourceDefinition, SubresourceDefinition, VersionDefinition } from '../../registry/generic/interfaces.ts'
import { compareVersions } from '../../endpoints/discovery/priority.ts'
import { ALL_VERBS } from '../../registry/generic/interfaces.ts'
import { CustomObjectSchema } from '../schema/custom-object-schema.ts'
import { scaleMapping } from './scale.ts'
import { customResourceStatusStrategy, customResourceStrategy } from './strategy.ts'
import { customResourceTable } from './table.ts'
import type { ServedVersion } from './versions.ts'
import { ServedVersions } from './versions.ts'

/** A version without a schema (only possible for CRDs that were stored before schemas were required) keeps everything. */
const OPEN_SCHEMA = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

export function customResourceDefinition(crd: Crd, isTerminating: () => boolean): ResourceDefinition {
  const { spec } = crd
  const names = { ...spec.names, ...crd.status?.acceptedNames }
  const served = spec.versions.map(servedVersion)
  const storageVersion = spec.versions.find((version) => version.storage)?.name ?? ''
  const versions = new ServedVersions(served, storageVersion)
  const context = { group: spec.group, resource: names.plural, versions, isTerminating }
  const selectable = selectableFields(crd)
  return {
    group: spec.group,
    resource: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    listKind: names.listKind ?? `${names.kind}List`,
    namespaced: spec.scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs: ALL_VERBS,
    versions: spec.versions.map((version, i) =>
      versionDefinition(crd, version, versions, served[i] ?? versions.storage),
    ),
    storageVersion,
    strategy: customResourceStrategy(context),
    subresources: subresources(served, versions),
    ...(selectable === undefined ? {} : { selectableFields: selectable }),
  }
}

function servedVersion(version: CrdVersion): ServedVersion {
  const status = version.subresources?.status
  return {
    name: version.name,
    schema: new CustomObjectSchema(version.schema?.openAPIV3Schema ?? OPEN_SCHEMA),
    hasStatus: status !== undefined && status !== null,
    scale: version.subresources?.scale,
  }
}

function versionDefinition(
  crd: Crd,
  version: CrdVersion,
  versions: ServedVersions,
  served: ServedVersion,
): VersionDefinition {
  const schema = version.schema?.openAPIV3Schema
  return {
    version: version.name,
    served: version.served,
    schema: served.schema,
    ...conversion(crd, versions, served),
    table: customResourceTable(version.additionalPrinterColumns),
    ...(schema === undefined ? {} : { openApiSchema: schema as JsonObject }),
    ...deprecation(crd, version),
  }
}

function conversion(
  crd: Crd,
  versions: ServedVersions,
  served: ServedVersion,
): Pick<VersionDefinition, 'toStorage' | 'fromStorage'> {
  if (crd.spec.conversion?.strategy === 'Webhook' && served !== versions.storage) {
    const refuse = (): never => {
      const why = 'conversion webhooks are not supported yet, use the storage version'
      throw newInternalError(
        `conversion webhook for ${crd.spec.group}/${served.name}, Kind=${crd.spec.names.kind} failed: ${why}`,
      )
    }
    return { toStorage: refuse, fromStorage: refuse }
  }
  return {
    toStorage: (object) => versions.toStorage(object, served),
    fromStorage: (object: DeepReadonly<KubeObject>) => served.schema.read(object),
  }
}

function deprecation(crd: Crd, version: CrdVersion): Pick<VersionDefinition, 'deprecationWarning'> {
  if (version.deprecated !== true) return {}
  const { group, names } = crd.spec
  if (version.deprecationWarning !== undefined) return { deprecationWarning: version.deprecationWarning }
  const [newest] = crd.spec.versions
    .filter((one) => one.served && one.deprecated !== true && compareVersions(one.name, version.name) < 0)
    .map((one) => one.name)
    .sort(compareVersions)
  const hint = newest === undefined ? '' : `; use ${group}/${newest} ${names.kind}`
  return { deprecationWarning: `${group}/${version.name} ${names.kind} is deprecated${hint}` }
}

/** Upstream has subresources per version; the server has them per resource, so any version's count for all. */
function subresources(served: readonly ServedVersion[], versions: ServedVersions): SubresourceDefinition[] {
  const list: SubresourceDefinition[] = []
  if (served.some((version) => version.hasStatus)) {
    const strategy = customResourceStatusStrategy(versions)
    list.push({ name: 'status', type: 'view', strategy, verbs: ['get', 'patch', 'update'] })
  }
  const scale = versions.storage.scale ?? served.find((version) => version.scale !== undefined)?.scale
  if (scale !== undefined) list.push({ name: 'scale', type: 'scale', scale: scaleMapping(scale) })
  return list
}

function selectableFields(crd: Crd): ResourceDefinition['selectableFields'] {
  const fields = crd.spec.versions.flatMap((version) => version.selectableFields ?? [])
  if (fields.length === 0) return undefined
  const extractors: Record<string, (object: DeepReadonly<KubeObject>) => string> = Object.create(null)
  for (const { jsonPath } of fields) {
    const find = compileJsonPath(jsonPath)
    extractors[jsonPath.replace(/^\./, '')] = (object) => {
      const [value] = find(object)
      return value === undefined || value === null ? '' : String(value)
    }
  }
  return extractors
}
