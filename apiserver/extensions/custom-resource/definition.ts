/**
 * What the server needs to serve one CRD's custom resources. Cheap: schemas, columns and patterns compile at first use.
 * Upstream: apiextensions-apiserver pkg/apiserver/customresource_handler.go (getOrCreateServingInfoFor).
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { compileJsonPath } from '#machinery/jsonpath/simple.ts'
import { assert } from '#machinery/util/assert.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import { compareVersions } from '../../endpoints/discovery/priority.ts'
import type {
  ConvertedVersion,
  ResourceDefinition,
  SubresourceDefinition,
  VersionDefinition,
} from '../../registry/generic/interfaces.ts'
import { ALL_VERBS } from '../../registry/generic/interfaces.ts'
import type { Converter } from '../conversion/converter.ts'
import { renamingConverter } from '../conversion/converter.ts'
import { createConvertingStore } from '../conversion/converting-store.ts'
import type { Crd, CrdVersion } from '../definition/types.ts'
import { CustomObjectSchema } from '../schema/custom-object-schema.ts'
import { scaleMapping } from './scale.ts'
import { customResourceStatusStrategy, customResourceStrategy } from './strategy.ts'
import { customResourceTable } from './table.ts'
import type { ServedVersion } from './version.ts'

/** A version without a schema (only possible for CRDs that were stored before schemas were required) keeps everything. */
const OPEN_SCHEMA = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** `converter`: for CRDs with a conversion webhook. */
export function customResourceDefinition(
  crd: Crd,
  isTerminating: () => boolean,
  converter = renamingConverter,
): ResourceDefinition {
  const served = crd.spec.versions.map(servedVersion)
  const storageVersion = crd.spec.versions.find((version) => version.storage)?.name ?? ''
  const parts = { crd, served, isTerminating, converter }
  const definition = definitionIn(storageVersion, parts)
  if (served.length < 2) return definition
  return {
    ...definition,
    versions: definition.versions.map((version) => ({
      ...version,
      converted: convertedVersion(version.version, storageVersion, parts),
    })),
  }
}

interface Parts {
  readonly crd: Crd
  readonly served: readonly ServedVersion[]
  isTerminating(): boolean
  readonly converter: Converter
}

/** The version as if objects were stored in it: what is below converts. */
function convertedVersion(name: string, storageVersion: string, parts: Parts): ConvertedVersion {
  const { converter, served } = parts
  const { group } = parts.crd.spec
  const definition = definitionIn(name, parts)
  const schemas = new Map(served.map((version) => [`${group}/${version.name}`, version.schema]))
  const convert = async (object: DeepReadonly<KubeObject>, version: string): Promise<KubeObject> => {
    const [converted] = await converter.convert([object], `${group}/${version}`)
    return converted as KubeObject
  }
  return {
    definition: {
      ...definition,
      convert,
      // Read by the store: defaults are those of the version an object is stored in.
      versions: definition.versions.map(({ fromStorage: _from, ...version }) => version),
    },
    wrap: (objects) =>
      createConvertingStore(objects, {
        converter,
        apiVersion: `${group}/${name}`,
        storageApiVersion: `${group}/${storageVersion}`,
        schemaOf: (apiVersion) => schemas.get(apiVersion),
      }),
  }
}

/** As if objects were stored in this version. */
function definitionIn(name: string, { crd, served, isTerminating }: Parts): ResourceDefinition {
  const { spec } = crd
  const names = { ...spec.names, ...crd.status?.acceptedNames }
  const version = served.find((one) => one.name === name)
  assert(version !== undefined, 'a CRD without a storage version does not pass validation')
  const context = { group: spec.group, resource: names.plural, version, isTerminating }
  const selectable = selectableFields(crd, name)
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
    isCustom: true,
    versions: spec.versions.map((one, i) => versionDefinition(crd, one, served[i] ?? version)),
    storageVersion: name,
    strategy: customResourceStrategy(context),
    subresources: subresources(version),
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

function versionDefinition(crd: Crd, version: CrdVersion, served: ServedVersion): VersionDefinition {
  const schema = version.schema?.openAPIV3Schema
  return {
    version: version.name,
    served: version.served,
    schema: served.schema,
    fromStorage: (object: DeepReadonly<KubeObject>) => served.schema.read(object),
    table: customResourceTable(version.additionalPrinterColumns),
    ...(schema === undefined ? {} : { openApiSchema: schema as JsonObject, ...schemaId(crd) }),
    ...deprecation(crd, version),
  }
}

/** Every change of the spec counts the generation up. */
function schemaId({ metadata }: Crd): Pick<VersionDefinition, 'schemaId'> {
  return metadata.uid === undefined ? {} : { schemaId: `${metadata.uid}/${metadata.generation ?? 0}` }
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

function subresources(version: ServedVersion): SubresourceDefinition[] {
  const list: SubresourceDefinition[] = []
  const { hasStatus, scale } = version
  if (hasStatus) {
    const strategy = customResourceStatusStrategy(version)
    list.push({ name: 'status', type: 'view', strategy, verbs: ['get', 'patch', 'update'] })
  }
  if (scale !== undefined) list.push({ name: 'scale', type: 'scale', scale: scaleMapping(scale) })
  return list
}

function selectableFields(crd: Crd, version: string): ResourceDefinition['selectableFields'] {
  const fields = crd.spec.versions.find(({ name }) => name === version)?.selectableFields ?? []
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
