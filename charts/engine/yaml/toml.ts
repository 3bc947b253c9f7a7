// toToml with the layout of BurntSushi/toml 1.x: scalars first, then tables, two spaces of indent per level.

import { formatG } from '../gofmt/float.ts'
import { formatValue } from '../gofmt/print.ts'
import { GoError } from '../gotypes/error.ts'
import { sortedKeys } from '../gotypes/utf8.ts'
import { GoInt, GoObject, type GoValue, isMap, sliceItems } from '../gotypes/value.ts'
import { toJsonValue } from './json.ts'

const BARE_KEY = /^[A-Za-z0-9_-]+$/

export function toToml(value: GoValue): string {
  const root = value instanceof GoObject ? toJsonValue(value) : value
  if (!isMap(root)) {
    throw new GoError(
      root === null || root === undefined
        ? 'toml: cannot encode a nil value'
        : 'toml: top-level values must be Go maps or structs',
    )
  }
  const lines: string[] = []
  writeTable(lines, [], root)
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

function isTable(value: GoValue): boolean {
  return isMap(value)
}

function isTableArray(value: GoValue): boolean {
  const items = sliceItems(value)
  return items !== undefined && items.length > 0 && items.every(isTable)
}

function writeTable(lines: string[], path: readonly string[], table: ReadonlyMap<string, GoValue>): void {
  const keys = sortedKeys(table).filter((key) => table.get(key) !== null && table.get(key) !== undefined)
  const pad = '  '.repeat(path.length)
  for (const key of keys) {
    const value = table.get(key)
    if (!isTable(value) && !isTableArray(value)) lines.push(`${pad}${keyText(key)} = ${inline(value)}`)
  }
  for (const key of keys) {
    const value = table.get(key)
    const inner = [...path, key]
    const name = inner.map(keyText).join('.')
    if (isMap(value)) {
      if (lines.length > 0 && path.length === 0) lines.push('')
      lines.push(`${pad}[${name}]`)
      writeTable(lines, inner, value)
    } else if (isTableArray(value)) {
      for (const item of sliceItems(value) ?? []) {
        if (lines.length > 0) lines.push('')
        lines.push(`${pad}[[${name}]]`)
        if (isMap(item)) writeTable(lines, inner, item)
      }
    }
  }
}

function keyText(key: string): string {
  return BARE_KEY.test(key) ? key : tomlString(key)
}

function tomlString(text: string): string {
  let out = '"'
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    if (char === '"' || char === '\\') out += `\\${char}`
    else if (code === 8) out += '\\b'
    else if (code === 9) out += '\\t'
    else if (code === 10) out += '\\n'
    else if (code === 12) out += '\\f'
    else if (code === 13) out += '\\r'
    else if (code < 0x20 || code === 0x7f) out += `\\u${code.toString(16).padStart(4, '0')}`
    else out += char
  }
  return `${out}"`
}

function inline(value: GoValue): string {
  if (typeof value === 'string') return tomlString(value)
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return floatText(value)
  if (value instanceof GoInt) return value.value.toString()
  if (isMap(value)) {
    return `{${sortedKeys(value)
      .map((key) => `${keyText(key)} = ${inline(value.get(key))}`)
      .join(', ')}}`
  }
  const items = sliceItems(value)
  if (items !== undefined) {
    if (items.some((item) => item === null || item === undefined))
      throw new GoError('toml: cannot encode array with nil element')
    return `[${items.map(inline).join(', ')}]`
  }
  return tomlString(formatValue(value))
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  // strconv 'f' with shortest digits, and a fraction is always written.
  const text = Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-6) ? formatG(value) : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}
