// reflect.Kind and reflect.Type texts of a value.

import { type GoFunc, GoInt, GoObject, GoSlice, type GoValue, TypedMap } from './value.ts'

export function kindOf(value: GoValue): string {
  if (value === null || value === undefined) return 'invalid'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'float64'
  if (typeof value === 'boolean') return 'bool'
  if (value instanceof GoInt) return value.kind
  if (value instanceof Map) return 'map'
  if (Array.isArray(value) || value instanceof GoSlice || value instanceof Uint8Array) return 'slice'
  if (value instanceof GoObject) return value.goType.startsWith('*') ? 'ptr' : value.kind
  return 'func'
}

export function typeOf(value: GoValue): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'float64'
  if (typeof value === 'boolean') return 'bool'
  if (value instanceof GoInt) return value.named ?? value.kind
  if (value instanceof Map) return value instanceof TypedMap ? value.goType : 'map[string]interface {}'
  if (Array.isArray(value)) return '[]interface {}'
  if (value instanceof GoSlice) return value.goType
  if (value instanceof Uint8Array) return '[]uint8'
  if (value instanceof GoObject) return value.goType
  return funcType(value)
}

function funcType(value: GoFunc): string {
  const params = value.params.map((type, i) =>
    value.isVariadic && i === value.params.length - 1 ? `...${type}` : type,
  )
  return `func(${params.join(', ')}) ${value.result}`
}

/** Whether a concrete value may be passed where Go expects `type`. */
export function isAssignable(value: GoValue, type: string): boolean {
  switch (type) {
    case 'interface {}':
    case 'reflect.Value':
      return true
    case 'string':
      return typeof value === 'string'
    case 'bool':
      return typeof value === 'boolean'
    case 'float64':
      return typeof value === 'number'
    case 'map[string]interface {}':
      // A defined type such as common.Values has the same underlying type and is therefore assignable.
      return value instanceof Map && (!(value instanceof TypedMap) || value.goType === 'common.Values')
    default:
      return typeOf(value) === type
  }
}

/** Whether a nil may stand for `type`. */
export function canBeNil(type: string): boolean {
  return (
    type === 'interface {}' ||
    type === 'reflect.Value' ||
    type.startsWith('map[') ||
    type.startsWith('[]') ||
    type.startsWith('*')
  )
}
