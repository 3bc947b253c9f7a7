/** `kubectl get priorityclasses`. */
import { AGE, defineTable, NAME } from '../table.ts'

export const priorityClassTable = defineTable([
  NAME,
  { name: 'Value', type: 'integer', value: ({ value }) => value ?? 0 },
  { name: 'Global-Default', type: 'boolean', value: ({ globalDefault }) => globalDefault === true },
  AGE,
  { name: 'PreemptionPolicy', value: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
])
