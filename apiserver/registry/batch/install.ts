/** batch/v1. Upstream: pkg/registry/batch. */
import { setCronJobDefaults, setJobDefaults } from '#apiserver/apis/batch/defaults.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { cronJobStrategy, jobSelectableFields, jobStatusStrategy, jobStrategy } from './strategies.ts'
import { cronJobTable, jobTable } from './tables.ts'

const WORKLOAD = { namespaced: true, categories: ['all'], status: true, generation: true } as const

export const BATCH_GROUP: ResourceGroup = {
  group: 'batch',
  version: 'v1',
  resources: [
    {
      ...WORKLOAD,
      resource: 'cronjobs',
      kind: 'CronJob',
      shortNames: ['cj'],
      defaults: setCronJobDefaults,
      strategy: ({ config }) => cronJobStrategy(config.isGateEnabled),
      table: cronJobTable,
    },
    {
      ...WORKLOAD,
      resource: 'jobs',
      kind: 'Job',
      defaults: setJobDefaults,
      strategy: ({ config }) => jobStrategy(config.isGateEnabled),
      status: jobStatusStrategy,
      selectableFields: jobSelectableFields,
      table: jobTable,
    },
  ],
}
