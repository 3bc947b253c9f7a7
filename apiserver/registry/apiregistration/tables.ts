/** `kubectl get apiservices`. */
import { AGE, defineTable, NAME } from '../table.ts'

export const apiServiceTable = defineTable([
  NAME,
  {
    name: 'Service',
    value: ({ spec }) => (spec?.service === undefined ? 'Local' : `${spec.service.namespace}/${spec.service.name}`),
  },
  { name: 'Available', value: ({ status }) => available(status?.conditions) },
  AGE,
])

interface ServiceCondition {
  readonly type: string
  readonly status: string
  readonly reason?: string
}

function available(conditions: readonly ServiceCondition[] | undefined): string {
  const condition = conditions?.find(({ type }) => type === 'Available')
  if (condition === undefined) return 'Unknown'
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`
}
