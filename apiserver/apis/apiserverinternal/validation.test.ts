import { describe, expect, it } from 'vitest'
import type { StorageVersion } from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import { validationTable } from '#test/support/validation-table.ts'
import { storageVersionNameProblems, validateStorageVersionStatus } from './validation.ts'

const server = (apiServerID: string, encodingVersion: string) => ({
  apiServerID,
  encodingVersion,
  decodableVersions: [encodingVersion],
})
const base: StorageVersion = {
  apiVersion: 'internal.apiserver.k8s.io/v1alpha1',
  kind: 'StorageVersion',
  metadata: { name: 'apps.deployments' },
  spec: {},
  status: {
    storageVersions: [server('a', 'apps/v1'), server('b', 'apps/v1')],
    commonEncodingVersion: 'apps/v1',
    conditions: [{ type: 'AllEncodingVersionsEqual', status: 'True', reason: 'R', message: 'm' }],
  },
}
const servers = 'status.storageVersions'
const twice = [base.status?.conditions?.[0], base.status?.conditions?.[0]]

describe('storage versions', () => {
  validationTable(base, validateStorageVersionStatus, [
    ['of nobody yet', { status: {} }, []],
    ['of the group without name', { [servers]: [server('a', 'v1')], 'status.commonEncodingVersion': 'v1' }, []],
    [
      'no agreement is said',
      { 'status.commonEncodingVersion': undefined },
      ['status.commonEncodingVersion: Invalid value: null: the common encoding version is apps/v1'],
    ],
    [
      'another agreement is said',
      { 'status.commonEncodingVersion': 'apps/v2' },
      ['status.commonEncodingVersion: Invalid value: "apps/v2": the actual common encoding version is apps/v1'],
    ],
    [
      'an agreement is said where there is none',
      { [servers]: [server('a', 'apps/v1'), server('b', 'apps/v2')] },
      [
        'status.commonEncodingVersion: Invalid value: "apps/v1": should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet',
      ],
    ],
    [
      'a server that cannot read what it writes',
      { [servers]: [{ ...server('a', 'apps/v1'), decodableVersions: ['apps/v2'] }] },
      [
        'status.storageVersions[0].decodableVersions: Invalid value: ["apps/v2"]: decodableVersions must include encodingVersion apps/v1',
      ],
    ],
    [
      'a version that is none',
      { [servers]: [server('a', '/v1')], 'status.commonEncodingVersion': '/v1' },
      [
        'status.storageVersions[0].encodingVersion: Invalid value: "/v1": group part: must be non-empty',
        'status.storageVersions[0].decodableVersions[0]: Invalid value: "/v1": group part: must be non-empty',
      ],
    ],
    [
      'a condition twice',
      { 'status.conditions': twice },
      [
        'status[1].type: Invalid value: "AllEncodingVersionsEqual": the type of the condition is not unique, it also appears in conditions[0]',
      ],
    ],
    [
      'a condition without words',
      { 'status.conditions': [{ type: 'T', status: 'True' }] },
      [
        'status[0].reason: Required value: reason cannot be empty',
        'status[0].message: Required value: message cannot be empty',
      ],
    ],
  ])

  it.each([
    ['core.pods', 0],
    ['apps.deployments', 0],
    ['networking.k8s.io.ingresses', 0],
    ['pods', 1],
    ['apps.Deployments', 1],
    ['.pods', 1],
  ])('%s is a name with %i problems', (name, count) => {
    expect(storageVersionNameProblems(name)).toHaveLength(count)
  })
})
