/** CustomResourceDefinitions with the schema typed as it is on the wire. */
import type {
  CustomResourceDefinition as GeneratedDefinition,
  CustomResourceDefinitionSpec as GeneratedSpec,
  CustomResourceDefinitionVersion as GeneratedVersion,
} from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { SchemaProps } from '../schema/props.ts'

export interface CrdVersion extends Omit<GeneratedVersion, 'schema'> {
  schema?: { openAPIV3Schema?: SchemaProps }
}

export interface CrdSpec extends Omit<GeneratedSpec, 'versions'> {
  versions: CrdVersion[]
}

export interface Crd extends Omit<GeneratedDefinition, 'spec'> {
  spec: CrdSpec
}

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'
export const API_APPROVED_ANNOTATION = 'api-approved.kubernetes.io'

/** Reading only: the schema engine never writes to a schema. */
export function asCrd(object: object): Crd {
  return object as Crd
}
