/** One device of a slice. Upstream: pkg/apis/resource/validation validateDevice. */
import type {
  Counter,
  Device,
  DeviceCounterConsumption,
  NodeAllocatableResourceMapping,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotFound, fieldRequired, keyField } from '#machinery/meta/field-error.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isNativeResource } from '../core/resource-names.ts'
import { countValues, validateAttribute } from './attribute-validation.ts'
import { validateCapacity } from './capacity-validation.ts'
import { validateEntries, validateItems } from './lists.ts'
import { checkLabel, checkQualifiedName, checkRequiredLabel, LABEL_MAX, QUALIFIED_NAME_MAX } from './names.ts'
import { collectPlaces } from './placement-validation.ts'
import { validateBindingConditions, validateDeviceTaint } from './taint-validation.ts'

type FrozenDevice = DeepReadonly<Device>

const ATTRIBUTES_MAX = 32
const ATTRIBUTE_VALUES_MAX = 48
const TAINTS_MAX = 16
const CONSUMPTIONS_MAX = 2
const COUNTERS_MAX = 32
const ONE_PLACE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
const NO_PLACE =
  '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec'

export function validateDevice(
  errors: FieldError[],
  field: string,
  device: FrozenDevice,
  old: FrozenDevice | undefined,
  hasPlaces: boolean,
): void {
  checkLabel(errors, `${field}.name`, device.name)
  validateProperties(errors, field, device)
  const { taints = [], consumesCounters = [] } = device
  // Taints that were there are not judged again.
  if (old === undefined || !deepEqual(old.taints ?? [], taints)) {
    validateItems(errors, `${field}.taints`, taints, { max: TAINTS_MAX }, (taint, at) => {
      validateDeviceTaint(errors, at, taint)
    })
  }
  const bySet = {
    max: CONSUMPTIONS_MAX,
    keyOf: ({ counterSet }: DeepReadonly<DeviceCounterConsumption>): string => counterSet,
  }
  validateItems(errors, `${field}.consumesCounters`, consumesCounters, bySet, ({ counterSet, counters }, at) => {
    checkRequiredLabel(errors, `${at}.counterSet`, counterSet)
    validateCounters(errors, `${at}.counters`, counters)
  })
  validatePlace(errors, field, device, hasPlaces)
  validateBindingConditions(errors, field, device)
  validateMappings(errors, `${field}.nodeAllocatableResourceMappings`, device)
}

function validateProperties(errors: FieldError[], field: string, device: FrozenDevice): void {
  const { attributes = {}, capacity = {}, allowMultipleAllocations = false } = device
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > ATTRIBUTES_MAX) {
    const detail = `the total number of attributes and capacities must not exceed ${ATTRIBUTES_MAX}`
    errors.push(fieldInvalid(field, count, detail))
  }
  const values = countValues(attributes)
  if (values > ATTRIBUTE_VALUES_MAX) {
    const detail = `the total number of attribute values must not exceed ${ATTRIBUTE_VALUES_MAX}`
    errors.push(fieldInvalid(field, values, detail))
  }
  const rules = { maxKeyLength: QUALIFIED_NAME_MAX, checkKey: checkQualifiedName }
  validateEntries(errors, `${field}.attributes`, attributes, rules, (attribute, at) => {
    validateAttribute(errors, at, attribute)
  })
  validateEntries(errors, `${field}.capacity`, capacity, rules, (one, at) => {
    validateCapacity(errors, at, one, allowMultipleAllocations)
  })
}

/** Any quantity is a counter. */
export function validateCounters(
  errors: FieldError[],
  field: string,
  counters: DeepReadonly<Record<string, Counter>> | undefined,
): void {
  if (Object.keys(counters ?? {}).length === 0) errors.push(fieldRequired(field, ''))
  const rules = { max: COUNTERS_MAX, maxKeyLength: LABEL_MAX, checkKey: checkLabel }
  validateEntries(errors, field, counters ?? {}, rules, () => undefined)
}

function validatePlace(errors: FieldError[], field: string, device: FrozenDevice, hasPlaces: boolean): void {
  const { nodeName, nodeSelector, allNodes } = device
  if (!hasPlaces) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return
    errors.push(fieldInvalid(field, null, NO_PLACE))
    return
  }
  const places = collectPlaces(errors, field, device, 'must not be empty')
  if (places.length === 0) errors.push(fieldRequired(field, ONE_PLACE))
  else if (places.length > 1) errors.push(fieldInvalid(field, `{${places.join(', ')}}`, ONE_PLACE))
}

function validateMappings(errors: FieldError[], field: string, device: FrozenDevice): void {
  for (const [name, mapping] of Object.entries(device.nodeAllocatableResourceMappings ?? {})) {
    const at = keyField(field, name)
    if (!isNativeResource(name)) errors.push(fieldInvalid(at, name, 'must be a node allocatable resource name'))
    validateMapping(errors, at, mapping, device)
  }
}

function validateMapping(
  errors: FieldError[],
  field: string,
  { allocationMultiplier: multiplier, capacityKey }: DeepReadonly<NodeAllocatableResourceMapping>,
  { capacity = {} }: FrozenDevice,
): void {
  if (multiplier === undefined && capacityKey === undefined) {
    errors.push(fieldInvalid(field, '', 'at least one of allocationMultiplier or capacityKey must be set'))
  }
  const quantity = multiplier === undefined ? undefined : tryParseQuantity(multiplier)
  if (quantity !== undefined && quantity.sign <= 0) {
    errors.push(fieldInvalid(`${field}.allocationMultiplier`, quantity.toString(), 'must be positive'))
  }
  const at = `${field}.capacityKey`
  if (capacityKey === '') errors.push(fieldInvalid(at, '', 'capacityKey must not be an empty string'))
  else if (capacityKey !== undefined && !Object.hasOwn(capacity, capacityKey)) {
    errors.push(fieldNotFound(at, capacityKey))
  }
}
