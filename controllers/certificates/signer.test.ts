/** How long certificates are valid. Upstream: pkg/controller/certificates/signer/signer_test.go Test_signer_duration, TestSigner. */
import { expect, it } from 'vitest'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import { lifetimeMs } from './signer.ts'

const MINUTES = 60
const HOURS = 60 * MINUTES
const YEAR = 365 * 24 * HOURS

it.each<[string, number | undefined, number]>([
  ['nothing', undefined, YEAR - 5 * MINUTES],
  ['more than there is', 2 * YEAR, YEAR - 5 * MINUTES],
  ['a long time', 8 * HOURS, 8 * HOURS - 5 * MINUTES],
  ['a short time', 7 * HOURS, 7 * HOURS],
  ['too short a time', 9 * MINUTES, 10 * MINUTES],
])('a request that asks for %s', (_name, expirationSeconds, seconds) => {
  const request: CertificateSigningRequest = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'r' },
    spec: { request: '', signerName: 's', ...(expirationSeconds === undefined ? {} : { expirationSeconds }) },
  }
  expect(lifetimeMs(request)).toBe(seconds * 1000)
})
