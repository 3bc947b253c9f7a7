/** node.k8s.io/v1. Upstream: pkg/registry/node. */
import type { ResourceGroup } from '../resource-row.ts'
import { runtimeClassTable } from './tables.ts'

export const NODE_GROUP: ResourceGroup = {
  group: 'node.k8s.io',
  version: 'v1',
  resources: [{ resource: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false, table: runtimeClassTable }],
}
