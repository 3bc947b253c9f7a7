/** Columns of bindings. Roles have the generic ones. Upstream: pkg/printers/internalversion/printers.go. */

import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { RoleBinding } from '#machinery/api/rbac/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TableColumn, TableConvertor } from '../generic/interfaces.ts'

const column = (name: string, description: string, priority = 0, format = ''): TableColumn => ({
  name,
  type: 'string',
  format,
  description,
  priority,
})

export const BINDING_TABLE: TableConvertor = {
  columns: [
    column('Name', 'Name of the object, unique within its namespace.', 0, 'name'),
    column('Role', 'The role whose rules are granted.'),
    column('Age', 'Time since the server created the object.'),
    column('Users', 'Users among the subjects.', 1),
    column('Groups', 'Groups among the subjects.', 1),
    column('ServiceAccounts', 'Service accounts among the subjects.', 1),
  ],
  cells: (object, now) => {
    const { metadata, roleRef } = object as DeepReadonly<RoleBinding>
    return [
      metadata.name ?? '',
      `${roleRef.kind}/${roleRef.name}`,
      ageOf(object, now),
      subjectNames(object, 'User'),
      subjectNames(object, 'Group'),
      subjectNames(object, 'ServiceAccount'),
    ]
  },
}

function subjectNames(object: DeepReadonly<KubeObject>, kind: string): string {
  const { subjects = [] } = object as DeepReadonly<RoleBinding>
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ')
}

const UNITS = [
  {
    seconds: 365 * 86_400,
    from: 730 * 86_400,
    exactBelow: 2920 * 86_400,
    name: 'y',
    rest: { seconds: 86_400, name: 'd' },
  },
  { seconds: 86_400, from: 2 * 86_400, exactBelow: 8 * 86_400, name: 'd', rest: { seconds: 3600, name: 'h' } },
  { seconds: 3600, from: 3 * 3600, exactBelow: 8 * 3600, name: 'h', rest: { seconds: 60, name: 'm' } },
  { seconds: 60, from: 120, exactBelow: 600, name: 'm', rest: { seconds: 1, name: 's' } },
] as const

/** Upstream's HumanDuration since creation. */
function ageOf({ metadata }: DeepReadonly<KubeObject>, now: Date): string {
  if (typeof metadata.creationTimestamp !== 'string') return '<unknown>'
  const total = Math.max(0, Math.trunc((now.getTime() - Date.parse(metadata.creationTimestamp)) / 1000))
  const unit = UNITS.find(({ from }) => total >= from)
  if (unit === undefined) return `${total}s`
  const rest = Math.trunc((total % unit.seconds) / unit.rest.seconds)
  const whole = `${Math.trunc(total / unit.seconds)}${unit.name}`
  return total < unit.exactBelow && rest > 0 ? `${whole}${rest}${unit.rest.name}` : whole
}
