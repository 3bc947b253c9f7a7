import { expect, it } from 'vitest'
import { isSameSpec } from './spec-equality.ts'

const spec = { containers: [{ name: 'c', resources: {} }], securityContext: {}, restartPolicy: 'Always' }

it.each<[string, object, object, boolean]>([
  ['equal', spec, { ...spec }, true],
  ['an empty list', { ...spec, imagePullSecrets: [] }, spec, true],
  ['an empty list against another', { ...spec, tolerations: [] }, { ...spec, hostAliases: [] }, true],
  ['an empty list in a container', { ...spec, containers: [{ ...spec.containers[0], env: [] }] }, spec, true],
  ['an empty map', spec, { ...spec, nodeSelector: {} }, true],
  ['empty requests', { ...spec, containers: [{ name: 'c', resources: { requests: {} } }] }, spec, true],
  ['an empty struct', { ...spec, securityContext: undefined }, spec, false],
  ['a member', { ...spec, nodeSelector: { a: 'b' } }, spec, false],
  ['an item', { ...spec, tolerations: [{ key: 'a' }] }, { ...spec, tolerations: [] }, false],
  ['an empty text', { ...spec, nodeName: '' }, spec, false],
])('%s', (_name, a, b, expected) => {
  expect(isSameSpec(a, b)).toBe(expected)
  expect(isSameSpec(b, a)).toBe(expected)
})
