/** Upstream: pkg/apis/core/validation ValidateNode, ValidateNodeUpdate; pkg/registry/core/node/strategy.go (warnings). */
import type { Node, Taint } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import { parseCidr } from '#machinery/meta/ip-address.ts'
import { isLabelValue, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkLegacyCidr, cidrWarnings } from '../ip-validation.ts'
import { addInvalid } from '../validation.ts'
import { checkResourceQuantity } from './resource-names.ts'

type FrozenNode = DeepReadonly<Node>

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function validateNode(node: FrozenNode): FieldError[] {
  const errors: FieldError[] = []
  validateTaints(errors, node)
  validateResources(errors, node)
  const cidrs = node.spec?.podCIDRs ?? []
  const field = 'spec.podCIDRs'
  cidrs.forEach((cidr, i) => {
    checkLegacyCidr(errors, `${field}[${i}]`, cidr)
  })
  if (cidrs.length < 2) return errors
  if (cidrs.length > 2 || new Set(cidrs.map((cidr) => parseCidr(cidr)?.family)).size < 2) {
    errors.push(fieldInvalid(field, cidrs, 'may specify no more than one CIDR for each IP family'))
  }
  cidrs.forEach((cidr, i) => {
    if (cidrs.indexOf(cidr) < i) errors.push(fieldDuplicate(`${field}[${i}]`, cidr))
  })
  return errors
}

export function validateNodeUpdate(next: FrozenNode, old: FrozenNode): FieldError[] {
  const errors: FieldError[] = []
  validateResources(errors, next)
  const seen = new Set<string>()
  next.status?.addresses?.forEach(({ type, address }, i) => {
    const key = `${type} ${address}`
    if (seen.has(key)) errors.push(fieldDuplicate(`status.addresses[${i}]`, { Type: type, Address: address }))
    seen.add(key)
  })
  checkPodCidrsStay(errors, next.spec?.podCIDRs ?? [], old.spec?.podCIDRs ?? [])
  const { providerID = '', externalID = '' } = old.spec ?? {}
  if (providerID !== '' && providerID !== (next.spec?.providerID ?? '')) {
    const detail = 'node updates may not change providerID except from "" to valid'
    errors.push(fieldForbidden('spec.providerID', detail))
  }
  validateTaints(errors, next)
  if ((next.spec?.externalID ?? '') !== externalID) {
    errors.push(fieldForbidden('spec.externalID', 'may not be updated'))
  }
  return errors
}

export function nodeWarnings({ spec }: FrozenNode): string[] {
  const warnings: string[] = []
  if (spec?.configSource !== undefined) warnings.push('spec.configSource: the feature is removed')
  if ((spec?.externalID ?? '') !== '') {
    warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes')
  }
  spec?.podCIDRs?.forEach((cidr, i) => {
    warnings.push(...cidrWarnings(`spec.podCIDRs[${i}]`, cidr))
  })
  return warnings
}

function checkPodCidrsStay(errors: FieldError[], next: readonly string[], old: readonly string[]): void {
  if (old.length === 0) return
  const refusal = fieldForbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')
  if (next.length !== old.length) errors.push(refusal)
  else
    old.forEach((cidr, i) => {
      if (cidr !== next[i]) errors.push(refusal)
    })
}

function validateResources(errors: FieldError[], { status }: FrozenNode): void {
  for (const member of ['capacity', 'allocatable'] as const) {
    const list = status?.[member]
    if (list === undefined) continue
    for (const [name, text] of Object.entries(list)) {
      checkResourceQuantity(errors, `status.${member}.${name}`, name, text)
    }
  }
}

/** Upstream's path is metadata.taints. */
function validateTaints(errors: FieldError[], { spec }: FrozenNode): void {
  const seen = new Set<string>()
  spec?.taints?.forEach((taint, i) => {
    const field = `metadata.taints[${i}]`
    const { key = '', value = '', effect = '' } = taint
    addInvalid(errors, `${field}.key`, key, isQualifiedName(key))
    const problems = isLabelValue(value)
    if (problems.length > 0) errors.push(fieldInvalid(`${field}.value`, value, problems.join(';')))
    if (effect === '') errors.push(fieldRequired(`${field}.effect`, ''))
    else if (!EFFECTS.includes(effect)) errors.push(fieldNotSupported(`${field}.effect`, effect, EFFECTS))
    const identity = `${key}:${effect}`
    if (seen.has(identity)) {
      const duplicate = fieldDuplicate(field, taintAsGo(taint))
      errors.push({ ...duplicate, detail: 'taints must be unique by key and effect pair' })
    }
    seen.add(identity)
  })
}

const taintAsGo = ({ key, value = '', effect, timeAdded }: DeepReadonly<Taint>): object => ({
  Key: key,
  Value: value,
  Effect: effect,
  TimeAdded: timeAdded ?? null,
})
