/** Projected volumes. Upstream: pkg/apis/core/validation validateProjectedVolumeSource, validateProjectionSources. */
import type {
  ClusterTrustBundleProjection,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabelSelector } from '../../validation.ts'
import { checkNonReservedPath } from './paths.ts'
import { checkMode, validateDownwardFiles, validateItems } from './volume-files.ts'

const TOKEN_SECONDS_MIN = 600
const TOKEN_SECONDS_MAX = 2 ** 32
const CERTIFICATE_SECONDS_MIN = 3600
const CERTIFICATE_SECONDS_MAX = 91 * 24 * 3600
const KEY_TYPES = ['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA3072', 'RSA4096']
const CONFLICT = 'conflicting duplicate paths'

export function validateProjected(
  errors: FieldError[],
  field: string,
  projected: DeepReadonly<ProjectedVolumeSource>,
): void {
  checkMode(errors, `${field}.defaultMode`, projected.defaultMode)
  const paths = new Set<string>()
  projected.sources?.forEach((source, i) => {
    const at = `${field}.sources[${i}]`
    validateSource(errors, field, at, source, paths)
    if (Object.keys(source).length > 1) {
      errors.push(fieldForbidden(at, 'may not specify more than 1 volume type per source'))
    }
  })
}

function validateSource(
  errors: FieldError[],
  field: string,
  at: string,
  source: DeepReadonly<VolumeProjection>,
  paths: Set<string>,
): void {
  /** `shown` is what upstream names as the bad value. */
  const claim = (path: string, shown: string): void => {
    if (path !== '' && paths.has(path)) errors.push(fieldInvalid(field, shown, CONFLICT))
    paths.add(path)
  }
  for (const kind of ['secret', 'configMap'] as const) {
    const reference = source[kind]
    if (reference === undefined) continue
    const { name = '', items = [] } = reference
    if (name === '') errors.push(fieldRequired(`${at}.${kind}.name`, ''))
    validateItems(errors, `${at}.${kind}.items`, items)
    for (const { path = '' } of items) claim(path, name)
  }
  if (source.downwardAPI !== undefined) {
    const { items = [] } = source.downwardAPI
    validateDownwardFiles(errors, `${at}.downwardAPI`, items)
    for (const { path = '' } of items) claim(path, path)
  }
  if (source.serviceAccountToken !== undefined) validateToken(errors, field, at, source.serviceAccountToken)
  if (source.clusterTrustBundle !== undefined) {
    validateTrustBundle(errors, `${at}.clusterTrustBundle`, source.clusterTrustBundle)
    claim(source.clusterTrustBundle.path ?? '', source.clusterTrustBundle.path ?? '')
  }
  if (source.podCertificate !== undefined) {
    validateCertificate(errors, `${at}.podCertificate`, source.podCertificate)
    const { credentialBundlePath, keyPath, certificateChainPath } = source.podCertificate
    for (const path of [credentialBundlePath, keyPath, certificateChainPath]) claim(path ?? '', path ?? '')
  }
}

/** The token's path is reported at the volume, not at the source, upstream too. */
function validateToken(
  errors: FieldError[],
  field: string,
  at: string,
  token: DeepReadonly<ServiceAccountTokenProjection>,
): void {
  const { path = '', expirationSeconds: seconds = 0 } = token
  const secondsField = `${at}.serviceAccountToken.expirationSeconds`
  if (seconds < TOKEN_SECONDS_MIN) {
    errors.push(fieldInvalid(secondsField, seconds, 'may not specify a duration less than 10 minutes'))
  }
  if (seconds > TOKEN_SECONDS_MAX) {
    errors.push(fieldInvalid(secondsField, seconds, 'may not specify a duration larger than 2^32 seconds'))
  }
  if (path === '') errors.push(fieldRequired(`${field}.path`, ''))
  else checkNonReservedPath(errors, `${field}.path`, path)
}

function validateTrustBundle(
  errors: FieldError[],
  field: string,
  bundle: DeepReadonly<ClusterTrustBundleProjection>,
): void {
  const { name, signerName, labelSelector, path = '' } = bundle
  if (name !== undefined && signerName !== undefined) {
    errors.push(fieldInvalid(field, internalBundle(bundle), 'only one of name and signerName may be used'))
  } else if (name !== undefined) {
    if (name === '') errors.push(fieldRequired(`${field}.name`, 'must be a valid object name'))
    const plainName = name.slice(name.lastIndexOf(':') + 1)
    for (const message of isDns1123Subdomain(plainName)) {
      errors.push(fieldInvalid(`${field}.name`, name, `not a valid clustertrustbundlename: ${message}`))
    }
    if (labelSelector !== undefined) {
      const detail = 'labelSelector must be unset if name is specified'
      errors.push(fieldInvalid(`${field}.labelSelector`, labelSelector, detail))
    }
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(fieldRequired(`${field}.signerName`, 'must be a valid signer name'))
    checkSignerName(errors, `${field}.signerName`, signerName)
    checkLabelSelector(errors, `${field}.labelSelector`, labelSelector)
  } else errors.push(fieldRequired(field, 'either name or signerName must be specified'))
  if (path === '') errors.push(fieldRequired(`${field}.path`, ''))
  checkNonReservedPath(errors, `${field}.path`, path)
}

const internalBundle = (bundle: DeepReadonly<ClusterTrustBundleProjection>): object => ({
  Name: bundle.name ?? null,
  SignerName: bundle.signerName ?? null,
  LabelSelector: bundle.labelSelector ?? null,
  Optional: bundle.optional ?? null,
  Path: bundle.path ?? '',
})

/** `domain/path`. Upstream: ValidateSignerName. */
function checkSignerName(errors: FieldError[], field: string, name: string): void {
  if (name === '') {
    errors.push(fieldRequired(field, ''))
    return
  }
  const segments = name.split('/')
  const [domain = '', path = ''] = segments
  if (segments.length !== 2) {
    const detail = 'must be a fully qualified domain and path of the form "example.com/signer-name"'
    errors.push(fieldInvalid(field, name, detail))
    return
  }
  for (const message of isDns1123Subdomain(domain)) {
    errors.push(fieldInvalid(field, domain, `validating label ${JSON.stringify(domain)}: ${message}`))
  }
  for (const message of isDns1123Subdomain(path)) {
    errors.push(fieldInvalid(field, path, `validating label ${JSON.stringify(path)}: ${message}`))
  }
}

function validateCertificate(
  errors: FieldError[],
  field: string,
  certificate: DeepReadonly<PodCertificateProjection>,
): void {
  const { signerName = '', keyType = '', maxExpirationSeconds: seconds } = certificate
  checkSignerName(errors, `${field}.signerName`, signerName)
  if (!KEY_TYPES.includes(keyType)) errors.push(fieldNotSupported(`${field}.keyType`, keyType, KEY_TYPES))
  if (seconds !== undefined && seconds < CERTIFICATE_SECONDS_MIN) {
    const detail = `if provided, maxExpirationSeconds must be >= ${CERTIFICATE_SECONDS_MIN}`
    errors.push(fieldInvalid(`${field}.maxExpirationSeconds`, seconds, detail))
  }
  if (seconds !== undefined && seconds > CERTIFICATE_SECONDS_MAX) {
    const detail = `if provided, maxExpirationSeconds must be <= ${CERTIFICATE_SECONDS_MAX}`
    errors.push(fieldInvalid(`${field}.maxExpirationSeconds`, seconds, detail))
  }
  const { credentialBundlePath = '', keyPath = '', certificateChainPath = '' } = certificate
  if (credentialBundlePath === '' && keyPath === '' && certificateChainPath === '') {
    const detail = 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'
    errors.push(fieldRequired(field, detail))
  }
  const given = { credentialBundlePath, keyPath, certificateChainPath }
  for (const [member, path] of Object.entries(given)) {
    if (path !== '') checkNonReservedPath(errors, `${field}.${member}`, path)
  }
  for (const [key, value] of Object.entries(certificate.userAnnotations ?? {})) {
    addInvalid(errors, `${field}.userAnnotations`, key, key.includes('/') ? [] : ['must be a domain-prefixed key'])
    if (value.length > 256 * 1024) errors.push(fieldInvalid(`${field}.userAnnotations`, key, 'value is too long'))
  }
}
