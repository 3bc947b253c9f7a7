/** Claims, their templates and device classes. Upstream: pkg/apis/resource/validation/validation.go. */
import type { DeviceClass, ResourceClaim, ResourceClaimTemplate } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isExtendedResource } from '../core/resource-names.ts'
import { checkImmutable, checkTemplateMeta } from '../validation.ts'
import { validateDeviceClaim } from './claim-spec-validation.ts'
import { validateConfiguration } from './configuration-validation.ts'
import { validateItems } from './lists.ts'
import { validateSelectors } from './selector-validation.ts'

const CONFIGURATIONS_MAX = 32

type FrozenClaim = DeepReadonly<ResourceClaim>
type FrozenTemplate = DeepReadonly<ResourceClaimTemplate>
type FrozenClass = DeepReadonly<DeviceClass>

export function validateResourceClaim({ spec }: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  validateDeviceClaim(errors, 'spec.devices', spec?.devices)
  return errors
}

/** A spec that cannot change is not judged again. */
export function validateResourceClaimUpdate(next: FrozenClaim, old: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'spec', next.spec, old.spec)
  return errors
}

export function validateResourceClaimTemplate({ spec }: FrozenTemplate): FieldError[] {
  const errors: FieldError[] = []
  checkTemplateMeta(errors, 'spec.metadata', spec?.metadata)
  validateDeviceClaim(errors, 'spec.spec.devices', spec?.spec?.devices)
  return errors
}

export function validateResourceClaimTemplateUpdate(next: FrozenTemplate, old: FrozenTemplate): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'spec', next.spec, old.spec)
  return errors
}

export function validateDeviceClass({ spec }: FrozenClass, old?: FrozenClass): FieldError[] {
  const errors: FieldError[] = []
  const { selectors = [], config = [], extendedResourceName: name } = spec ?? {}
  validateSelectors(errors, 'spec.selectors', selectors, deepEqual(selectors, old?.spec?.selectors))
  const isStored = deepEqual(config, old?.spec?.config)
  validateItems(errors, 'spec.config', config, { max: CONFIGURATIONS_MAX }, (one, at) => {
    validateConfiguration(errors, at, one, isStored)
  })
  if (name !== undefined && !isExtendedResource(name)) {
    errors.push(fieldInvalid('spec.extendedResourceName', name, 'must be a valid extended resource name'))
  }
  return errors
}
