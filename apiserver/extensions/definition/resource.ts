/**
 * The CustomResourceDefinition kind as the server serves it: decoding, defaults, table, status.
 * Upstream: apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go, pkg/registry/customresourcedefinition/tableconvertor.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ObjectSchema } from '#machinery/schema/interfaces.ts'
import type { ResourceDefinition } from '../../registry/generic/interfaces.ts'
import { ALL_VERBS } from '../../registry/generic/interfaces.ts'
import { decodeSchemaProps } from './schema-decoder.ts'
import { crdStatusStrategy, crdStrategy } from './strategy.ts'
import type { Crd } from './types.ts'
import { asCrd } from './types.ts'

interface CustomResourceDefinitionDeps {
  /** apiextensions.k8s.io/v1 CustomResourceDefinition from the schema facts. */
  readonly schema: ObjectSchema
}

export function customResourceDefinitionResource(deps: CustomResourceDefinitionDeps): ResourceDefinition {
  return {
    group: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    kind: 'CustomResourceDefinition',
    listKind: 'CustomResourceDefinitionList',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    verbs: ALL_VERBS,
    versions: [{ version: 'v1', served: true, schema: crdSchema(deps.schema), table: undefined }],
    storageVersion: 'v1',
    strategy: crdStrategy,
    subresources: [{ name: 'status', type: 'view', strategy: crdStatusStrategy, verbs: ['get', 'patch', 'update'] }],
  }
}

function crdSchema(base: ObjectSchema): ObjectSchema {
  return {
    strategicMerge: base.strategicMerge,
    decode(value) {
      const schemas = detachSchemas(value)
      const { unknownFields } = base.decode(value)
      const all = [...unknownFields]
      for (const { index, schema } of schemas) {
        decodeSchemaProps(schema, `spec.versions[${index}].schema.openAPIV3Schema`, all)
        const version = asCrd(value).spec.versions[index]
        if (version?.schema !== undefined) version.schema.openAPIV3Schema = schema
      }
      return { unknownFields: all }
    },
    applyDefaults(object) {
      base.applyDefaults(object)
      defaultCrd(asCrd(object))
    },
  }
}

/** The facts describe everything but the schemas themselves. */
function detachSchemas(value: KubeObject): { readonly index: number; readonly schema: object }[] {
  const detached: { index: number; schema: object }[] = []
  const versions: unknown = (value as { spec?: { versions?: unknown } }).spec?.versions
  if (!Array.isArray(versions)) return detached
  versions.forEach((version: unknown, index) => {
    const validation = (version as { schema?: { openAPIV3Schema?: unknown } } | null)?.schema
    const schema = validation?.openAPIV3Schema
    if (validation === undefined || typeof schema !== 'object' || schema === null) return
    detached.push({ index, schema })
    delete validation.openAPIV3Schema
  })
  return detached
}

function defaultCrd(crd: Crd): void {
  const { spec } = crd
  if (spec === undefined || spec === null) return
  const { names } = spec
  if (names !== undefined) {
    if (!names.singular) names.singular = (names.kind ?? '').toLowerCase()
    if (!names.listKind && names.kind) names.listKind = `${names.kind}List`
  }
  spec.conversion ??= { strategy: 'None' }
  const service = spec.conversion.webhook?.clientConfig?.service
  if (service !== undefined) service.port ??= 443
}
