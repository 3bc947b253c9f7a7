/**
 * Webhook configurations. What a stored one already violates does not stop its updates.
 * Upstream: pkg/apis/admissionregistration/validation/validation.go.
 */
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1035Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkLabelSelector } from '../validation.ts'
import { validateWebhookService, validateWebhookUrl } from '../webhook-client-validation.ts'
import { FAILURE_POLICIES, MATCH_POLICIES, validateMatchConditions, validateRule } from './rule-validation.ts'

const REVIEW_VERSIONS = ['v1', 'v1beta1']
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun']
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown']
const REINVOCATION_POLICIES = ['IfNeeded', 'Never']
const TIMEOUT_MAX_SECONDS = 30
/** Of a selector's values: stored ones may be wrong. */
const SELECTOR_VALUE = /\.values\[\d+\]$/

type Webhook = DeepReadonly<Partial<MutatingWebhook> | Partial<ValidatingWebhook>>
export type WebhookConfiguration = DeepReadonly<MutatingWebhookConfiguration | ValidatingWebhookConfiguration>

interface Options {
  readonly ignoreMatchConditions: boolean
  readonly requireNoSideEffects: boolean
  readonly requireKnownReviewVersion: boolean
  readonly requireUniqueNames: boolean
  readonly allowInvalidSelectorValues: boolean
}

export function validateWebhookConfiguration(configuration: WebhookConfiguration): FieldError[] {
  return validateWebhooks(webhooksOf(configuration), {
    ignoreMatchConditions: false,
    requireNoSideEffects: true,
    requireKnownReviewVersion: true,
    requireUniqueNames: true,
    allowInvalidSelectorValues: false,
  })
}

export function validateWebhookConfigurationUpdate(
  next: WebhookConfiguration,
  old: WebhookConfiguration,
): FieldError[] {
  const before = webhooksOf(old)
  const names = before.map(({ name = '' }) => name)
  const isKnown = (version: string): boolean => REVIEW_VERSIONS.includes(version)
  const conditionsOf = (webhooks: readonly Webhook[]) => webhooks.map(({ matchConditions = [] }) => matchConditions)
  return validateWebhooks(webhooksOf(next), {
    ignoreMatchConditions: deepEqual(conditionsOf(webhooksOf(next)), conditionsOf(before)),
    requireNoSideEffects: before.every(({ sideEffects = '' }) => NO_SIDE_EFFECTS.includes(sideEffects)),
    requireKnownReviewVersion: before.every(
      ({ admissionReviewVersions: versions = [] }) => versions.length === 0 || versions.some(isKnown),
    ),
    requireUniqueNames: new Set(names).size === names.length,
    allowInvalidSelectorValues: before.some(
      ({ namespaceSelector, objectSelector }) => isInvalid(namespaceSelector) || isInvalid(objectSelector),
    ),
  })
}

const webhooksOf = ({ webhooks = [] }: WebhookConfiguration): readonly Webhook[] => webhooks

function isInvalid(selector: DeepReadonly<LabelSelector> | undefined): boolean {
  const errors: FieldError[] = []
  checkLabelSelector(errors, '', selector)
  return errors.length > 0
}

function validateWebhooks(webhooks: readonly Webhook[], options: Options): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  webhooks.forEach((webhook, i) => {
    const field = `webhooks[${i}]`
    validateWebhook(errors, field, webhook, options)
    validateReviewVersions(errors, `${field}.admissionReviewVersions`, webhook.admissionReviewVersions ?? [], options)
    const { name = '' } = webhook
    if (options.requireUniqueNames && names.has(name)) errors.push(fieldDuplicate(`${field}.name`, name))
    if (name !== '') names.add(name)
  })
  return errors
}

function validateReviewVersions(
  errors: FieldError[],
  field: string,
  versions: readonly string[],
  { requireKnownReviewVersion }: Options,
): void {
  const known = REVIEW_VERSIONS.join(', ')
  if (versions.length === 0) {
    errors.push(fieldRequired(field, `must specify one of ${known}`))
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) !== i) {
      errors.push(fieldInvalid(`${field}[${i}]`, version, 'duplicate version'))
      return
    }
    for (const message of isDns1035Label(version)) errors.push(fieldInvalid(`${field}[${i}]`, version, message))
  })
  if (requireKnownReviewVersion && !versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(fieldInvalid(field, versions, `must include at least one of ${known}`))
  }
}

function validateWebhook(errors: FieldError[], field: string, webhook: Webhook, options: Options): void {
  checkQualifiedName(errors, `${field}.name`, webhook.name ?? '')
  webhook.rules?.forEach((rule, i) => {
    validateRule(errors, `${field}.rules[${i}]`, rule)
  })
  const checkOption = (member: string, value: string | undefined, allowed: readonly string[]): void => {
    if (value !== undefined && !allowed.includes(value)) {
      errors.push(fieldNotSupported(`${field}.${member}`, value, allowed))
    }
  }
  checkOption('failurePolicy', webhook.failurePolicy, FAILURE_POLICIES)
  checkOption('matchPolicy', webhook.matchPolicy, MATCH_POLICIES)
  const sideEffects = options.requireNoSideEffects ? NO_SIDE_EFFECTS : SIDE_EFFECTS
  if (webhook.sideEffects === undefined) {
    errors.push(fieldRequired(`${field}.sideEffects`, `must specify one of ${sideEffects.join(', ')}`))
  }
  checkOption('sideEffects', webhook.sideEffects, sideEffects)
  const seconds = webhook.timeoutSeconds
  if (seconds !== undefined && !(seconds >= 1 && seconds <= TIMEOUT_MAX_SECONDS)) {
    const detail = 'the timeout value must be between 1 and 30 seconds'
    errors.push(fieldInvalid(`${field}.timeoutSeconds`, seconds, detail))
  }
  checkSelector(errors, `${field}.namespaceSelector`, webhook.namespaceSelector, options)
  checkSelector(errors, `${field}.objectSelector`, webhook.objectSelector, options)
  if ('reinvocationPolicy' in webhook) {
    checkOption('reinvocationPolicy', webhook.reinvocationPolicy, REINVOCATION_POLICIES)
  }
  validateClientConfig(errors, `${field}.clientConfig`, webhook.clientConfig ?? {})
  if (!options.ignoreMatchConditions) {
    validateMatchConditions(errors, `${field}.matchConditions`, webhook.matchConditions)
  }
}

function checkQualifiedName(errors: FieldError[], field: string, name: string): void {
  const problems = isDns1123Subdomain(name)
  if (name === '') errors.push(fieldRequired(field, ''))
  else if (problems.length > 0) errors.push(fieldInvalid(field, name, problems.join(',')))
  else if (name.split('.').length < 3) {
    errors.push(fieldInvalid(field, name, 'should be a domain with at least three segments separated by dots'))
  }
}

function checkSelector(
  errors: FieldError[],
  field: string,
  selector: DeepReadonly<LabelSelector> | undefined,
  { allowInvalidSelectorValues }: Options,
): void {
  const found: FieldError[] = []
  checkLabelSelector(found, field, selector)
  errors.push(...found.filter((error) => !allowInvalidSelectorValues || !SELECTOR_VALUE.test(error.field)))
}

function validateClientConfig(
  errors: FieldError[],
  field: string,
  { url, service }: DeepReadonly<WebhookClientConfig>,
): void {
  if ((url === undefined) === (service === undefined)) {
    errors.push(fieldRequired(field, 'exactly one of url or service is required'))
  } else if (url !== undefined) errors.push(...validateWebhookUrl(url, `${field}.url`))
  else if (service !== undefined) errors.push(...validateWebhookService(service, `${field}.service`))
}
