import { describe, expect, it } from 'vitest'
import type { Condition } from '#machinery/api/meta/v1.ts'
import type { StorageVersionMigration } from '#machinery/api/storagemigration/v1beta1/types.gen.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { validationTable } from '#test/support/validation-table.ts'
import {
  validateStorageVersionMigration,
  validateStorageVersionMigrationStatusUpdate,
  validateStorageVersionMigrationUpdate,
} from './validation.ts'

const base: StorageVersionMigration = {
  apiVersion: 'storagemigration.k8s.io/v1beta1',
  kind: 'StorageVersionMigration',
  metadata: { name: 'm' },
  spec: { resource: { group: 'example.com', resource: 'widgets' } },
}
const DNS_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

describe('storage version migrations', () => {
  validationTable(base, validateStorageVersionMigration, [
    ['a core resource', { 'spec.resource.group': '', 'spec.resource.resource': 'pods' }, []],
    [
      'no resource',
      { 'spec.resource.resource': '' },
      ['spec.resource.resource: Required value: resource is required to be set'],
    ],
    [
      'a kind',
      { 'spec.resource.resource': 'Widget' },
      [`spec.resource.resource: Invalid value: "Widget": ${DNS_1035}`],
    ],
    [
      'a group that is none',
      { 'spec.resource.group': 'Example' },
      [
        expect.stringMatching(/^spec\.resource\.group: Invalid value: "Example": a lowercase RFC 1123 subdomain/),
      ] as string[],
    ],
  ])

  it('are about one resource for good', () => {
    const other = { ...base, spec: { resource: { group: 'example.com', resource: 'gadgets' } } }
    expect(validateStorageVersionMigrationUpdate(other, base).map(fieldErrorString)).toEqual([
      expect.stringMatching(/^spec: Invalid value: .*: field is immutable$/),
    ])
  })
})

const condition = (type: string, status: Condition['status'] = 'True'): Condition => ({
  type,
  status,
  reason: 'R',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
})
const withStatus = (resourceVersion: string, ...conditions: Condition[]): StorageVersionMigration => ({
  ...base,
  status: { resourceVersion, conditions },
})

describe('the status of a migration', () => {
  const [running, succeeded, failed] = ['Running', 'Succeeded', 'Failed'].map((type) => condition(type)) as [
    Condition,
    Condition,
    Condition,
  ]
  it.each<[string, StorageVersionMigration, StorageVersionMigration, string[]]>([
    ['begins', base, withStatus('5', running), []],
    ['ends', withStatus('5', running), withStatus('5', condition('Running', 'False'), succeeded), []],
    ['fails before it knows a resourceVersion', base, withStatus('', failed), []],
    ['another resourceVersion', withStatus('5'), withStatus('6'), ['status.resourceVersion']],
    ['no resourceVersion any more', withStatus('5'), withStatus(''), ['status.resourceVersion']],
    ['a resourceVersion that is none', base, withStatus('05'), ['status.resourceVersion']],
    ['success and failure', base, withStatus('5', succeeded, failed), ['status.conditions']],
    ['success while running', base, withStatus('5', running, succeeded), []],
    ['a resourceVersion of zero', base, withStatus('0'), ['status.resourceVersion']],
    ['success taken back', withStatus('5', succeeded), withStatus('5'), ['status.conditions']],
    [
      'failure taken back',
      withStatus('5', failed),
      withStatus('5', condition('Failed', 'False')),
      ['status.conditions'],
    ],
    ['a condition twice', base, withStatus('5', running, running), ['status.conditions[1].type']],
  ])('%s', (_, old, migration, fields) => {
    expect(validateStorageVersionMigrationStatusUpdate(migration, old).map(({ field }) => field)).toEqual(fields)
  })
})
