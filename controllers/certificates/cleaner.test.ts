/** When a request is through. Upstream: pkg/controller/certificates/cleaner/cleaner_test.go. */
import { expect, it } from 'vitest'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import { cleaningDueMs } from './cleaner.ts'

type Conditions = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>

const CREATED = '2026-01-01T00:00:00Z'
const HOUR_MS = 3_600_000
const afterHours = (hours: number): string => new Date(Date.parse(CREATED) + hours * HOUR_MS).toISOString()
const at = (type: string, hours?: number): Conditions[number] => ({
  type,
  status: 'True',
  ...(hours === undefined ? {} : { lastUpdateTime: afterHours(hours) }),
})

it.each<[string, Conditions, string, number | undefined]>([
  ['pending', [], '', 24],
  ['denied', [at('Denied', 2)], '', 3],
  ['issued', [at('Approved', 2)], 'unreadable', 3],
  ['approved, not issued', [at('Approved', 2)], '', 26],
  ['approved, then failed', [at('Approved', 2), at('Failed', 4)], '', 5],
  ['judged nobody knows when', [at('Denied')], '', undefined],
])('a request that is %s', (_name, conditions, certificate, expectedHours) => {
  const request: CertificateSigningRequest = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'r', creationTimestamp: CREATED },
    spec: { request: '', signerName: 'kubernetes.io/kube-apiserver-client' },
    status: { conditions, certificate },
  }
  const expected = expectedHours === undefined ? undefined : Date.parse(afterHours(expectedHours))
  expect(cleaningDueMs(request)).toBe(expected)
})
