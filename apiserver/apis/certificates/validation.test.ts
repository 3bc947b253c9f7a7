import { generateKeyPairSync } from 'node:crypto'
import { describe } from 'vitest'
import { signingRequestProblem } from '#apiserver/authentication/pki/csr.ts'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import { makeSigningRequest } from '#test/support/signing-request.ts'
import { changed, validationTable } from '#test/support/validation-table.ts'
import { validateCertificateSigningRequest, validateRequestUpdate } from './validation.ts'

const pem = (type: string): string =>
  Buffer.from(`-----BEGIN ${type}-----\nMIIB\n-----END ${type}-----\n`).toString('base64')

const request = makeSigningRequest({ commonName: 'c' })
const newPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const resigned = makeSigningRequest(
  { commonName: 'c' },
  { privateKey: newPair().privateKey, publicKey: newPair().publicKey },
)
const MALFORMED = 'x509: malformed certificate request: truncated DER value'
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const base: CertificateSigningRequest = {
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name: 'a' },
  spec: { request: base64(request), usages: ['client auth'], signerName: 'example.com/signer' },
}
const approved = { type: 'Approved', status: 'True', reason: 'x' }
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

describe('certificate signing requests', () => {
  validationTable(base, (next) => validateCertificateSigningRequest(next, signingRequestProblem), [
    [
      'another PEM block',
      { 'spec.request': pem('CERTIFICATE') },
      [`spec.request: Invalid value: "${pem('CERTIFICATE')}": PEM block type must be CERTIFICATE REQUEST`],
    ],
    [
      'no request in the block',
      { 'spec.request': pem('CERTIFICATE REQUEST') },
      [`spec.request: Invalid value: "${pem('CERTIFICATE REQUEST')}": ${MALFORMED}`],
    ],
    [
      'another key than the one that signed',
      { 'spec.request': base64(resigned) },
      [`spec.request: Invalid value: "${base64(resigned)}": x509: ECDSA verification failure`],
    ],
    ['no usages', { 'spec.usages': [] }, ['spec.usages: Required value']],
    ['one usage twice', { 'spec.usages': ['any', 'any'] }, ['spec.usages[1]: Duplicate value: "any"']],
    ['no signer', { 'spec.signerName': '' }, ['spec.signerName: Required value']],
    [
      'a signer without path',
      { 'spec.signerName': 'example.com' },
      [
        `spec.signerName: Invalid value: "example.com": must be a fully qualified domain and path of the form 'example.com/signer-name'`,
      ],
    ],
    [
      'a signer whose domain is none',
      { 'spec.signerName': 'A/b' },
      [
        `spec.signerName: Invalid value: "A": validating label "A": ${LABEL}`,
        'spec.signerName: Invalid value: "A": should be a domain with at least two segments separated by dots',
      ],
    ],
    [
      'the legacy signer',
      { 'spec.signerName': 'kubernetes.io/legacy-unknown' },
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
    [
      'a certificate for nine minutes',
      { 'spec.expirationSeconds': 599 },
      ['spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
    ],
  ])
})

describe('approving', () => {
  validationTable(base, (next) => validateRequestUpdate(next, base, 'approval', signingRequestProblem), [
    ['once', { 'status.conditions': [approved] }, []],
    [
      'and denying',
      { 'status.conditions': [approved, { type: 'Denied', status: 'True' }] },
      ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'],
    ],
    [
      'with a status that is none',
      {
        'status.conditions': [
          { type: 'Approved', status: 'False' },
          { type: 'X', status: '' },
        ],
      },
      [
        'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
        'status.conditions[1].status: Required value',
      ],
    ],
    [
      'and issuing',
      { 'status.certificate': Buffer.from('x').toString('base64') },
      [
        'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
        'status.certificate: Forbidden: updates may not set certificate content',
      ],
    ],
  ])
})

describe('signing', () => {
  const old = changed(base, { 'status.conditions': [approved] })
  validationTable(old, (next) => validateRequestUpdate(next, old, 'status', signingRequestProblem), [
    [
      'takes no approval away',
      { 'status.conditions': [] },
      ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'],
    ],
    [
      'does not change it',
      { 'status.conditions': [{ ...approved, reason: 'y' }] },
      ['status.conditions: Forbidden: updates may not modify a condition of type "Approved"'],
    ],
    [
      'does not deny',
      { 'status.conditions': [approved, { type: 'Denied', status: 'True' }] },
      [
        'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
        'status.conditions: Forbidden: updates may not add a condition of type "Denied"',
      ],
    ],
  ])
})
