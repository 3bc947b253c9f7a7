/** Upstream: pkg/apis/certificates/validation/validation.go. */
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenRequest = DeepReadonly<CertificateSigningRequest>

const MIN_EXPIRATION_SECONDS = 600
const PEM_BLOCK = /-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----/
const DER_SEQUENCE = 0x30
const USAGES: ReadonlySet<string> = new Set([
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
])

/** A whole PEM block that holds DER; what is in it is the signer's affair. */
function isCertificateRequestPem(pem: string): boolean {
  const body = PEM_BLOCK.exec(pem)?.[1]
  return body !== undefined && Buffer.from(body, 'base64')[0] === DER_SEQUENCE
}

export function validateCertificateSigningRequest({ spec }: FrozenRequest): FieldError[] {
  const errors: FieldError[] = []
  const pem = Buffer.from(spec?.request ?? '', 'base64').toString('latin1')
  if (!isCertificateRequestPem(pem)) {
    const detail = 'PEM block type must be CERTIFICATE REQUEST'
    errors.push(fieldInvalid('spec.request', spec?.request ?? '', detail))
  }
  const usages = spec?.usages ?? []
  if (usages.length === 0) errors.push(fieldRequired('spec.usages', 'usages are required'))
  const seen = new Set<string>()
  usages.forEach((usage, i) => {
    if (!USAGES.has(usage)) errors.push(fieldNotSupported(`spec.usages[${i}]`, usage, [...USAGES].sort()))
    if (seen.has(usage)) errors.push(fieldDuplicate(`spec.usages[${i}]`, usage))
    seen.add(usage)
  })
  validateSignerName(errors, spec?.signerName ?? '')
  const seconds = spec?.expirationSeconds
  if (seconds !== undefined && seconds < MIN_EXPIRATION_SECONDS) {
    errors.push(
      fieldInvalid('spec.expirationSeconds', seconds, `may not specify a duration less than 600 seconds (10 minutes)`),
    )
  }
  return errors
}

function validateSignerName(errors: FieldError[], signerName: string): void {
  if (signerName === '') {
    errors.push(fieldRequired('spec.signerName', ''))
    return
  }
  const [domain = '', ...path] = signerName.split('/')
  if (path.length !== 1) {
    errors.push(
      fieldInvalid(
        'spec.signerName',
        signerName,
        'must be a fully qualified domain and path of the form "example.com/signer-name"',
      ),
    )
    return
  }
  for (const message of isDns1123Subdomain(domain)) errors.push(fieldInvalid('spec.signerName', domain, message))
  if (domain.split('.').length < 2) {
    errors.push(
      fieldInvalid('spec.signerName', domain, 'should be a domain with at least two segments separated by dots'),
    )
  }
}

/** Approval conditions may only be added, by /approval. */
export function validateApprovalUpdate(next: FrozenRequest, old: FrozenRequest): FieldError[] {
  const errors: FieldError[] = []
  const conditions = next.status?.conditions ?? []
  const has = (type: string): boolean => conditions.some((condition) => condition.type === type)
  if (has('Approved') && has('Denied')) {
    errors.push(
      fieldInvalid(
        'status.conditions',
        conditions.map(({ type }) => type),
        'Approved and Denied conditions are mutually exclusive',
      ),
    )
  }
  conditions.forEach(({ type = '', status = '' }, i) => {
    if (type === '') errors.push(fieldRequired(`status.conditions[${i}].type`, ''))
    if ((type === 'Approved' || type === 'Denied') && status !== 'True') {
      errors.push(fieldNotSupported(`status.conditions[${i}].status`, status, ['True']))
    }
  })
  for (const before of old.status?.conditions ?? []) {
    const isApproval = before.type === 'Approved' || before.type === 'Denied' || before.type === 'Failed'
    if (isApproval && !conditions.some((now) => now.type === before.type && deepEqual(now.status, before.status))) {
      errors.push(fieldForbidden('status.conditions', `updates may not remove a condition of type "${before.type}"`))
    }
  }
  return errors
}
