import { describe, expect, it } from 'vitest'
import type { StorageVersion } from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import { statusWithServers } from './common-version.ts'

const [FIRST, LATER] = ['2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z']
const server = (apiServerID: string, encodingVersion: string) => ({ apiServerID, encodingVersion })
const version = (status?: StorageVersion['status']): StorageVersion => ({
  apiVersion: 'internal.apiserver.k8s.io/v1alpha1',
  kind: 'StorageVersion',
  metadata: { name: 'core.pods' },
  spec: {},
  ...(status === undefined ? {} : { status }),
})
const agreed = statusWithServers(version(), [server('a', 'v1')], FIRST)

describe('what servers agree on', () => {
  it.each([
    ['one server', [server('a', 'v1')], 'v1', 'CommonEncodingVersionSet'],
    ['two alike', [server('a', 'v1'), server('b', 'v1')], 'v1', 'CommonEncodingVersionSet'],
    ['two that differ', [server('a', 'v1'), server('b', 'v2')], undefined, 'CommonEncodingVersionUnset'],
    ['nobody', [], undefined, 'CommonEncodingVersionUnset'],
  ])('%s', (_, servers, common, reason) => {
    const status = statusWithServers(version(), servers, FIRST)
    expect(status.commonEncodingVersion).toBe(common)
    expect(status.conditions).toMatchObject([
      { type: 'AllEncodingVersionsEqual', status: common === undefined ? 'False' : 'True', reason },
    ])
  })

  it.each([
    ['stays as old as it is while nothing changes', [server('a', 'v1'), server('b', 'v1')], FIRST],
    ['is new when they differ', [server('a', 'v1'), server('b', 'v2')], LATER],
    ['is new when they all have moved on', [server('a', 'v2')], LATER],
  ])('%s', (_, servers, expected) => {
    const { conditions } = statusWithServers(version(agreed), servers, LATER)
    expect(conditions?.[0]?.lastTransitionTime).toBe(expected)
  })
})
