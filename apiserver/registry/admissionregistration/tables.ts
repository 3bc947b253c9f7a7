/** Tables of webhook configurations and admission policies. */
import { AGE, defineTable, NAME } from '../table.ts'

export const webhookConfigurationTable = defineTable([
  NAME,
  { name: 'Webhooks', type: 'integer', value: ({ webhooks }) => webhooks?.length ?? 0 },
  AGE,
])

export const policyTable = defineTable([
  NAME,
  {
    name: 'Validations',
    type: 'integer',
    value: ({ spec }) => spec?.validations?.length ?? spec?.mutations?.length ?? 0,
  },
  {
    name: 'ParamKind',
    value: ({ spec }) =>
      spec?.paramKind === undefined ? '<unset>' : `${spec.paramKind.apiVersion}/${spec.paramKind.kind}`,
  },
  AGE,
])

export const policyBindingTable = defineTable([
  NAME,
  { name: 'PolicyName', value: ({ spec }) => spec?.policyName ?? '' },
  { name: 'ParamRef', value: ({ spec }) => spec?.paramRef?.name ?? '<unset>' },
  AGE,
])
