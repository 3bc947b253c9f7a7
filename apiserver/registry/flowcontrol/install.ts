/** flowcontrol.apiserver.k8s.io/v1. Upstream: pkg/registry/flowcontrol. */
import { setFlowSchemaDefaults, setPriorityLevelDefaults } from '#apiserver/apis/flowcontrol/defaults.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { flowSchemaTable, priorityLevelTable } from './tables.ts'

export const FLOW_CONTROL_GROUP: ResourceGroup = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'flowschemas',
      kind: 'FlowSchema',
      namespaced: false,
      status: true,
      generation: true,
      defaults: setFlowSchemaDefaults,
      table: flowSchemaTable,
    },
    {
      resource: 'prioritylevelconfigurations',
      kind: 'PriorityLevelConfiguration',
      namespaced: false,
      status: true,
      generation: true,
      defaults: setPriorityLevelDefaults,
      table: priorityLevelTable,
    },
  ],
}
