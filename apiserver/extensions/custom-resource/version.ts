/** What one version of a custom resource makes of its objects. */
import type { CustomResourceSubresourceScale } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { CustomObjectSchema } from '../schema/custom-object-schema.ts'

export interface ServedVersion {
  readonly name: string
  readonly schema: CustomObjectSchema
  readonly hasStatus: boolean
  readonly scale: DeepReadonly<CustomResourceSubresourceScale> | undefined
}
