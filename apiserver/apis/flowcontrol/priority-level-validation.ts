/** Upstream: pkg/apis/flowcontrol/validation/validation.go ValidatePriorityLevelConfiguration. */
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from '#machinery/api/flowcontrol/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { mandatoryPriorityLevels } from './bootstrap.ts'
import { validateConditionTypes } from './validation.ts'

/** Zero shares are zero in v1; v1beta3 needed this to say so. */
const ZERO_SHARES = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares'
const MAX_QUEUES = 10_000_000
/** Of the hash that shuffle sharding deals hands from. */
const MAX_HASH_BITS = 60

type FrozenLevel = DeepReadonly<PriorityLevelConfiguration>

export function validatePriorityLevel(level: FrozenLevel): FieldError[] {
  const errors: FieldError[] = []
  const { metadata, spec, status } = level
  const { type = '', limited, exempt } = spec ?? {}
  if (metadata.annotations?.[ZERO_SHARES] !== undefined) {
    errors.push(fieldForbidden('metadata.annotations', `annotation '${ZERO_SHARES}' is forbidden`))
  }
  if ((metadata.name === 'exempt') !== (type === 'Exempt')) {
    errors.push(fieldInvalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"))
  }
  if (type === 'Exempt') {
    if (limited !== undefined) errors.push(fieldForbidden('spec.limited', 'must be nil if the type is not Limited'))
    if (exempt !== undefined) checkShares(errors, 'spec.exempt', exempt)
  } else if (type === 'Limited') {
    if (exempt !== undefined) errors.push(fieldForbidden('spec.exempt', 'must be nil if the type is Limited'))
    if (limited === undefined) errors.push(fieldRequired('spec.limited', 'must not be empty when type is Limited'))
    else validateLimited(errors, 'spec.limited', limited)
  } else errors.push(fieldNotSupported('spec.type', type, ['Exempt', 'Limited']))
  validateMandatory(errors, level)
  return [...errors, ...validateConditionTypes(status?.conditions)]
}

/** Administrators may tune what the exempt level lends, nothing else of the two. */
function validateMandatory(errors: FieldError[], { metadata, spec }: FrozenLevel): void {
  const mandatory = mandatoryPriorityLevels().find((one) => one.metadata.name === metadata.name)
  if (mandatory === undefined) return
  const isExempt = metadata.name === 'exempt'
  const { exempt: _fixed, ...fixed } = mandatory.spec
  const { exempt: _given, ...given } = spec ?? {}
  const isKept = isExempt ? deepEqual(given, fixed) : deepEqual(spec, mandatory.spec)
  if (isKept) return
  const exception = isExempt ? " except the 'spec.exempt' field" : ''
  errors.push(fieldInvalid('spec', spec, `spec of '${metadata.name}'${exception} must equal the fixed value`))
}

function checkShares(
  errors: FieldError[],
  field: string,
  { nominalConcurrencyShares, lendablePercent }: DeepReadonly<ExemptPriorityLevelConfiguration>,
): void {
  if (nominalConcurrencyShares !== undefined && nominalConcurrencyShares < 0) {
    const at = `${field}.nominalConcurrencyShares`
    errors.push(fieldInvalid(at, nominalConcurrencyShares, 'must be a non-negative integer'))
  }
  if (lendablePercent !== undefined && !(lendablePercent >= 0 && lendablePercent <= 100)) {
    errors.push(fieldInvalid(`${field}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive'))
  }
}

function validateLimited(
  errors: FieldError[],
  field: string,
  limited: DeepReadonly<LimitedPriorityLevelConfiguration>,
): void {
  const { borrowingLimitPercent, limitResponse } = limited
  if ((limited.nominalConcurrencyShares ?? 0) < 0) {
    const at = `${field}.nominalConcurrencyShares`
    errors.push(fieldInvalid(at, limited.nominalConcurrencyShares, 'must be a non-negative integer'))
  }
  validateLimitResponse(errors, `${field}.limitResponse`, limitResponse)
  if (limited.lendablePercent !== undefined) {
    checkShares(errors, field, { lendablePercent: limited.lendablePercent })
  }
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    const detail = 'if specified, must be a non-negative integer'
    errors.push(fieldInvalid(`${field}.borrowingLimitPercent`, borrowingLimitPercent, detail))
  }
}

function validateLimitResponse(
  errors: FieldError[],
  field: string,
  response: DeepReadonly<LimitResponse> | undefined,
): void {
  const { type = '', queuing } = response ?? {}
  const at = `${field}.queuing`
  if (type === 'Reject') {
    if (queuing !== undefined) {
      errors.push(fieldForbidden(at, 'must be nil if limited.limitResponse.type is not Limited'))
    }
  } else if (type === 'Queue') {
    if (queuing === undefined) {
      errors.push(fieldRequired(at, 'must not be empty if limited.limitResponse.type is Limited'))
    } else validateQueuing(errors, at, queuing)
  } else errors.push(fieldNotSupported(`${field}.type`, type, ['Queue', 'Reject']))
}

function validateQueuing(errors: FieldError[], field: string, queuing: DeepReadonly<QueuingConfiguration>): void {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing
  const refuse = (member: string, value: number, detail: string): void => {
    errors.push(fieldInvalid(`${field}.${member}`, value, detail))
  }
  if (queueLengthLimit <= 0) refuse('queueLengthLimit', queueLengthLimit, 'must be positive')
  if (queues <= 0) refuse('queues', queues, 'must be positive')
  else if (queues > MAX_QUEUES) refuse('queues', queues, `must not be greater than ${MAX_QUEUES}`)
  if (handSize <= 0) refuse('handSize', handSize, 'must be positive')
  else if (handSize > queues) refuse('handSize', handSize, `should not be greater than queues (${queues})`)
  else if (Math.ceil(Math.log2(queues) * handSize) > MAX_HASH_BITS) {
    const detail = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`
    refuse('handSize', handSize, detail)
  }
}
