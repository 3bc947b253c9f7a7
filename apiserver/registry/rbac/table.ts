/** Columns of bindings. Roles have the generic ones. Upstream: pkg/printers/internalversion/printers.go. */
import type { RoleBinding } from '#machinery/api/rbac/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, NAME } from '../table.ts'

type Binding = DeepReadonly<RoleBinding>

export const bindingTable = defineTable([
  NAME,
  { name: 'Role', value: ({ roleRef }: Binding) => `${roleRef.kind}/${roleRef.name}` },
  AGE,
  { name: 'Users', wide: true, value: (binding: Binding) => subjectNames(binding, 'User') },
  { name: 'Groups', wide: true, value: (binding: Binding) => subjectNames(binding, 'Group') },
  { name: 'ServiceAccounts', wide: true, value: (binding: Binding) => subjectNames(binding, 'ServiceAccount') },
])

function subjectNames({ subjects = [] }: Binding, kind: string): string {
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ')
}
