/**
 * The difference of two objects as people know it from upstream's messages: Go's member names, `-` what was, `+` what
 * was asked for. Upstream: google/go-cmp's Diff. Differs: equal members are left out instead of counted, and values are
 * written as Go literals of JSON types.
 */
import { deepEqual } from '#machinery/util/json.ts'

const DEPTH_MAX = 12
/** Members whose Go name is not the JSON name with a capital. */
const INITIALISMS: ReadonlyMap<string, string> = new Map([
  ['tty', 'TTY'],
  ['dnsPolicy', 'DNSPolicy'],
  ['dnsConfig', 'DNSConfig'],
  ['os', 'OS'],
  ['env', 'Env'],
])

export function goDifference(type: string, old: object, next: object): string {
  const lines = [`  ${type}{`]
  compareMembers(lines, old as Members, next as Members, 1)
  lines.push('  }')
  return `${lines.join('\n')}\n`
}

type Members = Readonly<Record<string, unknown>>

function compareMembers(lines: string[], old: Members, next: Members, depth: number): void {
  for (const member of new Set([...Object.keys(old), ...Object.keys(next)])) {
    compareValues(lines, `${goName(member)}: `, old[member], next[member], depth)
  }
}

function compareValues(lines: string[], name: string, old: unknown, next: unknown, depth: number): void {
  if (deepEqual(old, next)) return
  const indent = '  '.repeat(depth)
  if (depth < DEPTH_MAX && Array.isArray(old) && Array.isArray(next)) {
    lines.push(`  ${indent}${name}{`)
    for (let i = 0; i < Math.max(old.length, next.length); i++) compareValues(lines, '', old[i], next[i], depth + 1)
    lines.push(`  ${indent}},`)
  } else if (depth < DEPTH_MAX && isMembers(old) && isMembers(next)) {
    lines.push(`  ${indent}${name}{`)
    compareMembers(lines, old, next, depth + 1)
    lines.push(`  ${indent}},`)
  } else {
    if (old !== undefined || name !== '') lines.push(`- ${indent}${name}${goLiteral(old)},`)
    if (next !== undefined || name !== '') lines.push(`+ ${indent}${name}${goLiteral(next)},`)
  }
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function goName(member: string): string {
  const known = INITIALISMS.get(member)
  if (known !== undefined) return known
  return /^[a-z]/.test(member) && !/[./]/.test(member)
    ? member[0]?.toUpperCase() + member.slice(1)
    : JSON.stringify(member)
}

function goLiteral(value: unknown): string {
  if (value === undefined || value === null) return 'nil'
  return JSON.stringify(value)
}
