/** Node and pod affinity. Upstream: pkg/apis/core/validation ValidateNodeSelector, validateAffinity. */
import type {
  Affinity,
  NodeAffinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabelSelector } from '../../validation.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

export function validateAffinity(errors: FieldError[], field: string, affinity: DeepReadonly<Affinity>): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity
  if (nodeAffinity !== undefined) validateNodeAffinity(errors, `${field}.nodeAffinity`, nodeAffinity)
  if (podAffinity !== undefined) validatePodAffinity(errors, `${field}.podAffinity`, podAffinity)
  if (podAntiAffinity !== undefined) validatePodAffinity(errors, `${field}.podAntiAffinity`, podAntiAffinity)
}

function validateNodeAffinity(errors: FieldError[], field: string, affinity: DeepReadonly<NodeAffinity>): void {
  const required = affinity[REQUIRED]
  if (required !== undefined) {
    validateNodeSelectorTerms(errors, `${field}.${REQUIRED}.nodeSelectorTerms`, required.nodeSelectorTerms)
  }
  affinity[PREFERRED]?.forEach(({ weight = 0, preference }, i) => {
    const at = `${field}.${PREFERRED}[${i}]`
    checkWeight(errors, `${at}.weight`, weight)
    // Values that are no label values are let through here: nothing matches them, which a preference survives.
    validateNodeSelectorTerm(errors, `${at}.preference`, preference, false)
  })
}

function validatePodAffinity(errors: FieldError[], field: string, affinity: DeepReadonly<PodAffinity>): void {
  affinity[REQUIRED]?.forEach((term, i) => {
    validatePodAffinityTerm(errors, `${field}.${REQUIRED}[${i}]`, term)
  })
  affinity[PREFERRED]?.forEach(({ weight = 0, podAffinityTerm = {} as PodAffinityTerm }, i) => {
    const at = `${field}.${PREFERRED}[${i}]`
    checkWeight(errors, `${at}.weight`, weight)
    validatePodAffinityTerm(errors, `${at}.podAffinityTerm`, podAffinityTerm)
  })
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
    validateNodeSelectorTerm(errors, `${field}[${i}]`, term, true)
  })
}

function validateNodeSelectorTerm(
  errors: FieldError[],
  field: string,
  term: DeepReadonly<NodeSelectorTerm> | undefined,
  checksValues: boolean,
): void {
  term?.matchExpressions?.forEach(({ key = '', operator, values = [] }, i) => {
    const at = `${field}.matchExpressions[${i}]`
    checkNodeOperator(errors, at, operator, values)
    addInvalid(errors, `${at}.key`, key, isQualifiedName(key))
    if (!checksValues) return
    values.forEach((value, j) => {
      addInvalid(errors, `${at}.values[${j}]`, value, isLabelValue(value))
    })
  })
  term?.matchFields?.forEach((requirement, i) => {
    validateFieldRequirement(errors, `${field}.matchFields[${i}]`, requirement)
  })
}

function checkNodeOperator(errors: FieldError[], at: string, operator = '', values: readonly string[] = []): void {
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

/** Only a node's name can be matched, and only with one value. Upstream: ValidateNodeFieldSelectorRequirement. */
function validateFieldRequirement(
  errors: FieldError[],
  at: string,
  { key = '', operator = '', values = [] }: DeepReadonly<NodeSelectorRequirement>,
): void {
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(fieldInvalid(`${at}.operator`, operator, 'not a valid selector operator'))
  } else if (values.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
    errors.push(fieldRequired(`${at}.values`, detail))
  }
  if (key !== 'metadata.name') {
    errors.push(fieldInvalid(`${at}.key`, key, 'not a valid field selector key'))
    return
  }
  values.forEach((value, i) => {
    addInvalid(errors, `${at}.values[${i}]`, value, isDns1123Subdomain(value))
  })
}

function validatePodAffinityTerm(errors: FieldError[], field: string, term: DeepReadonly<PodAffinityTerm>): void {
  checkLabelSelector(errors, `${field}.labelSelector`, term.labelSelector)
  checkLabelSelector(errors, `${field}.namespaceSelector`, term.namespaceSelector)
  for (const namespace of term.namespaces ?? []) {
    addInvalid(errors, `${field}.namespace`, namespace, isDns1123Label(namespace))
  }
  checkMatchedKeys(errors, field, term)
  const { topologyKey = '' } = term
  if (topologyKey === '') errors.push(fieldRequired(`${field}.topologyKey`, 'can not be empty'))
  addInvalid(errors, `${field}.topologyKey`, topologyKey, isQualifiedName(topologyKey))
}

/** Of an affinity term or a spread constraint at `field`. Upstream: ValidateMatchLabelKeysAndMismatchLabelKeys. */
export function checkMatchedKeys(
  errors: FieldError[],
  field: string,
  term: Pick<DeepReadonly<PodAffinityTerm>, 'matchLabelKeys' | 'mismatchLabelKeys' | 'labelSelector'>,
): void {
  const { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector } = term
  checkKeys(errors, `${field}.matchLabelKeys`, matchLabelKeys, labelSelector !== undefined)
  checkKeys(errors, `${field}.mismatchLabelKeys`, mismatchLabelKeys, labelSelector !== undefined)
  // The strategy has already added a requirement per matchLabelKey, so only a second one is the user's.
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}))
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key)
    if (index !== -1 && selected.has(key)) {
      errors.push(fieldInvalid(`${field}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'))
    }
    selected.add(key)
  }
  matchLabelKeys.forEach((key, i) => {
    if (!mismatchLabelKeys.includes(key)) return
    const detail = 'exists in both matchLabelKeys and mismatchLabelKeys'
    errors.push(fieldInvalid(`${field}.matchLabelKeys[${i}]`, key, detail))
  })
}

function checkKeys(errors: FieldError[], field: string, keys: readonly string[], hasSelector: boolean): void {
  if (keys.length === 0) return
  if (!hasSelector) {
    errors.push(fieldForbidden(field, 'must not be specified when labelSelector is not set'))
    return
  }
  keys.forEach((key, i) => {
    addInvalid(errors, `${field}[${i}]`, key, isQualifiedName(key))
  })
}
