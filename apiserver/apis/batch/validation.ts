/** Jobs. Upstream: pkg/apis/batch/validation/validation.go, pkg/registry/batch/job/strategy.go. */
import type { Job, JobSpec } from '#machinery/api/batch/v1/types.gen.ts'
import type { PodSpec, PodTemplateSpec, ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong, keyField } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isUsable, sortedLabels } from '../apps/validation.ts'
import type { PodRules } from '../core/pod/rules.ts'
import { DEFAULT_POD_RULES } from '../core/pod/rules.ts'
import { validatePodTemplate } from '../core/pod/validation.ts'
import { addInvalid, checkImmutable, checkLabelSelector, checkNonNegative } from '../validation.ts'
import { validatePodFailurePolicy, validateSuccessPolicy } from './policy-validation.ts'

type FrozenSpec = DeepReadonly<JobSpec>

const INDEXED_MAX = 100_000
const COMPLETIONS_SOFT_LIMIT = 100_000
const LIMIT_FOR_MANY = 10_000
const MANAGED_BY_MAX = 63
const HTTP_PATH_FORMAT = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const HTTP_PATH = new RegExp(`^${HTTP_PATH_FORMAT}$`)
const DOES_NOT_MATCH = '`selector` does not match template `labels`'

export function validateJob(job: DeepReadonly<Job>, rules: PodRules = DEFAULT_POD_RULES): FieldError[] {
  const errors: FieldError[] = []
  const { spec } = job
  validateGeneratedSelector(errors, job)
  validateSpecWithSelector(errors, spec, rules)
  const { completions = 0 } = spec
  if (spec.completionMode === 'Indexed' && completions > 0) {
    const name = job.metadata.name ?? ''
    const host = `${name}-${completions - 1}`
    if (isDns1123Label(host).length > 0) {
      const detail = `will not able to create pod with invalid DNS label: ${host}`
      errors.push(fieldInvalid('metadata.name', name, detail))
    }
  }
  return errors
}

/** Unless manualSelector is set, the selector and the labels it needs must be the generated ones. */
function validateGeneratedSelector(errors: FieldError[], { spec, metadata }: DeepReadonly<Job>): void {
  if (spec.manualSelector === true || spec.selector === undefined) return
  const { uid = '', name = '' } = metadata
  if (uid === '') errors.push(fieldRequired('metadata.uid', ''))
  const expected = {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  }
  const labels = spec.template?.metadata?.labels ?? {}
  for (const [label, value] of Object.entries(expected)) {
    const at = keyField('spec.template.metadata.labels', label)
    if (!Object.hasOwn(labels, label)) errors.push(fieldRequired(at, `must be '${value}'`))
    else if (labels[label] !== value) errors.push(fieldInvalid(at, sortedLabels(labels), `must be '${value}'`))
  }
  if (!isUsable(spec.selector) || labelSelectorAsMatcher(spec.selector).matches(expected)) return
  errors.push(fieldInvalid('spec.selector', spec.selector, '`selector` not auto-generated'))
}

/** Upstream: ValidateJobSpec. */
function validateSpecWithSelector(errors: FieldError[], spec: FrozenSpec, rules: PodRules): void {
  validateJobSpec(errors, 'spec', spec, rules)
  const { selector } = spec
  const labels = spec.template?.metadata?.labels
  if (selector === undefined) {
    errors.push(fieldRequired('spec.selector', ''))
    errors.push(fieldInvalid('spec.template.metadata.labels', sortedLabels(labels), DOES_NOT_MATCH))
    return
  }
  checkLabelSelector(errors, 'spec.selector', selector)
  if (!isUsable(selector) || labelSelectorAsMatcher(selector).matches(labels ?? {})) return
  errors.push(fieldInvalid('spec.template.metadata.labels', sortedLabels(labels), DOES_NOT_MATCH))
}

/** What holds for the Jobs of a CronJob too. */
export function validateJobSpec(errors: FieldError[], field: string, spec: FrozenSpec, rules: PodRules): void {
  checkNonNegative(errors, `${field}.parallelism`, spec.parallelism)
  checkNonNegative(errors, `${field}.completions`, spec.completions)
  checkNonNegative(errors, `${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds)
  checkNonNegative(errors, `${field}.backoffLimit`, spec.backoffLimit)
  checkNonNegative(errors, `${field}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished)
  checkNonNegative(errors, `${field}.backoffLimitPerIndex`, spec.backoffLimitPerIndex)
  checkNonNegative(errors, `${field}.maxFailedIndexes`, spec.maxFailedIndexes)
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(fieldRequired(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  }
  if (spec.managedBy !== undefined) validateManagedBy(errors, `${field}.managedBy`, spec.managedBy)
  validateCompletionMode(errors, field, spec)
  if (spec.podFailurePolicy !== undefined) validatePodFailurePolicy(errors, `${field}.podFailurePolicy`, spec)
  if (spec.successPolicy !== undefined) validateSuccessPolicy(errors, `${field}.successPolicy`, spec)
  validateReplacementPolicy(errors, `${field}.podReplacementPolicy`, spec)
  validatePodTemplate(errors, `${field}.template`, spec.template, rules)
  validateRestartPolicy(errors, `${field}.template.spec.restartPolicy`, spec)
}

/** Upstream: apimachinery IsDomainPrefixedPath. */
function validateManagedBy(errors: FieldError[], field: string, value: string): void {
  const slash = value.indexOf('/')
  if (value === '') errors.push(fieldRequired(field, ''))
  else if (slash <= 0 || slash === value.length - 1) {
    errors.push(fieldInvalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")'))
  } else {
    const host = value.slice(0, slash)
    const path = value.slice(slash + 1)
    addInvalid(errors, field, host, isDns1123Subdomain(host))
    if (!HTTP_PATH.test(path)) {
      errors.push(fieldInvalid(field, path, `Invalid path (regex used for validation is '${HTTP_PATH_FORMAT}')`))
    }
  }
  if (Buffer.byteLength(value) > MANAGED_BY_MAX) errors.push(fieldTooLong(field, MANAGED_BY_MAX))
}

function validateCompletionMode(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const { completionMode: mode, backoffLimitPerIndex, maxFailedIndexes } = spec
  if (mode === 'Indexed') {
    validateIndexed(errors, field, spec)
    return
  }
  if (mode !== undefined && mode !== 'NonIndexed') {
    errors.push(fieldNotSupported(`${field}.completionMode`, mode, ['NonIndexed', 'Indexed']))
    return
  }
  const detail = 'requires indexed completion mode'
  for (const [member, value] of Object.entries({ backoffLimitPerIndex, maxFailedIndexes })) {
    if (value !== undefined) errors.push(fieldInvalid(`${field}.${member}`, value, detail))
  }
}

function validateIndexed(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const { completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec
  const tooLarge = (member: string, value: number, limit: number, when: string): void => {
    errors.push(fieldInvalid(`${field}.${member}`, value, `must be less than or equal to ${limit}${when}`))
  }
  if (completions === undefined) errors.push(fieldRequired(`${field}.completions`, 'when completion mode is Indexed'))
  if (parallelism > INDEXED_MAX) tooLarge('parallelism', parallelism, INDEXED_MAX, ' when completion mode is Indexed')
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    errors.push(
      fieldInvalid(`${field}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'),
    )
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > INDEXED_MAX) {
    tooLarge('maxFailedIndexes', maxFailedIndexes, INDEXED_MAX, '')
  }
  if (completions === undefined || completions <= COMPLETIONS_SOFT_LIMIT || backoffLimitPerIndex === undefined) return
  const when = ` when completions are above ${COMPLETIONS_SOFT_LIMIT} and used with backoff limit per index`
  if (maxFailedIndexes === undefined) {
    const detail = `must be specified when completions is above ${COMPLETIONS_SOFT_LIMIT}`
    errors.push(fieldRequired(`${field}.maxFailedIndexes`, detail))
  }
  if (parallelism > LIMIT_FOR_MANY) tooLarge('parallelism', parallelism, LIMIT_FOR_MANY, when)
  if (maxFailedIndexes !== undefined && maxFailedIndexes > LIMIT_FOR_MANY) {
    tooLarge('maxFailedIndexes', maxFailedIndexes, LIMIT_FOR_MANY, when)
  }
}

function validateReplacementPolicy(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const { podReplacementPolicy: policy } = spec
  if (policy === undefined) return
  const supported = spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']
  if (!supported.includes(policy)) errors.push(fieldNotSupported(field, policy, supported))
}

function validateRestartPolicy(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const { restartPolicy: policy = '' } = spec.template?.spec ?? {}
  if (policy === 'Always' || policy === '') {
    errors.push(fieldRequired(field, 'valid values: "OnFailure", "Never"'))
  } else if (policy !== 'OnFailure' && policy !== 'Never') {
    errors.push(fieldNotSupported(field, policy, ['OnFailure', 'Never']))
  } else if (spec.podFailurePolicy !== undefined && policy !== 'Never') {
    errors.push(fieldInvalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified'))
  }
}

export function validateJobUpdate(
  job: DeepReadonly<Job>,
  old: DeepReadonly<Job>,
  rules: PodRules = DEFAULT_POD_RULES,
  gates: SuspensionGates = NO_GATES,
): FieldError[] {
  const errors: FieldError[] = []
  const { spec } = job
  validateSpecWithSelector(errors, spec, rules)
  checkCompletionsUpdate(errors, spec, old.spec)
  checkImmutable(errors, 'spec.selector', spec.selector, old.spec.selector)
  checkTemplate(errors, spec.template, old, gates)
  for (const member of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const) {
    checkImmutable(errors, `spec.${member}`, spec[member], old.spec[member])
  }
  return errors
}

/** What of the template of a suspended Job may change although the Job has run before. */
export interface SuspensionGates {
  /** Where its Pods may go: MutableSchedulingDirectivesForSuspendedJobs. */
  readonly scheduling: boolean
  /** What its containers ask for: MutablePodResourcesForSuspendedJobs. */
  readonly resources: boolean
}

const NO_GATES: SuspensionGates = { scheduling: false, resources: false }

function checkTemplate(errors: FieldError[], next: Template, old: DeepReadonly<Job>, gates: SuspensionGates): void {
  const hasStarted = old.status?.startTime !== undefined
  const isSuspended = old.spec.suspend === true
  const isIdle = isSuspended && (old.status?.active ?? 0) === 0 && (!hasStarted || isMarkedSuspended(old))
  const isMutable = gates.scheduling ? isIdle : isSuspended && !hasStarted
  const before = isMutable ? withSchedulingOf(old.spec.template, next) : old.spec.template
  if (!gates.resources || !isIdle) {
    checkImmutable(errors, 'spec.template', next, before)
    return
  }
  // Of the metadata nothing is said then, as upstream.
  checkImmutable(errors, 'spec.template.spec', next.spec, withResourcesOf(before.spec, next.spec))
}

const isMarkedSuspended = ({ status }: DeepReadonly<Job>): boolean =>
  (status?.conditions ?? []).some(({ type, status: value }) => type === 'Suspended' && value === 'True')

/** Only of containers that are the same ones. Upstream: validatePodResourceUpdatesOnly. */
function withResourcesOf(old: Template['spec'], next: Template['spec']): Template['spec'] {
  if (old === undefined || next === undefined) return old
  const spec = deepCopy<PodSpec>(old)
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = next[list] ?? []
    if (containers.length !== (spec[list] ?? []).length) continue
    spec[list]?.forEach((container, i) => {
      const resources = containers[i]?.name === container.name ? containers[i]?.resources : container.resources
      if (resources === undefined) delete container.resources
      else container.resources = deepCopy<ResourceRequirements>(resources)
    })
  }
  return spec
}

/** Elastic indexed jobs: completions may change together with parallelism, to the same value. */
function checkCompletionsUpdate(errors: FieldError[], next: FrozenSpec, old: FrozenSpec): void {
  const { completions, parallelism } = next
  if (completions === old.completions) return
  if (next.completionMode !== 'Indexed') {
    errors.push(fieldInvalid('spec.completions', completions ?? null, 'field is immutable'))
  } else if (completions !== undefined && parallelism !== completions) {
    errors.push(fieldInvalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism'))
  }
}

type Template = DeepReadonly<PodTemplateSpec>

/** `old` with the parts that may change taken from `next`. Upstream: validatePodTemplateUpdate. */
function withSchedulingOf(old: Template, next: Template): Template {
  const take = <T extends object>(target: T, source: object, members: readonly string[]): T => {
    const taken = { ...target } as Record<string, unknown>
    for (const member of members) {
      const value = (source as Record<string, unknown>)[member]
      if (value === undefined) delete taken[member]
      else taken[member] = value
    }
    return taken as T
  }
  const metadata = take(old.metadata ?? {}, next.metadata ?? {}, ['labels', 'annotations'])
  const members = ['nodeSelector', 'tolerations', 'schedulingGates']
  const spec = take(old.spec ?? { containers: [] }, next.spec ?? {}, members)
  const affinity = take(old.spec?.affinity ?? {}, next.spec?.affinity ?? {}, ['nodeAffinity'])
  // An affinity that comes or goes with its node affinity is part of that change.
  const wasOnlyNodes = deepEqual(affinity, {}) && next.spec?.affinity === undefined
  return { ...old, metadata, spec: wasOnlyNodes ? omitAffinity(spec) : withAffinity(spec, affinity, old, next) }
}

function omitAffinity<T extends object>(spec: T): T {
  const { affinity: _affinity, ...rest } = spec as T & { affinity?: unknown }
  return rest as T
}

function withAffinity<T extends object>(spec: T, affinity: object, old: Template, next: Template): T {
  const isAbsent = old.spec?.affinity === undefined && next.spec?.affinity === undefined
  return isAbsent ? spec : { ...spec, affinity }
}
