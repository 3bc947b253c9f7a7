import { expect, it } from 'vitest'
import { staleTokenNotes } from './credential-notes.ts'

const CLAIMS = {
  type: 'bound',
  namespace: 'ns',
  serviceAccount: { name: 'robot', uid: 'u' },
  pod: undefined,
  secret: undefined,
  node: undefined,
  audiences: [],
  expiresAtSeconds: 100_000,
  notBeforeSeconds: 0,
  issuedAtSeconds: 0,
  warnAfterSeconds: 3607,
  id: '',
} as const

it.each([
  ['before its pod should have another', CLAIMS, 3607, undefined],
  ['that never grows stale', { ...CLAIMS, warnAfterSeconds: 0 }, 90_000, undefined],
  ['afterwards', CLAIMS, 3700.9, 'subject: system:serviceaccount:ns:robot, seconds after warning threshold: 93'],
])('of a token %s', (_, claims, nowSeconds, expected) => {
  expect(staleTokenNotes(claims, nowSeconds)?.annotations.get('authentication.k8s.io/stale-token')).toBe(expected)
})
