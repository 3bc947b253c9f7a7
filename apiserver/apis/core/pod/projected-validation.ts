/** Projected volumes. Upstream: pkg/apis/core/validation validateProjectedVolumeSource, validateProjectionSources. */
import type {
  ClusterTrustBundleProjection,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkSignerName, isKubernetesSigner } from '../../signer-name.ts'
import { addInvalid, checkLabelSelector } from '../../validation.ts'
import { checkNonReservedPath } from './paths.ts'
import { checkMode, validateDownwardFile, validateItem } from './volume-files.ts'

const TOKEN_SECONDS_MIN = 600
const TOKEN_SECONDS_MAX = 2 ** 32
const CERTIFICATE_SECONDS_MIN = 3600
const CERTIFICATE_SECONDS_MAX = 91 * 24 * 3600
const KUBERNETES_CERTIFICATE_SECONDS_MAX = 24 * 3600
const USER_ANNOTATIONS_MAX_BYTES = 256 * 1024
const KEY_TYPES = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519']
const CERTIFICATE_PATHS = ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const
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
    if (paths.has(path)) errors.push(fieldInvalid(field, shown, CONFLICT))
    paths.add(path)
  }
  for (const kind of ['secret', 'configMap'] as const) {
    const reference = source[kind]
    if (reference === undefined) continue
    const { name = '', items = [] } = reference
    if (name === '') errors.push(fieldRequired(`${at}.${kind}.name`, ''))
    items.forEach((item, i) => {
      validateItem(errors, `${at}.${kind}.items[${i}]`, item)
      if ((item.path ?? '') !== '') claim(item.path, name)
    })
  }
  for (const file of source.downwardAPI?.items ?? []) {
    validateDownwardFile(errors, `${at}.downwardAPI`, file)
    if ((file.path ?? '') !== '') claim(file.path, file.path)
  }
  if (source.serviceAccountToken !== undefined) validateToken(errors, field, at, source.serviceAccountToken)
  if (source.clusterTrustBundle !== undefined) {
    validateTrustBundle(errors, `${at}.clusterTrustBundle`, source.clusterTrustBundle)
    claim(source.clusterTrustBundle.path ?? '', source.clusterTrustBundle.path ?? '')
  }
  if (source.podCertificate !== undefined) {
    const certificateField = `${at}.podCertificate`
    validateCertificate(errors, certificateField, source.podCertificate)
    const given = CERTIFICATE_PATHS.filter((member) => (source.podCertificate?.[member] ?? '') !== '')
    for (const member of given) {
      const path = source.podCertificate[member] ?? ''
      checkNonReservedPath(errors, `${certificateField}.${member}`, path)
      claim(path, path)
    }
    if (given.length === 0) {
      const detail = 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'
      errors.push(fieldRequired(certificateField, detail))
    }
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
    for (const message of trustBundleNameErrors(name)) {
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

/** Of a signer's bundle, whose name begins with the signer's. Upstream: ValidateClusterTrustBundleName. */
function trustBundleNameErrors(name: string): readonly string[] {
  const colon = name.lastIndexOf(':')
  // A signer without a name is none: the colon then is one too many.
  if (colon === 0) return ['ClusterTrustBundle without signer name must not have ":" in its name']
  const prefix = name.slice(0, colon + 1)
  if (!prefix.includes('/')) return isDns1123Subdomain(name.slice(colon + 1))
  const signer = name.slice(0, colon).replaceAll(':', '/')
  const required = prefix.replaceAll('/', ':')
  return [`ClusterTrustBundle for signerName ${signer} must be named with prefix ${required}`]
}

const internalBundle = (bundle: DeepReadonly<ClusterTrustBundleProjection>): object => ({
  Name: bundle.name ?? null,
  SignerName: bundle.signerName ?? null,
  LabelSelector: bundle.labelSelector ?? null,
  Optional: bundle.optional ?? null,
  Path: bundle.path ?? '',
})

function validateCertificate(
  errors: FieldError[],
  field: string,
  certificate: DeepReadonly<PodCertificateProjection>,
): void {
  const { signerName = '', keyType = '', maxExpirationSeconds: seconds, userAnnotations } = certificate
  checkSignerName(errors, `${field}.signerName`, signerName)
  if (userAnnotations !== undefined) checkUserAnnotations(errors, `${field}.userAnnotations`, userAnnotations)
  if (!KEY_TYPES.includes(keyType)) errors.push(fieldNotSupported(`${field}.keyType`, keyType, KEY_TYPES))
  if (seconds === undefined) return
  const at = `${field}.maxExpirationSeconds`
  if (seconds < CERTIFICATE_SECONDS_MIN) {
    errors.push(fieldInvalid(at, seconds, `if provided, maxExpirationSeconds must be >= ${CERTIFICATE_SECONDS_MIN}`))
  }
  const max = isKubernetesSigner(signerName) ? KUBERNETES_CERTIFICATE_SECONDS_MAX : CERTIFICATE_SECONDS_MAX
  if (seconds > max) errors.push(fieldInvalid(at, seconds, `if provided, maxExpirationSeconds must be <= ${max}`))
}

/** Upstream: ValidateUserAnnotations. */
function checkUserAnnotations(
  errors: FieldError[],
  field: string,
  annotations: Readonly<Record<string, string>>,
): void {
  let bytes = 0
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
    const name = key.toLowerCase()
    const problems = isQualifiedName(name)
    if (name === '') errors.push(fieldRequired(field, ''))
    else if (problems.length > 0) addInvalid(errors, field, name, problems)
    else if (!name.includes('/')) {
      errors.push(fieldInvalid(field, name, 'must be a domain-prefixed key (such as "acme.io/foo")'))
    }
  }
  if (bytes > USER_ANNOTATIONS_MAX_BYTES) errors.push(fieldTooLong(field, USER_ANNOTATIONS_MAX_BYTES))
}
