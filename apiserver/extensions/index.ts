/** Custom resources: the CustomResourceDefinition kind and everything that serves what it defines. */
export type { Extensions } from './controller/extensions.ts'
export { createExtensions } from './controller/extensions.ts'
export { createConversionMetrics } from './conversion/metrics.ts'
export { customResourceDefinitionResource } from './definition/resource.ts'
