/** Tables of API priority and fairness. */
import { AGE, defineTable, NAME } from '../table.ts'

export const flowSchemaTable = defineTable([
  NAME,
  { name: 'PriorityLevel', value: ({ spec }) => spec?.priorityLevelConfiguration?.name ?? '' },
  { name: 'MatchingPrecedence', type: 'integer', value: ({ spec }) => spec?.matchingPrecedence ?? 0 },
  { name: 'DistinguisherMethod', value: ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>' },
  AGE,
  {
    name: 'MissingPL',
    value: ({ status }) =>
      (status?.conditions as readonly { type: string; status: string }[] | undefined)?.find(
        (c) => c.type === 'Dangling',
      )?.status ?? '?',
  },
])

export const priorityLevelTable = defineTable([
  NAME,
  { name: 'Type', value: ({ spec }) => spec?.type ?? '' },
  {
    name: 'NominalConcurrencyShares',
    value: ({ spec }) =>
      String(spec?.limited?.nominalConcurrencyShares ?? spec?.exempt?.nominalConcurrencyShares ?? '<none>'),
  },
  { name: 'Queues', value: ({ spec }) => String(spec?.limited?.limitResponse?.queuing?.queues ?? '<none>') },
  { name: 'HandSize', value: ({ spec }) => String(spec?.limited?.limitResponse?.queuing?.handSize ?? '<none>') },
  {
    name: 'QueueLengthLimit',
    value: ({ spec }) => String(spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? '<none>'),
  },
  AGE,
])
