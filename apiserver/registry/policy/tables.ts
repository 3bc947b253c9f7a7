/** `kubectl get pdb`. */
import { AGE, defineTable, NAME } from '../table.ts'

export const podDisruptionBudgetTable = defineTable([
  NAME,
  { name: 'Min Available', value: ({ spec }) => String(spec?.minAvailable ?? 'N/A') },
  { name: 'Max Unavailable', value: ({ spec }) => String(spec?.maxUnavailable ?? 'N/A') },
  { name: 'Allowed Disruptions', type: 'integer', value: ({ status }) => status?.disruptionsAllowed ?? 0 },
  AGE,
])
