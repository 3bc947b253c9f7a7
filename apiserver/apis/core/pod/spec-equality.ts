/**
 * Whether two pod specs mean the same: a list or map without members is one that is not there, as in Go.
 * Upstream: apimachinery pkg/api/equality Semantic.DeepEqual. Quantities are canonical since they were decoded.
 */
import { deepEqual } from '#machinery/util/json.ts'

/** Elsewhere an empty object is a struct that is there. */
const MAPS: ReadonlySet<string> = new Set([
  'annotations',
  'labels',
  'limits',
  'matchLabels',
  'nodeSelector',
  'overhead',
  'requests',
  'volumeAttributes',
])

export function isSameSpec(a: unknown, b: unknown): boolean {
  return deepEqual(a, b) || isSameButForEmpties(a, b)
}

/** For two that are known not to be equal member by member. */
export function isSameButForEmpties(a: unknown, b: unknown): boolean {
  return isSame(a, b, '')
}

function isSame(a: unknown, b: unknown, member: string): boolean {
  if (isEmpty(a, member) && isEmpty(b, member)) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i], ''))
  }
  if (!isMembers(a) || !isMembers(b)) return deepEqual(a, b)
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) => isSame(a[name], b[name], name))
}

function isEmpty(value: unknown, member: string): boolean {
  if (value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return MAPS.has(member) && isMembers(value) && Object.keys(value).length === 0
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
