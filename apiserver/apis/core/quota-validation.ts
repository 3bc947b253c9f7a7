/** ResourceQuota. Upstream: pkg/apis/core/validation ValidateResourceQuota(Status)(Update). */
import type {
  ResourceQuota,
  ScopedResourceSelectorRequirement,
  ScopeSelector,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkQuotaResourceName, checkResourceQuantity, isStandardQuotaResource } from './resource-names.ts'

type FrozenQuota = DeepReadonly<ResourceQuota>

const POD_RESOURCES: ReadonlySet<string> = new Set([
  'pods',
  'cpu',
  'memory',
  'limits.cpu',
  'limits.memory',
  'requests.cpu',
  'requests.memory',
])
const CLAIM_RESOURCES: ReadonlySet<string> = new Set(['persistentvolumeclaims', 'requests.storage'])
/** What each scope can be applied to. */
const SCOPES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['Terminating', POD_RESOURCES],
  ['NotTerminating', POD_RESOURCES],
  ['BestEffort', new Set(['pods'])],
  ['NotBestEffort', POD_RESOURCES],
  ['PriorityClass', POD_RESOURCES],
  ['CrossNamespacePodAffinity', POD_RESOURCES],
  ['VolumeAttributesClass', CLAIM_RESOURCES],
])
const EXISTS_ONLY = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']
const CONFLICTS = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
]
const MATCHES = 'spec.scopeSelector.matchExpressions'

export function validateResourceQuota(quota: FrozenQuota): FieldError[] {
  const errors: FieldError[] = []
  validateSpec(errors, quota)
  validateStatus(errors, quota)
  return errors
}

export function validateResourceQuotaUpdate(next: FrozenQuota, old: FrozenQuota): FieldError[] {
  const errors: FieldError[] = []
  validateSpec(errors, next)
  const scopes = new Set(next.spec?.scopes)
  const before = new Set(old.spec?.scopes)
  if (scopes.size !== before.size || [...scopes].some((scope) => !before.has(scope))) {
    errors.push(fieldInvalid('spec.scopes', next.spec?.scopes ?? null, 'field is immutable'))
  }
  return errors
}

export function validateResourceQuotaStatusUpdate(next: FrozenQuota): FieldError[] {
  const errors: FieldError[] = []
  validateStatus(errors, next)
  return errors
}

function validateStatus(errors: FieldError[], { status }: FrozenQuota): void {
  checkResources(errors, 'status.hard', status?.hard)
  checkResources(errors, 'status.used', status?.used)
}

function checkResources(errors: FieldError[], field: string, list: Readonly<Record<string, string>> | undefined): void {
  if (list === undefined) return
  for (const [name, text] of Object.entries(list)) {
    checkQuotaResourceName(errors, `${field}[${name}]`, name)
    checkResourceQuantity(errors, `${field}[${name}]`, name, text)
  }
}

function validateSpec(errors: FieldError[], { spec }: FrozenQuota): void {
  checkResources(errors, 'spec.hard', spec?.hard)
  const hard = Object.keys(spec?.hard ?? {})
    .filter(isStandardQuotaResource)
    .sort()
  const { scopes = [], scopeSelector } = spec ?? {}
  for (const scope of scopes) {
    if (!SCOPES.has(scope)) errors.push(fieldInvalid('spec.scopes', scopes, 'unsupported scope'))
    checkScopeFits(errors, 'spec.scopes', scopes, scope, hard)
  }
  checkConflicts(errors, 'spec.scopes', scopes, scopes)
  const expressions = scopeSelector?.matchExpressions ?? []
  for (const expression of expressions) {
    const { scopeName } = expression
    if (!SCOPES.has(scopeName)) errors.push(fieldInvalid(`${MATCHES}.scopeName`, scopeName, 'unsupported scope'))
    checkScopeFits(errors, MATCHES, selectorAsGo(scopeSelector), scopeName, hard)
    validateExpression(errors, expression)
  }
  const named = expressions.map(({ scopeName }) => scopeName)
  // Upstream shows spec.scopes here too.
  checkConflicts(errors, MATCHES, named, spec?.scopes ?? null)
}

function checkScopeFits(
  errors: FieldError[],
  field: string,
  value: unknown,
  scope: string,
  hard: readonly string[],
): void {
  const fitting = SCOPES.get(scope)
  if (fitting === undefined) return
  for (const name of hard) {
    if (!fitting.has(name)) errors.push(fieldInvalid(field, value, 'unsupported scope applied to resource'))
  }
}

function checkConflicts(errors: FieldError[], field: string, scopes: readonly string[], value: unknown): void {
  for (const pair of CONFLICTS) {
    if (pair.every((scope) => scopes.includes(scope))) errors.push(fieldInvalid(field, value, 'conflicting scopes'))
  }
}

function validateExpression(
  errors: FieldError[],
  { scopeName, operator, values = [] }: DeepReadonly<ScopedResourceSelectorRequirement>,
): void {
  if (EXISTS_ONLY.includes(scopeName) && operator !== 'Exists') {
    const detail =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
    errors.push(fieldInvalid(`${MATCHES}.operator`, operator, detail))
  }
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
    if (values.length === 0) errors.push(fieldRequired(`${MATCHES}.values`, detail))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
    if (values.length > 0) errors.push(fieldInvalid(`${MATCHES}.values`, values, detail))
  } else errors.push(fieldInvalid(`${MATCHES}.operator`, operator, 'not a valid selector operator'))
}

/** As Go prints the internal type. */
const selectorAsGo = (selector: DeepReadonly<ScopeSelector> | undefined): object => ({
  MatchExpressions: (selector?.matchExpressions ?? []).map(({ scopeName, operator, values }) => ({
    ScopeName: scopeName,
    Operator: operator,
    Values: values ?? null,
  })),
})

/** Requests beyond what limits allow can never be used up. Upstream: pkg/registry/core/resourcequota/strategy.go. */
export function quotaWarnings({ spec }: FrozenQuota): string[] {
  const { hard = {} } = spec ?? {}
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((resource) => {
    const isCompute = resource === 'cpu' || resource === 'memory'
    const named = hard[`requests.${resource}`] === undefined && isCompute ? resource : `requests.${resource}`
    const request = tryParseQuantity(hard[named] ?? '')
    const limit = tryParseQuantity(hard[`limits.${resource}`] ?? '')
    if (request === undefined || limit === undefined || request.compare(limit) <= 0) return []
    const rest = `should be less than limits.${resource} (${limit.toString()})`
    return [`ResourceQuota ${named} (${request.toString()}) ${rest}`]
  })
}
