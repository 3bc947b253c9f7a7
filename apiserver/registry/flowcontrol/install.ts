/** flowcontrol.apiserver.k8s.io/v1. Upstream: pkg/registry/flowcontrol. */

import { setFlowSchemaDefaults, setPriorityLevelDefaults } from '#apiserver/apis/flowcontrol/defaults.ts'
import { validatePriorityLevel } from '#apiserver/apis/flowcontrol/priority-level-validation.ts'
import { validateConditionTypes, validateFlowSchema } from '#apiserver/apis/flowcontrol/validation.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '#machinery/api/flowcontrol/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { withStoredMetadata } from '../strategy.ts'
import { flowSchemaTable, priorityLevelTable } from './tables.ts'

const checkFlowSchema = (object: DeepReadonly<KubeObject>) => validateFlowSchema(object as DeepReadonly<FlowSchema>)
const checkPriorityLevel = (object: DeepReadonly<KubeObject>) =>
  validatePriorityLevel(object as DeepReadonly<PriorityLevelConfiguration>)
const status = withStoredMetadata({
  validateUpdate: (object) => validateConditionTypes((object as DeepReadonly<FlowSchema>).status?.conditions),
})

export const FLOW_CONTROL_GROUP: ResourceGroup = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'flowschemas',
      kind: 'FlowSchema',
      namespaced: false,
      status,
      generation: true,
      defaults: setFlowSchemaDefaults,
      strategy: { validate: checkFlowSchema, validateUpdate: checkFlowSchema },
      table: flowSchemaTable,
    },
    {
      resource: 'prioritylevelconfigurations',
      kind: 'PriorityLevelConfiguration',
      namespaced: false,
      status,
      generation: true,
      defaults: setPriorityLevelDefaults,
      strategy: { validate: checkPriorityLevel, validateUpdate: checkPriorityLevel },
      table: priorityLevelTable,
    },
  ],
}
