// toYaml: Go value → JSON → go-yaml v2, done in one step. Upstream: sigs.k8s.io/yaml Marshal.

import { formatG } from '../gofmt/float.ts'
import { GoError } from '../gotypes/error.ts'
import { GoInt, type GoValue } from '../gotypes/value.ts'
import { emitYaml } from './emit.ts'
import { toJsonValue } from './json.ts'

const MAX_UINT64 = 2 ** 64
const MIN_INT64 = -(2 ** 63)

/** Ends with a line break, as Marshal does. */
export function toYamlV2(value: GoValue): string {
  return emitYaml(value, {
    width: 80,
    indentsSequences: false,
    formatNumber,
    unwrap: toJsonValue,
  })
}

/** A JSON number that reads as an integer prints as one. */
function formatNumber(value: GoValue): string {
  if (value instanceof GoInt) return value.value.toString()
  if (typeof value !== 'number') throw new GoError('json: unsupported type')
  if (!Number.isFinite(value)) throw new GoError(`json: unsupported value: ${formatG(value)}`)
  if (Number.isInteger(value) && value < MAX_UINT64 && value >= MIN_INT64) return value === 0 ? '0' : String(value)
  return formatG(value)
}
