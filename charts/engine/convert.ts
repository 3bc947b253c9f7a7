// Go values ↔ plain JSON data.

import { GoInt, type GoValue, isMap, sliceItems } from './gotypes/value.ts'
import { fromJsonData, toJsonValue } from './yaml/json.ts'

/** Plain data: objects without prototype, arrays, strings, numbers, booleans, null. Large integers lose precision. */
export function goToJson(raw: GoValue): unknown {
  const value = toJsonValue(raw)
  if (value instanceof GoInt) return Number(value.value)
  if (isMap(value)) {
    const object: Record<string, unknown> = Object.create(null)
    for (const [key, item] of value) object[key] = goToJson(item)
    return object
  }
  const items = sliceItems(value)
  return items === undefined ? value : items.map(goToJson)
}

/** Numbers become float64, as they are when Helm reads values. */
export function jsonToGo(data: unknown): GoValue {
  return fromJsonData(data)
}
