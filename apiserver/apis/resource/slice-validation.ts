/**
 * What drivers offer. Upstream: pkg/apis/resource/validation/validation.go ValidateResourceSlice.
 * Differs: of a device its name, node and attribute values are looked at, not taints, counters and capacities.
 */
import type { Device, DeviceAttribute, ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired, fieldTooLong, keyField } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateNodeSelectorTerms } from '../core/pod/affinity-validation.ts'
import { addInvalid, checkImmutable } from '../validation.ts'
import { checkDriverName, nameOf, validateItems } from './validation.ts'

const DEVICES_MAX = 128
const POOL_NAME_MAX = 253
const ATTRIBUTES_MAX = 32
const ATTRIBUTE_VALUE_MAX = 64
const PRE_RELEASE = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)'
const SEMVER = new RegExp(
  `^(0|[1-9]\\d*)(\\.(0|[1-9]\\d*)){2}(-${PRE_RELEASE}(\\.${PRE_RELEASE})*)?(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?$`,
)

type FrozenSlice = DeepReadonly<ResourceSlice>

export function validateResourceSlice({ spec }: FrozenSlice): FieldError[] {
  const errors: FieldError[] = []
  const { driver, pool, devices = [] } = spec ?? {}
  checkDriverName(errors, 'spec.driver', driver)
  const { name = '', resourceSliceCount = 0, generation = 0 } = pool ?? {}
  checkPoolName(errors, 'spec.pool.name', name)
  if (resourceSliceCount <= 0) {
    errors.push(fieldInvalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero'))
  }
  if (generation < 0) {
    errors.push(fieldInvalid('spec.pool.generation', generation, 'must be greater than or equal to zero'))
  }
  checkPlacement(errors, spec)
  validateItems(errors, 'spec.devices', devices, { max: DEVICES_MAX, keyOf: nameOf }, (device, at) => {
    validateDevice(errors, at, device)
  })
  return errors
}

export function validateResourceSliceUpdate(next: FrozenSlice, old: FrozenSlice): FieldError[] {
  const errors = validateResourceSlice(next)
  checkImmutable(errors, 'spec.pool.name', next.spec.pool?.name ?? '', old.spec.pool?.name ?? '')
  checkImmutable(errors, 'spec.driver', next.spec.driver, old.spec.driver)
  checkImmutable(errors, 'spec.nodeName', next.spec.nodeName, old.spec.nodeName)
  return errors
}

function checkPoolName(errors: FieldError[], field: string, name: string): void {
  if (name === '') {
    errors.push(fieldRequired(field, ''))
    return
  }
  if (Buffer.byteLength(name) > POOL_NAME_MAX) errors.push(fieldTooLong(field, POOL_NAME_MAX))
  for (const part of name.split('/')) addInvalid(errors, field, part, isDns1123Subdomain(part))
}

function checkPlacement(errors: FieldError[], spec: FrozenSlice['spec'] | undefined): void {
  const { nodeName, nodeSelector, allNodes = false, perDeviceNodeSelection = false } = spec ?? {}
  const set: string[] = []
  if (nodeName !== undefined) {
    set.push('`nodeName`')
    addInvalid(errors, 'spec.nodeName', nodeName, isDns1123Subdomain(nodeName))
  }
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`')
    const terms = nodeSelector.nodeSelectorTerms ?? []
    const field = 'spec.nodeSelector.nodeSelectorTerms'
    validateNodeSelectorTerms(errors, field, terms)
    if (terms.length !== 1) errors.push(fieldInvalid(field, terms, 'must have exactly one node selector term'))
  }
  if (allNodes) set.push('`allNodes`')
  if (perDeviceNodeSelection) set.push('`perDeviceNodeSelection`')
  const detail = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  if (set.length === 0) errors.push(fieldRequired('spec', detail))
  else if (set.length > 1) {
    errors.push(fieldInvalid('spec', `{${set.join(', ')}}`, `${detail}, but multiple fields are set`))
  }
}

function validateDevice(errors: FieldError[], field: string, device: DeepReadonly<Device>): void {
  const { name = '', attributes = {}, capacity = {} } = device
  addInvalid(errors, `${field}.name`, name, isDns1123Label(name))
  for (const [key, attribute] of Object.entries(attributes)) {
    validateAttribute(errors, keyField(`${field}.attributes`, key), attribute)
  }
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > ATTRIBUTES_MAX) {
    const detail = `the total number of attributes and capacities must not exceed ${ATTRIBUTES_MAX}`
    errors.push(fieldInvalid(field, count, detail))
  }
}

function validateAttribute(errors: FieldError[], field: string, attribute: DeepReadonly<DeviceAttribute>): void {
  const { string, version } = attribute
  if (string !== undefined && Buffer.byteLength(string) > ATTRIBUTE_VALUE_MAX) {
    errors.push(fieldTooLong(`${field}.string`, ATTRIBUTE_VALUE_MAX))
  }
  if (version !== undefined && !SEMVER.test(version)) {
    const detail = 'must be a string compatible with semver.org spec 2.0.0'
    errors.push(fieldInvalid(`${field}.version`, version, detail))
  }
  const values = Object.keys(attribute).length
  if (values === 0) errors.push(fieldRequired(field, 'exactly one value must be specified'))
  else if (values > 1) errors.push(fieldInvalid(field, attribute, 'exactly one value must be specified'))
}
