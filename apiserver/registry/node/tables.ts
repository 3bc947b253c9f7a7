/** `kubectl get runtimeclasses`. */
import { AGE, defineTable, NAME } from '../table.ts'

export const runtimeClassTable = defineTable([NAME, { name: 'Handler', value: ({ handler }) => handler ?? '' }, AGE])
