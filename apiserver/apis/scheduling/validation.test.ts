import { describe } from 'vitest'
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'
import { validationTable } from '#test/support/validation-table.ts'
import { validatePriorityClass, validatePriorityClassUpdate } from './validation.ts'

const base: PriorityClass = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: 'high' },
  value: 1000,
  preemptionPolicy: 'Never',
}
const RESERVED =
  "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: "

describe('priority classes', () => {
  validationTable(base, validatePriorityClass, [
    [
      'an unknown system class',
      { 'metadata.name': 'system-x' },
      [`${RESERVED}system-x is not a known system priority class`],
    ],
    [
      'a system class of another value',
      { 'metadata.name': 'system-node-critical' },
      [`${RESERVED}value of system-node-critical PriorityClass must be 2000001000`],
    ],
    [
      'a system class for everybody',
      { 'metadata.name': 'system-node-critical', value: 2000001000, globalDefault: true },
      [`${RESERVED}globalDefault of system-node-critical PriorityClass must be false`],
    ],
    [
      'a value for the system only',
      { value: 1000000001 },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
  ])
  describe('updated', () => {
    validationTable(base, (next) => validatePriorityClassUpdate(next, base), [
      [
        'in what does not change',
        { value: 1, preemptionPolicy: 'PreemptLowerPriority' },
        [
          'value: Forbidden: may not be changed in an update.',
          'preemptionPolicy: Invalid value: "PreemptLowerPriority": field is immutable',
        ],
      ],
      ['in its description', { description: 'x', globalDefault: true }, []],
    ])
  })
})
