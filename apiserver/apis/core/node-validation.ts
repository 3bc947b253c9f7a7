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
import { jsonProblem } from './json-problem.ts'
import { validateConfig } from './node-config-validation.ts'
import { checkResourceQuantity } from './resource-names.ts'

type FrozenNode = DeepReadonly<Node>

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function validateNode(node: FrozenNode): FieldError[] {
  const errors: FieldError[] = []
  validateAnnotations(errors, node)
  validateTaints(errors, 'metadata.taints', node.spec?.taints)
  validateResources(errors, node)
  const swap = node.status?.nodeInfo?.swap?.capacity
  if (swap !== undefined && swap <= 0) {
    errors.push(fieldInvalid('metadata.nodeSwapStatus.capacity', swap, 'must be greater than zero'))
  }
  validateDeclaredFeatures(errors, node.status?.declaredFeatures ?? [])
  const cidrs = node.spec?.podCIDRs ?? []
  const field = 'spec.podCIDRs'
  cidrs.forEach((cidr, i) => {
    checkLegacyCidr(errors, `${field}[${i}]`, cidr)
  })
  if (cidrs.length < 2) return errors
  if (cidrs.length > 2 || new Set(cidrs.map((cidr) => parseCidr(cidr)?.family)).size < 2) {
    errors.push(fieldInvalid(field, cidrs, 'may specify no more than one CIDR for each IP family'))
  }
  return errors
}

export function validateNodeUpdate(next: FrozenNode, old: FrozenNode): FieldError[] {
  const errors: FieldError[] = []
  validateAnnotations(errors, next)
  validateResources(errors, next)
  validateDeclaredFeatures(errors, next.status?.declaredFeatures ?? [])
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
  validateConfig(errors, next)
  validateTaints(errors, 'metadata.taints', next.spec?.taints)
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

const FEATURE = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/
const FEATURE_MAX = 253
const FEATURE_SHAPE =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"

/** Sorted, each once. */
function validateDeclaredFeatures(errors: FieldError[], features: readonly string[]): void {
  const field = 'status.declaredFeatures'
  features.forEach((feature, i) => {
    const isTooLong = Buffer.byteLength(feature) > FEATURE_MAX
    if (isTooLong || !FEATURE.test(feature)) {
      const why = isTooLong ? `must be no more than ${FEATURE_MAX} characters` : FEATURE_SHAPE
      errors.push(fieldInvalid(`${field}[${i}]`, feature, `invalid feature name ${JSON.stringify(feature)}: ${why}`))
    }
    const next = features[i + 1]
    if (next === undefined || next > feature) return
    const at = `${field}[${i + 1}]`
    errors.push(
      next === feature ? fieldDuplicate(at, next) : fieldInvalid(at, next, 'list must be sorted alphabetically'),
    )
  })
}

const TAINTS_ANNOTATION = 'scheduler.alpha.kubernetes.io/taints'
const AVOID_PODS_ANNOTATION = 'scheduler.alpha.kubernetes.io/preferAvoidPods'

/** Of annotations from before there were fields; nobody acts on them. Upstream: ValidateNodeSpecificAnnotations. */
function validateAnnotations(errors: FieldError[], { metadata }: FrozenNode): void {
  const { [TAINTS_ANNOTATION]: taints = '', [AVOID_PODS_ANNOTATION]: avoided = '' } = metadata.annotations ?? {}
  const at = 'metadata.annotations'
  if (taints !== '') {
    const problem = jsonProblem(taints, 'array', '[]core.Taint')
    if (problem !== undefined) errors.push(fieldInvalid(at, TAINTS_ANNOTATION, problem))
    else validateTaints(errors, `${at}.${TAINTS_ANNOTATION}`, JSON.parse(taints) ?? [])
  }
  if (avoided === '') return
  const problem = jsonProblem(avoided, 'object', 'v1.AvoidPods')
  if (problem !== undefined) errors.push(fieldInvalid(`${at}.AvoidPods`, AVOID_PODS_ANNOTATION, problem))
  else validateAvoidedPods(errors, `${at}.${AVOID_PODS_ANNOTATION}`, JSON.parse(avoided))
}

interface AvoidPods {
  readonly preferAvoidPods?: readonly {
    readonly podSignature?: { readonly podController?: { readonly controller?: boolean } }
  }[]
}

function validateAvoidedPods(errors: FieldError[], field: string, avoided: AvoidPods | null): void {
  avoided?.preferAvoidPods?.forEach(({ podSignature }, i) => {
    const at = `${field}[${i}].PodSignature`
    if (podSignature?.podController === undefined) errors.push(fieldRequired(at, ''))
    else if (podSignature.podController.controller !== true) {
      errors.push(fieldInvalid(`${at}.PodController.Controller`, false, 'must point to a controller'))
    }
  })
}

/** Upstream's path is metadata.taints. */
function validateTaints(errors: FieldError[], at: string, taints: readonly DeepReadonly<Taint>[] | undefined): void {
  const seen = new Set<string>()
  taints?.forEach((taint, i) => {
    const field = `${at}[${i}]`
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
