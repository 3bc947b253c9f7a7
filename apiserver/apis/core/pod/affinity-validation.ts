/** Node and pod affinity. Upstream: pkg/apis/core/validation ValidateNodeSelector, validateAffinity. */
import type { Affinity, NodeSelectorTerm, PodAffinityTerm } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabelSelector } from '../../validation.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

export function validateAffinity(errors: FieldError[], field: string, affinity: DeepReadonly<Affinity>): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity
  if (nodeAffinity !== undefined) {
    const required = nodeAffinity[REQUIRED]
    const at = `${field}.nodeAffinity.${REQUIRED}.nodeSelectorTerms`
    if (required !== undefined) validateNodeSelectorTerms(errors, at, required.nodeSelectorTerms)
    ;(nodeAffinity[PREFERRED] ?? []).forEach(({ weight, preference }, i) => {
      const term = `${field}.nodeAffinity.${PREFERRED}[${i}]`
      checkWeight(errors, `${term}.weight`, weight)
      validateNodeSelectorTerm(errors, `${term}.preference`, preference)
    })
  }
  const podAffinities = Object.entries({ podAffinity, podAntiAffinity })
  for (const [name, terms] of podAffinities) {
    ;(terms?.[REQUIRED] ?? []).forEach((term, i) => {
      validatePodAffinityTerm(errors, `${field}.${name}.${REQUIRED}[${i}]`, term)
    })
    ;(terms?.[PREFERRED] ?? []).forEach(({ weight, podAffinityTerm }, i) => {
      const at = `${field}.${name}.${PREFERRED}[${i}]`
      checkWeight(errors, `${at}.weight`, weight)
      validatePodAffinityTerm(errors, `${at}.podAffinityTerm`, podAffinityTerm)
    })
  }
}

function checkWeight(errors: FieldError[], field: string, weight: number): void {
  if (!(weight >= 1 && weight <= 100)) errors.push(fieldInvalid(field, weight, 'must be in the range 1-100'))
}

export function validateNodeSelectorTerms(
  errors: FieldError[],
  field: string,
  terms: readonly DeepReadonly<NodeSelectorTerm>[] | undefined,
): void {
  if (terms === undefined || terms.length === 0) {
    errors.push(fieldRequired(field, 'must have at least one node selector term'))
  }
  terms?.forEach((term, i) => {
    validateNodeSelectorTerm(errors, `${field}[${i}]`, term)
  })
}

function validateNodeSelectorTerm(errors: FieldError[], field: string, term: DeepReadonly<NodeSelectorTerm>): void {
  ;(term?.matchExpressions ?? []).forEach(({ key, operator, values = [] }, i) => {
    const at = `${field}.matchExpressions[${i}]`
    checkNodeOperator(errors, at, operator, values)
    addInvalid(errors, `${at}.key`, key, isQualifiedName(key))
  })
}

function checkNodeOperator(errors: FieldError[], at: string, operator: string, values: readonly string[]): void {
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be specified when `operator` is 'In' or 'NotIn'"
    if (values.length === 0) errors.push(fieldRequired(`${at}.values`, detail))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
    if (values.length > 0) errors.push(fieldForbidden(`${at}.values`, detail))
  } else if (operator === 'Gt' || operator === 'Lt') {
    const detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
    if (values.length !== 1) errors.push(fieldRequired(`${at}.values`, detail))
  } else {
    errors.push(fieldInvalid(`${at}.operator`, operator, 'not a valid selector operator'))
  }
}

function validatePodAffinityTerm(errors: FieldError[], field: string, term: DeepReadonly<PodAffinityTerm>): void {
  checkLabelSelector(errors, `${field}.labelSelector`, term.labelSelector)
  checkLabelSelector(errors, `${field}.namespaceSelector`, term.namespaceSelector)
  for (const namespace of term.namespaces ?? []) {
    addInvalid(errors, `${field}.namespace`, namespace, isDns1123Label(namespace))
  }
  if ((term.topologyKey ?? '') === '') errors.push(fieldRequired(`${field}.topologyKey`, 'can not be empty'))
  else addInvalid(errors, `${field}.topologyKey`, term.topologyKey, isQualifiedName(term.topologyKey))
}
