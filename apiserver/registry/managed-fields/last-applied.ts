/**
 * Objects that came from client-side apply: its annotation says what kubectl owns, and is kept up to date while it lasts.
 * Upstream: apimachinery pkg/util/managedfields/internal/{lastappliedmanager,lastappliedupdater,lastapplied}.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { FieldSet } from '#machinery/structured-merge/field-set.ts'
import { difference, EMPTY_SET, isEmptySet } from '#machinery/structured-merge/field-set.ts'
import { fieldSetOf } from '#machinery/structured-merge/field-set-of.ts'
import type { OwnerConflict } from '#machinery/structured-merge/ownership.ts'
import { changesIn } from '#machinery/structured-merge/ownership.ts'
import type { MergeType } from '#machinery/structured-merge/types.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration'
/** The manager name that takes part; others opt out by having another. */
export const KUBECTL = 'kubectl'
const ANNOTATIONS_MAX_BYTES = 256 * 1024
const NOTHING_SKIPPED: ReadonlySet<string> = new Set()

/** The conflicts that client-side apply does not explain. */
export function conflictsBeyondLastApplied(
  conflicts: readonly OwnerConflict[],
  live: DeepReadonly<KubeObject>,
  type: MergeType,
  apiVersion: string,
): readonly OwnerConflict[] {
  let allowed: FieldSet
  try {
    allowed = lastAppliedFields(live, type, apiVersion)
  } catch {
    // An annotation nobody can make sense of explains nothing.
    return conflicts
  }
  return conflicts.flatMap(({ owner, fields }) => {
    const rest = difference(fields, allowed)
    return isEmptySet(rest) ? [] : [{ owner, fields: rest }]
  })
}

/** What was applied last and is still so. */
function lastAppliedFields(live: DeepReadonly<KubeObject>, type: MergeType, apiVersion: string): FieldSet {
  const config = parseConfig(live.metadata.annotations?.[ANNOTATION])
  if (config === undefined || config['apiVersion'] !== apiVersion) return EMPTY_SET
  const { set, removed } = changesIn(
    { type, skipped: NOTHING_SKIPPED, hasMetadata: true, reset: EMPTY_SET },
    config,
    live,
  )
  return difference(difference(fieldSetOf(type, config), set), removed)
}

function parseConfig(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined || text === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Brings the annotation in line with what has just been applied; an object without it stays without. */
export function updateLastApplied(object: KubeObject, config: KubeObject): void {
  const { annotations } = object.metadata
  const current = annotations?.[ANNOTATION]
  if (annotations === undefined || current === undefined || current === '') return
  const { [ANNOTATION]: _mine, ...others } = config.metadata.annotations ?? {}
  const metadata =
    config.metadata.annotations === undefined ? config.metadata : { ...config.metadata, annotations: others }
  annotations[ANNOTATION] = `${sortedJson({ ...config, metadata })}\n`
  let bytes = 0
  for (const [name, value] of Object.entries(annotations)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  if (bytes > ANNOTATIONS_MAX_BYTES) delete annotations[ANNOTATION]
}

/** As Go prints maps. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  )
}
