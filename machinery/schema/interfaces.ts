/**
 * What the schema facts (and CRD schemas) offer to the API server: decoding, defaulting, strategic merge metadata, OpenAPI.
 * Implemented by machinery/schema for built-in kinds and by apiserver/extensions for custom resources.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { JsonObject } from '#machinery/util/types.ts'

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** The shape of a kind in one version, from the schema facts or from a CRD. */
export interface ObjectSchema {
  /**
   * Checks JSON types, drops unknown fields in place, and reports unknown and duplicate field paths
   * (`unknown field "spec.foo"`). Throws StatusError BadRequest where Go's decoder would fail (wrong JSON type).
   */
  decode(value: KubeObject): { readonly unknownFields: readonly string[] }
  /** Fills defaults in place. Idempotent. */
  applyDefaults(object: KubeObject): void
  /** Strategic merge patch metadata; undefined = strategic merge is not supported (custom resources: 415). */
  readonly strategicMerge: StrategicMergeSchema | undefined
}

/** Patch strategy and merge key by field, walked along the patch. Implemented over the schema facts. */
export interface StrategicMergeSchema {
  /** Undefined: an unknown field or a scalar. */
  field(name: string): StrategicMergeField | undefined
}

export interface StrategicMergeField {
  readonly strategies: readonly ('merge' | 'replace' | 'retainKeys')[]
  readonly mergeKey: string | undefined
  readonly isList: boolean
  readonly isMap: boolean
  /** Schema of the object, of the list's elements or of the map's values; undefined for scalars. */
  readonly element: StrategicMergeSchema | undefined
}

/** One served resource as the OpenAPI builder sees it. */
export interface OpenApiResource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly kind: string
  readonly listKind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly subresources: readonly OpenApiSubresource[]
  /** openAPIV3Schema of a custom resource version; undefined for built-in kinds (taken from the facts). */
  readonly schema: JsonObject | undefined
  /** What field selectors of a custom resource may ask for: `spec.color`. */
  readonly selectableFields?: readonly string[]
}

export interface OpenApiSubresource {
  readonly name: string
  readonly verbs: readonly string[]
  /** Kind of the request body when it is not the parent's. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string }
}

export interface OpenApiBuilder {
  /** Swagger 2.0 of everything. */
  v2(resources: readonly OpenApiResource[]): JsonObject
  /** OpenAPI 3.0 of one group version. */
  v3(group: string, version: string, resources: readonly OpenApiResource[]): JsonObject
}
