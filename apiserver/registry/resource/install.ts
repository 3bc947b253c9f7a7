/** resource.k8s.io/v1 (dynamic resource allocation). Upstream: pkg/registry/resource. */

import { setResourceClaimDefaults, setResourceClaimTemplateDefaults } from '#apiserver/apis/resource/defaults.ts'
import { validateResourceSlice, validateResourceSliceUpdate } from '#apiserver/apis/resource/slice-validation.ts'
import { validateDeviceClass } from '#apiserver/apis/resource/validation.ts'
import type { DeviceClass, ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from '../generic/interfaces.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { claimStatusStrategy, claimStrategy, templateStrategy } from './strategies.ts'

function rules<T>(
  validate: (object: DeepReadonly<T>) => FieldError[],
  validateUpdate: (next: DeepReadonly<T>, old: DeepReadonly<T>) => FieldError[],
): Strategy {
  return {
    validate: (object) => validate(object as DeepReadonly<T>),
    validateUpdate: (object, old) => validateUpdate(object as DeepReadonly<T>, old as DeepReadonly<T>),
  }
}

/** Upstream's default: a taint is as old as the write that brings it. */
function setTaintTimes({ spec }: ResourceSlice, now: Date): void {
  for (const { taints = [] } of spec?.devices ?? []) for (const taint of taints) taint.timeAdded ??= formatTime(now)
}

export const RESOURCE_GROUP: ResourceGroup = {
  group: 'resource.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'deviceclasses',
      kind: 'DeviceClass',
      namespaced: false,
      generation: true,
      strategy: rules<DeviceClass>(validateDeviceClass, validateDeviceClass),
    },
    {
      resource: 'resourceclaims',
      kind: 'ResourceClaim',
      namespaced: true,
      status: claimStatusStrategy,
      defaults: setResourceClaimDefaults,
      strategy: claimStrategy,
    },
    {
      resource: 'resourceclaimtemplates',
      kind: 'ResourceClaimTemplate',
      namespaced: true,
      defaults: setResourceClaimTemplateDefaults,
      strategy: templateStrategy,
    },
    {
      resource: 'resourceslices',
      kind: 'ResourceSlice',
      namespaced: false,
      generation: true,
      strategy: {
        ...rules<ResourceSlice>(validateResourceSlice, validateResourceSliceUpdate),
        prepareForCreate: (draft, { clock }) => setTaintTimes(draft as ResourceSlice, clock.now()),
        prepareForUpdate: (draft, _old, { clock }) => setTaintTimes(draft as ResourceSlice, clock.now()),
      },
      selectableFields: {
        'spec.driver': ({ spec }) => spec?.driver ?? '',
        'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
      },
    },
  ],
}
