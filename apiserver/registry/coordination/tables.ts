/** `kubectl get leases`. */
import { AGE, defineTable, NAME } from '../table.ts'

export const leaseTable = defineTable([NAME, { name: 'Holder', value: ({ spec }) => spec?.holderIdentity ?? '' }, AGE])
