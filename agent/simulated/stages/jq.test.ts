import { describe, expect, it } from 'vitest'
import { compileJq } from './jq.ts'

const POD = {
  metadata: { annotations: { 'a.example.dev/b': '5s' }, ownerReferences: [{ kind: 'Job' }, { kind: 'X' }] },
  status: {
    phase: 'Pending',
    count: 0,
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'Initialized', status: 'True' },
    ],
  },
}

describe('jq in stages', () => {
  it.each<[string, unknown[]]>([
    ['.status.phase', ['Pending']],
    ['.status.count', [0]],
    ['.metadata.deletionTimestamp', []],
    ['.metadata.annotations["a.example.dev/b"]', ['5s']],
    ['.metadata.annotations."a.example.dev/b"', ['5s']],
    ['.metadata.ownerReferences.[].kind', ['Job', 'X']],
    ['.metadata.ownerReferences[0].kind', ['Job']],
    ['.status.conditions.[] | select( .type == "Initialized" ) | .status', ['True']],
    ['.status.conditions[] | select(.type != "Ready") | .type', ['Initialized']],
    ['.status.initContainerStatuses.[].state.waiting.reason', []],
    ['.status.phase.[]', []],
  ])('%s', (query, values) => {
    expect(compileJq(query)(POD)).toEqual(values)
  })

  it.each(['.a // .b', '.a | length', 'now', '.a[1:2]', 'select(.a == .b)', '.a[', '.status.phase == "x"'])(
    'refuses %s',
    (query) => {
      expect(() => compileJq(query)).toThrow('are supported')
    },
  )
})
