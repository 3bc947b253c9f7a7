/** Upstream: pkg/apis/certificates/validation/validation.go. Differs: Go's own words for a certificate it cannot parse. */
import { X509Certificate } from 'node:crypto'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkSignerName } from '../signer-name.ts'

type FrozenRequest = DeepReadonly<CertificateSigningRequest>

const MIN_EXPIRATION_SECONDS = 600
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown'
const ALWAYS_TRUE: ReadonlySet<string> = new Set(['Approved', 'Denied', 'Failed'])
const STATUSES = ['False', 'True', 'Unknown']
const PEM_BEGIN = /-----BEGIN ([^-]*)-----\n([\s\S]*?)-----END [^-]*-----/g
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

/** What is wrong with the PEM text of a request; undefined: nothing. Reading one is the server's PKI's affair. */
export type RequestProblem = (pem: string) => string | undefined

/** What a stored request that was made under older rules may keep. */
interface Leniency {
  readonly anySigner: boolean
  readonly anyUsages: boolean
  readonly twiceUsages: boolean
  readonly bothVerdicts: boolean
  readonly twiceConditions: boolean
  readonly emptyConditions: boolean
  readonly anyCertificate: boolean
}

export function validateCertificateSigningRequest(request: FrozenRequest, problemOf: RequestProblem): FieldError[] {
  return validateRequest(request, problemOf, {
    anySigner: false,
    anyUsages: false,
    twiceUsages: false,
    bothVerdicts: false,
    twiceConditions: false,
    emptyConditions: false,
    anyCertificate: false,
  })
}

function leniencyFor(next: FrozenRequest, old: FrozenRequest): Leniency {
  const usages = old.spec?.usages ?? []
  const types = typesOf(old)
  const before = old.status?.certificate ?? ''
  return {
    anySigner: old.spec?.signerName === LEGACY_SIGNER,
    anyUsages: usages.some((usage) => !USAGES.has(usage)),
    twiceUsages: new Set(usages).size !== usages.length,
    bothVerdicts: types.includes('Approved') && types.includes('Denied'),
    twiceConditions: new Set(types).size !== types.length,
    emptyConditions: types.includes(''),
    anyCertificate: before === (next.status?.certificate ?? '') || certificateProblem(before) !== undefined,
  }
}

const typesOf = ({ status }: FrozenRequest): string[] => (status?.conditions ?? []).map(({ type = '' }) => type)

function validateRequest(request: FrozenRequest, problemOf: RequestProblem, leniency: Leniency): FieldError[] {
  const errors: FieldError[] = []
  const { spec, status } = request
  const pem = Buffer.from(spec?.request ?? '', 'base64').toString('latin1')
  const trouble = problemOf(pem)
  if (trouble !== undefined) errors.push(fieldInvalid('spec.request', spec?.request ?? '', trouble))
  validateUsages(errors, spec?.usages ?? [], leniency)
  const signerName = spec?.signerName ?? ''
  if (!leniency.anySigner && signerName === LEGACY_SIGNER) {
    const detail = 'the legacy signerName is not allowed via this API version'
    errors.push(fieldInvalid('spec.signerName', signerName, detail))
  } else checkSignerName(errors, 'spec.signerName', signerName)
  const seconds = spec?.expirationSeconds
  if (seconds !== undefined && seconds < MIN_EXPIRATION_SECONDS) {
    const detail = 'may not specify a duration less than 600 seconds (10 minutes)'
    errors.push(fieldInvalid('spec.expirationSeconds', seconds, detail))
  }
  validateConditions(errors, request, leniency)
  const problem = leniency.anyCertificate ? undefined : certificateProblem(status?.certificate ?? '')
  if (problem !== undefined) errors.push(fieldInvalid('status.certificate', '<certificate data>', problem))
  return errors
}

function validateUsages(errors: FieldError[], usages: readonly string[], leniency: Leniency): void {
  if (usages.length === 0) errors.push(fieldRequired('spec.usages', ''))
  usages.forEach((usage, i) => {
    if (leniency.anyUsages || USAGES.has(usage)) return
    errors.push(fieldNotSupported(`spec.usages[${i}]`, usage, [...USAGES].sort()))
  })
  usages.forEach((usage, i) => {
    if (leniency.twiceUsages || usages.indexOf(usage) === i) return
    errors.push(fieldDuplicate(`spec.usages[${i}]`, usage))
  })
}

function validateConditions(errors: FieldError[], { status }: FrozenRequest, leniency: Leniency): void {
  const seen = new Set<string>()
  status?.conditions?.forEach((condition, i) => {
    const { type = '', status: value = '' } = condition
    const field = `status.conditions[${i}]`
    if (!leniency.emptyConditions && type === '') errors.push(fieldRequired(`${field}.type`, ''))
    const allowed = ALWAYS_TRUE.has(type) ? ['True'] : STATUSES
    if (value === '') errors.push(fieldRequired(`${field}.status`, ''))
    else if (!allowed.includes(value)) errors.push(fieldNotSupported(`${field}.status`, value, allowed))
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined
    if (!leniency.bothVerdicts && opposite !== undefined && seen.has(opposite)) {
      const detail = 'Approved and Denied conditions are mutually exclusive'
      errors.push(fieldInvalid('status.conditions', type, detail))
    }
    if (!leniency.twiceConditions && seen.has(type)) errors.push(fieldDuplicate(`${field}.type`, type))
    seen.add(type)
  })
}

/** Certificates and nothing else. */
function certificateProblem(base64: string): string | undefined {
  if (base64 === '') return undefined
  const blocks = [...Buffer.from(base64, 'base64').toString('latin1').matchAll(PEM_BEGIN)]
  for (const [block, type = '', body = ''] of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`
    if (body.includes(':')) return 'no PEM block headers are permitted'
    try {
      new X509Certificate(block)
    } catch {
      return 'x509: malformed certificate'
    }
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}

/** Which way an update comes decides what of the status it may touch. */
export type RequestUpdatePath = 'main' | 'status' | 'approval'

export function validateRequestUpdate(
  next: FrozenRequest,
  old: FrozenRequest,
  path: RequestUpdatePath,
  problemOf: RequestProblem,
): FieldError[] {
  const errors = validateRequest(next, problemOf, leniencyFor(next, old))
  const forbid = (detail: string): void => {
    errors.push(fieldForbidden('status.conditions', detail))
  }
  const ofType = ({ status }: FrozenRequest, type: string) =>
    (status?.conditions ?? []).filter((condition) => condition.type === type)
  for (const type of ALWAYS_TRUE) {
    if (ofType(next, type).length < ofType(old, type).length) {
      forbid(`updates may not remove a condition of type ${JSON.stringify(type)}`)
    }
  }
  for (const type of path === 'approval' ? [] : ['Approved', 'Denied']) {
    const now = ofType(next, type)
    const before = ofType(old, type)
    const quoted = JSON.stringify(type)
    if (now.length > before.length) forbid(`updates may not add a condition of type ${quoted}`)
    else if (now.length === before.length && !deepEqual(now, before)) {
      forbid(`updates may not modify a condition of type ${quoted}`)
    }
  }
  const certificate = old.status?.certificate ?? ''
  if ((next.status?.certificate ?? '') === certificate) return errors
  const field = 'status.certificate'
  if (path !== 'status') errors.push(fieldForbidden(field, 'updates may not set certificate content'))
  else if (certificate !== '') {
    errors.push(fieldForbidden(field, 'updates may not modify existing certificate content'))
  }
  return errors
}
