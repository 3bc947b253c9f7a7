/** Tables of API priority and fairness. */
import type { FlowSchema } from '#machinery/api/flowcontrol/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TableConvertor } from '../generic/interfaces.ts'
import { AGE, defineTable, NAME } from '../table.ts'

const flowSchemaCells = defineTable([
  NAME,
  { name: 'PriorityLevel', value: ({ spec }) => spec?.priorityLevelConfiguration?.name ?? '' },
  { name: 'MatchingPrecedence', value: ({ spec }) => spec?.matchingPrecedence ?? 0 },
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

type Schema = DeepReadonly<FlowSchema>

/** In the order in which schemas are tried. */
export const flowSchemaTable: TableConvertor = {
  ...flowSchemaCells,
  compare: (a, b) => precedence(a as Schema) - precedence(b as Schema) || compareNames(a, b),
}

const precedence = ({ spec }: Schema): number => spec?.matchingPrecedence ?? 0

const compareNames = (a: DeepReadonly<KubeObject>, b: DeepReadonly<KubeObject>): number =>
  (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1

export const priorityLevelTable = defineTable([
  NAME,
  { name: 'Type', value: ({ spec }) => spec?.type ?? '' },
  {
    name: 'NominalConcurrencyShares',
    value: ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? '<none>',
  },
  { name: 'Queues', value: ({ spec }) => spec?.limited?.limitResponse?.queuing?.queues ?? '<none>' },
  { name: 'HandSize', value: ({ spec }) => spec?.limited?.limitResponse?.queuing?.handSize ?? '<none>' },
  {
    name: 'QueueLengthLimit',
    value: ({ spec }) => spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? '<none>',
  },
  AGE,
])
