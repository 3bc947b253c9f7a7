/** Attributes of devices. Upstream: pkg/apis/resource/validation validateDeviceAttribute. */
import type { DeviceAttribute } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldTooLong } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenAttribute = DeepReadonly<DeviceAttribute>

const VALUE_MAX = 64
const PRE_RELEASE = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)'
const SEMVER = new RegExp(
  `^(0|[1-9]\\d*)(\\.(0|[1-9]\\d*)){2}(-${PRE_RELEASE}(\\.${PRE_RELEASE})*)?(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?$`,
)
const ONE_VALUE = 'exactly one value must be specified'

/** How many values the attributes have: each of a list counts. */
export function countValues(attributes: Readonly<Record<string, FrozenAttribute>>): number {
  let count = 0
  for (const { ints = [], bools = [], strings = [], versions = [] } of Object.values(attributes)) {
    count += Math.max(1, ints.length + bools.length + strings.length + versions.length)
  }
  return count
}

export const hasLists = ({ ints, bools, strings, versions }: FrozenAttribute): boolean =>
  ints !== undefined || bools !== undefined || strings !== undefined || versions !== undefined

export function validateAttribute(errors: FieldError[], field: string, attribute: FrozenAttribute): void {
  const { string, version, bools, ints, strings, versions } = attribute
  if (string !== undefined) checkLength(errors, `${field}.string`, string)
  if (version !== undefined) checkVersion(errors, `${field}.version`, version)
  for (const [member, list] of Object.entries({ bools, ints, strings, versions })) {
    const at = `${field}.${member}`
    if (list?.length === 0) errors.push(fieldInvalid(at, list, 'must not be empty if specified'))
    list?.forEach((value, i) => {
      if (member === 'strings') checkLength(errors, `${at}[${i}]`, String(value))
      if (member === 'versions') checkVersion(errors, `${at}[${i}]`, String(value))
    })
  }
  const count = Object.values(attribute).filter((value) => value !== undefined).length
  if (count === 0) errors.push(fieldInvalid(field, '', ONE_VALUE))
  else if (count > 1) errors.push(fieldInvalid(field, internalAttribute(attribute), ONE_VALUE))
}

function checkLength(errors: FieldError[], field: string, value: string): void {
  if (Buffer.byteLength(value) > VALUE_MAX) errors.push(fieldTooLong(field, VALUE_MAX))
}

function checkVersion(errors: FieldError[], field: string, version: string): void {
  if (!SEMVER.test(version)) {
    errors.push(fieldInvalid(field, version, 'must be a string compatible with semver.org spec 2.0.0'))
  }
  checkLength(errors, field, version)
}

/** As upstream prints its internal type. */
function internalAttribute({ int, bool, string, version, ints, bools, strings, versions }: FrozenAttribute): object {
  return {
    IntValue: int ?? null,
    BoolValue: bool ?? null,
    StringValue: string ?? null,
    VersionValue: version ?? null,
    IntValues: ints ?? null,
    BoolValues: bools ?? null,
    StringValues: strings ?? null,
    VersionValues: versions ?? null,
  }
}
