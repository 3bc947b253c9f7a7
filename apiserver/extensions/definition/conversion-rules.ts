/**
 * spec.conversion of a CRD. Field paths are those of upstream's internal type (`webhookClientConfig`), which is what its
 * messages name. Upstream: apiextensions-apiserver pkg/apis/apiextensions/validation.
 */
import { X509Certificate } from 'node:crypto'
import { validateWebhookService, validateWebhookUrl } from '#apiserver/apis/webhook-client-validation.ts'
import type { CustomResourceConversion, WebhookClientConfig } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  childField,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  indexField,
} from '#machinery/meta/field-error.ts'
import { isDns1035Label } from '#machinery/meta/validation.ts'

const REVIEW_VERSIONS = ['v1', 'v1beta1']

export interface ConversionOptions {
  readonly requireKnownReviewVersion: boolean
  readonly allowInvalidCaBundle: boolean
}

export function validateConversion(
  conversion: CustomResourceConversion | undefined,
  field: string,
  options: ConversionOptions,
): FieldError[] {
  if (conversion === undefined) return []
  const errors: FieldError[] = []
  const { strategy } = conversion
  const strategyField = childField(field, 'strategy')
  if (strategy === undefined || strategy === '') errors.push(fieldRequired(strategyField, ''))
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    errors.push(fieldNotSupported(strategyField, strategy, ['None', 'Webhook']))
  }
  const config = conversion.webhook?.clientConfig
  const configField = childField(field, 'webhookClientConfig')
  const versions = conversion.webhook?.conversionReviewVersions ?? []
  const versionsField = childField(field, 'conversionReviewVersions')
  if (strategy === 'Webhook') {
    if (config === undefined) errors.push(fieldRequired(configField, 'required when strategy is set to Webhook'))
    else errors.push(...validateClientConfig(config, configField, options))
    errors.push(...validateReviewVersions(versions, versionsField, options))
    return errors
  }
  const detail = 'should not be set when strategy is not set to Webhook'
  if (config !== undefined) errors.push(fieldForbidden(configField, detail))
  if (versions.length > 0) errors.push(fieldForbidden(versionsField, detail))
  return errors
}

export function isKnownReviewVersion(version: string): boolean {
  return REVIEW_VERSIONS.includes(version)
}

function validateReviewVersions(versions: readonly string[], field: string, options: ConversionOptions): FieldError[] {
  if (versions.length === 0) return [fieldRequired(field, '')]
  const errors: FieldError[] = []
  const seen = new Set<string>()
  versions.forEach((version, i) => {
    if (seen.has(version)) {
      errors.push(fieldInvalid(indexField(field, i), version, 'duplicate version'))
      return
    }
    seen.add(version)
    for (const problem of isDns1035Label(version)) errors.push(fieldInvalid(indexField(field, i), version, problem))
  })
  if (options.requireKnownReviewVersion && !versions.some(isKnownReviewVersion)) {
    errors.push(fieldInvalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
  }
  return errors
}

function validateClientConfig(config: WebhookClientConfig, field: string, options: ConversionOptions): FieldError[] {
  const { url, service, caBundle = '' } = config
  const errors: FieldError[] = []
  if ((url === undefined) === (service === undefined)) {
    errors.push(fieldRequired(field, 'exactly one of url or service is required'))
  } else if (url !== undefined) {
    errors.push(...validateWebhookUrl(url, childField(field, 'url')))
  } else if (service !== undefined) {
    errors.push(...validateWebhookService(service, childField(field, 'service')))
  }
  if (caBundle !== '' && !options.allowInvalidCaBundle && !isValidCaBundle(caBundle)) {
    const detail = 'unable to load root certificates: unable to parse bytes as PEM block'
    errors.push(fieldInvalid(childField(field, 'caBundle'), caBundle, detail))
  }
  return errors
}

/** Base64 of one or more PEM certificates; the empty bundle is fine. */
export function isValidCaBundle(caBundle: string): boolean {
  if (caBundle === '') return true
  const blocks = Buffer.from(caBundle, 'base64')
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (blocks === null) return false
  try {
    for (const block of blocks) new X509Certificate(block)
    return true
  } catch {
    return false
  }
}
