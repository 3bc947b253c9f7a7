/** Conflicts as the client gets to see them. Upstream: apimachinery pkg/util/managedfields/internal/conflict.go. */

import type { StatusError } from '#machinery/meta/errors.ts'
import { newApplyConflict } from '#machinery/meta/errors.ts'
import type { FieldOwner } from '#machinery/structured-merge/managers.ts'
import type { OwnerConflict } from '#machinery/structured-merge/ownership.ts'
import { pathsOf, pathText } from '#machinery/structured-merge/path-element.ts'

/** What a Status lists at most. */
const CAUSES_MAX = 1000

export function newConflictError(conflicts: readonly OwnerConflict[]): StatusError {
  const byName = conflicts
    .map(({ owner, fields }) => ({ name: ownerText(owner), paths: pathsOf(fields).map(pathText) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const causes = byName.flatMap(({ name, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${name}`, field })),
  )
  return newApplyConflict(causes.slice(0, CAUSES_MAX), message(byName, causes.length))
}

function message(
  byName: readonly { readonly name: string; readonly paths: readonly string[] }[],
  count: number,
): string {
  const [first] = byName
  if (count === 1) return `Apply failed with 1 conflict: conflict with ${first?.name ?? ''}: ${first?.paths[0] ?? ''}`
  const lines = byName.flatMap(({ name, paths }) => [`conflicts with ${name}:`, ...paths.map((path) => `- ${path}`)])
  return `Apply failed with ${count} conflicts: ${lines.join('\n')}`
}

function ownerText({ manager = '', operation, apiVersion, subresource }: FieldOwner): string {
  const quoted = JSON.stringify(manager)
  const name = subresource === undefined ? quoted : `${quoted} with subresource ${JSON.stringify(subresource)}`
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}
