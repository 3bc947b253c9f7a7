/**
 * The hash that names a template's ReplicaSet. Upstream: controller_utils.go ComputeHash. Differs: the value, since Go hashes
 * its printed form; only its being the same each time matters.
 */
import { createHash } from 'node:crypto'
import type { PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** No vowels and no look-alikes: no words by accident. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const LENGTH = 10

/** `collisions`: how often the name was found taken by another template. */
export function templateHash(template: DeepReadonly<PodTemplateSpec>, collisions: number): string {
  const hash = createHash('sha256').update(canonical(template))
  if (collisions > 0) hash.update(`#${collisions}`)
  const digest = hash.digest()
  return Array.from({ length: LENGTH }, (_, i) => ALPHABET[(digest[i] ?? 0) % ALPHABET.length]).join('')
}

/** JSON with sorted members: equal templates are equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
