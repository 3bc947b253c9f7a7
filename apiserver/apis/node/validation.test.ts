import { describe } from 'vitest'
import type { RuntimeClass } from '#machinery/api/node/v1/types.gen.ts'
import { changed, validationTable } from '#test/support/validation-table.ts'
import { validateRuntimeClass, validateRuntimeClassUpdate } from './validation.ts'

const base: RuntimeClass = {
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  metadata: { name: 'gvisor' },
  handler: 'runsc',
  overhead: { podFixed: { cpu: '250m' } },
  scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] },
}

describe('runtime classes', () => {
  validationTable(base, validateRuntimeClass, [
    ['a handler that is no label', { handler: 'a.b' }, ['handler: Invalid value: "a.b": must not contain dots']],
    ['no handler', { handler: '' }, ['handler: Required value']],
    [
      'a toleration of nothing',
      { 'scheduling.tolerations.0': { operator: 'Equal' } },
      [
        'scheduling.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'negative overhead',
      { 'overhead.podFixed.cpu': '-1' },
      ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      'one toleration twice',
      { 'scheduling.tolerations.1': { key: 'k', operator: 'Exists' } },
      ['scheduling.tolerations[1]: Duplicate value: {"key":"k","operator":"Exists"}'],
    ],
  ])
  describe('updated', () => {
    validationTable(base, (next) => validateRuntimeClassUpdate(next, base), [
      ['another handler', { handler: 'kata' }, ['handler: Invalid value: "kata": field is immutable']],
      ['other labels', { 'metadata.labels': { a: 'b' } }, []],
    ])
  })
  describe('changed back', () => {
    validationTable(base, (next) => validateRuntimeClassUpdate(next, changed(base, { scheduling: undefined })), [])
  })
})
