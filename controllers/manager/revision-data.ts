/**
 * What a ControllerRevision of a workload holds: its Pod template, as the strategic merge patch `kubectl rollout undo` sends;
 * and the hash that names it. Pure. Upstream: pkg/controller/history/controller_history.go, getPatch of statefulset and daemon.
 */
import type { ControllerRevision } from '#machinery/api/apps/v1/types.gen.ts'
import type { PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepEqual, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type TemplateView = DeepReadonly<PodTemplateSpec>

export interface RevisionData {
  readonly spec: { readonly template: TemplateView & { readonly $patch: 'replace' } }
}

/** Members are sorted: clients compare it byte by byte with what Go writes of a map. */
export function revisionData(template: TemplateView): RevisionData {
  return sorted({ spec: { template: { ...template, $patch: 'replace' } } }) as RevisionData
}

/** As Go's types printed a template up to 1.33: `Match` of the 1.20 conformance suite and kubectl 1.20 compare with this. */
export function revisionDataWithTimestamp(template: TemplateView): RevisionData {
  const metadata = { creationTimestamp: null, ...template.metadata } as unknown as NonNullable<TemplateView['metadata']>
  return revisionData({ ...template, metadata })
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}

/** The template a revision goes back to; undefined when it holds none. */
export function templateOf({ data }: DeepReadonly<ControllerRevision>): TemplateView | undefined {
  const spec = isObject(data) ? data['spec'] : undefined
  const stored = isObject(spec) ? spec['template'] : undefined
  if (!isObject(stored)) return undefined
  const { $patch: _directive, ...template } = stored
  return template
}

/** Revisions written by other servers may say null where ours says nothing (`creationTimestamp`): that is no other template. */
export function isSameData(a: unknown, b: unknown): boolean {
  return deepEqual(a, b) || deepEqual(withoutNulls(a), withoutNulls(b))
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined)
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]))
}

/** FNV-1 over the data as Go prints it, in an alphabet without vowels. `collisions`: how often the name was found taken. */
export function revisionHash(data: unknown, collisions: number): string {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(`${goJson(data)}${collisions}`)) hash = Math.imul(hash, 0x01000193) ^ byte
  return [...String(hash >>> 0)].map((digit) => ALPHABET.charAt(digit.charCodeAt(0) % ALPHABET.length)).join('')
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** JSON with HTML escaped, as encoding/json writes it. */
function goJson(value: unknown): string {
  const text = JSON.stringify(sorted(value)) ?? 'null'
  return text.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
