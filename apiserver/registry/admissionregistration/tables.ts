/** Tables of webhook configurations and admission policies. */
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Cell } from '../table.ts'
import { AGE, defineTable, NAME } from '../table.ts'

export const webhookConfigurationTable = defineTable([
  NAME,
  { name: 'Webhooks', type: 'integer', value: ({ webhooks }) => webhooks?.length ?? 0 },
  AGE,
])

const paramKind: Cell = {
  name: 'ParamKind',
  value: ({ spec }) =>
    spec?.paramKind === undefined ? '<unset>' : `${spec.paramKind.apiVersion}/${spec.paramKind.kind}`,
}

export const validatingPolicyTable = defineTable([
  NAME,
  { name: 'Validations', type: 'integer', value: ({ spec }) => spec?.validations?.length ?? 0 },
  paramKind,
  AGE,
])

export const mutatingPolicyTable = defineTable([
  NAME,
  { name: 'Mutations', type: 'integer', value: ({ spec }) => spec?.mutations?.length ?? 0 },
  paramKind,
  AGE,
])

export const policyBindingTable = defineTable([
  NAME,
  { name: 'PolicyName', value: ({ spec }) => spec?.policyName ?? '' },
  { name: 'ParamRef', value: ({ spec }) => paramText(spec?.paramRef) },
  AGE,
])

interface ParamRef {
  readonly name?: string
  readonly namespace?: string
  readonly selector?: DeepReadonly<LabelSelector>
}

function paramText(ref: ParamRef | undefined): string {
  const { name = '', namespace = '', selector } = ref ?? {}
  if (name !== '') return `${namespace || '*'}/${name}`
  return selector === undefined ? '<unset>' : selectorAsGo(selector)
}

/** Upstream prints the selector's Go form. */
function selectorAsGo({ matchLabels = {}, matchExpressions = [] }: DeepReadonly<LabelSelector>): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`)
  const terms = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  const expressions = `[]LabelSelectorRequirement{${terms.join('')}}`
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:${expressions},}`
}
