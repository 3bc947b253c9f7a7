/** What drivers offer. Upstream: pkg/apis/resource/validation/validation.go ValidateResourceSlice. */
import type { Device, ResourceSlice, ResourceSliceSpec } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { internalTerm } from '../core/pod/update-validation.ts'
import { checkDriverName, checkImmutable } from '../validation.ts'
import { hasLists } from './attribute-validation.ts'
import { validateCounters, validateDevice } from './device-validation.ts'
import { nameOf, validateItems } from './lists.ts'
import { checkPoolName, checkRequiredLabel } from './names.ts'
import { collectPlaces } from './placement-validation.ts'

const DEVICES_MAX = 128
/** Of devices with taints, counters or lists. */
const ADVANCED_DEVICES_MAX = 64
const COUNTER_SETS_MAX = 8
const ONE_PLACE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'

/** Of an object that has no spec at all. */
const NOTHING: FrozenSpec = { driver: '', pool: { name: '', generation: 0, resourceSliceCount: 0 } }

type FrozenSlice = DeepReadonly<ResourceSlice>
type FrozenSpec = DeepReadonly<ResourceSliceSpec>

export function validateResourceSlice({ spec = NOTHING }: Partial<FrozenSlice>, old?: FrozenSlice): FieldError[] {
  const errors: FieldError[] = []
  const { driver, pool } = spec
  checkDriverName(errors, 'spec.driver', driver)
  const { name = '', resourceSliceCount = 0, generation = 0 } = pool ?? {}
  checkPoolName(errors, 'spec.pool.name', name)
  if (resourceSliceCount <= 0) {
    errors.push(fieldInvalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero'))
  }
  if (generation < 0) {
    errors.push(fieldInvalid('spec.pool.generation', generation, 'must be greater than or equal to zero'))
  }
  if (old !== undefined) {
    checkImmutable(errors, 'spec.pool.name', name, old.spec.pool?.name ?? '')
    checkImmutable(errors, 'spec.driver', driver, old.spec.driver)
    checkImmutable(errors, 'spec.nodeName', spec.nodeName, old.spec.nodeName)
  }
  checkPlacement(errors, spec)
  validateOffer(errors, spec, old?.spec)
  return errors
}

function checkPlacement(errors: FieldError[], spec: FrozenSpec): void {
  const onlyTerm = (): void => {
    const terms = spec.nodeSelector?.nodeSelectorTerms
    // One term alone can be merged with those of other slices.
    if (terms?.length === 1) return
    const printed = terms?.map(internalTerm) ?? null
    errors.push(
      fieldInvalid('spec.nodeSelector.nodeSelectorTerms', printed, 'must have exactly one node selector term'),
    )
  }
  const empty = 'must be either unset or set to a non-empty string'
  const places = collectPlaces(errors, 'spec', spec, empty, onlyTerm)
  const { perDeviceNodeSelection: perDevice } = spec
  if (perDevice === true) places.push('`perDeviceNodeSelection`')
  else if (perDevice === false) {
    errors.push(fieldInvalid('spec.perDeviceNodeSelection', false, 'must be either unset or set to true'))
  }
  if (places.length === 0) errors.push(fieldRequired('spec', ONE_PLACE))
  else if (places.length > 1) {
    errors.push(fieldInvalid('spec', `{${places.join(', ')}}`, `${ONE_PLACE}, but multiple fields are set`))
  }
}

/** Devices, or the counters they share. */
function validateOffer(errors: FieldError[], spec: FrozenSpec, old: FrozenSpec | undefined): void {
  const { sharedCounters, devices, perDeviceNodeSelection = false } = spec
  if (sharedCounters !== undefined && devices !== undefined) {
    errors.push(fieldInvalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'))
  }
  const before = new Map(old?.devices?.map((device) => [device.name, device]))
  const max = (devices ?? []).some(isAdvanced) ? ADVANCED_DEVICES_MAX : DEVICES_MAX
  validateItems(errors, 'spec.devices', devices ?? [], { max, keyOf: nameOf }, (device, at) => {
    validateDevice(errors, at, device, before.get(device.name), perDeviceNodeSelection)
  })
  const sets = { max: COUNTER_SETS_MAX, keyOf: nameOf }
  validateItems(errors, 'spec.sharedCounters', sharedCounters ?? [], sets, ({ name, counters }, at) => {
    checkRequiredLabel(errors, `${at}.name`, name)
    validateCounters(errors, `${at}.counters`, counters)
  })
}

function isAdvanced({ taints = [], consumesCounters = [], attributes = {} }: DeepReadonly<Device>): boolean {
  return taints.length > 0 || consumesCounters.length > 0 || Object.values(attributes).some(hasLists)
}
