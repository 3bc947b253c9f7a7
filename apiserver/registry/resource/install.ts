/** resource.k8s.io/v1 (dynamic resource allocation). Upstream: pkg/registry/resource. */

import {
  setResourceClaimDefaults,
  setResourceClaimTemplateDefaults,
  setResourceSliceDefaults,
} from '#apiserver/apis/resource/defaults.ts'
import { isLongName } from '#machinery/meta/validation.ts'
import type { ResourceGroup } from '../resource-row.ts'
import {
  deviceClassStrategy,
  resourceClaimStatusStrategy,
  resourceClaimStrategy,
  resourceClaimTemplateStrategy,
  resourceSliceStrategy,
} from './strategies.ts'
import { nameAndAgeTable, resourceClaimTable, resourceSliceTable } from './tables.ts'

export const RESOURCE_GROUP: ResourceGroup = {
  group: 'resource.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'deviceclasses',
      kind: 'DeviceClass',
      namespaced: false,
      generation: true,
      strategy: { ...deviceClassStrategy, validateName: isLongName },
      table: nameAndAgeTable,
    },
    {
      resource: 'resourceclaims',
      kind: 'ResourceClaim',
      namespaced: true,
      status: resourceClaimStatusStrategy,
      defaults: setResourceClaimDefaults,
      strategy: ({ objects }) => resourceClaimStrategy(objects),
      table: resourceClaimTable,
    },
    {
      resource: 'resourceclaimtemplates',
      kind: 'ResourceClaimTemplate',
      namespaced: true,
      defaults: setResourceClaimTemplateDefaults,
      strategy: ({ objects }) => resourceClaimTemplateStrategy(objects),
      table: nameAndAgeTable,
    },
    {
      resource: 'resourceslices',
      kind: 'ResourceSlice',
      namespaced: false,
      defaults: setResourceSliceDefaults,
      generation: true,
      strategy: ({ config }) => resourceSliceStrategy(config.isGateEnabled),
      table: resourceSliceTable,
      selectableFields: {
        'spec.driver': ({ spec }) => spec?.driver ?? '',
        'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
      },
    },
  ],
}
