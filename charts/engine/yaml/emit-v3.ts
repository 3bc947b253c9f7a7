// toYamlPretty: go-yaml v3 on the Go value itself, indent 2, nothing folded.

import { formatG } from '../gofmt/float.ts'
import { formatValue } from '../gofmt/print.ts'
import type { GoValue } from '../gotypes/value.ts'
import { emitYaml } from './emit.ts'
import { toJsonValue } from './json.ts'

export function toYamlV3(value: GoValue): string {
  return emitYaml(value, {
    width: Number.POSITIVE_INFINITY,
    indentsSequences: true,
    formatNumber,
    unwrap: toJsonValue,
  })
}

function formatNumber(value: GoValue): string {
  if (typeof value !== 'number') return formatValue(value)
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  return formatG(value)
}
