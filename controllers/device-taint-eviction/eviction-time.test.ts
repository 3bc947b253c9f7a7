import { describe, expect, it } from 'vitest'
import type {
  DeviceTaint,
  DeviceToleration,
  ResourceClaim,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'
import { makeResourceClaim, makeSlice } from '#test/support/devices.ts'
import { evictionTimeMs } from './eviction-time.ts'

const ADDED = '2026-01-01T00:00:00Z'
const ADDED_MS = Date.parse(ADDED)
const NOW_MS = ADDED_MS + 3_600_000

const taint = (changes: Partial<DeviceTaint> = {}): DeviceTaint => ({
  key: 'broken',
  value: 'yes',
  effect: 'NoExecute',
  timeAdded: ADDED,
  ...changes,
})

function claimOf(tolerations: DeviceToleration[], devices = ['gpu-0']): ResourceClaim {
  const claim = makeResourceClaim('c')
  const results = devices.map((device) => ({
    request: 'r0',
    driver: 'gpu.example.com',
    pool: 'n',
    device,
    tolerations,
  }))
  claim.status = { allocation: { devices: { results } } }
  return claim
}

const slice = (taints: DeviceTaint[], generation = 1, device = 'gpu-0'): ResourceSlice =>
  makeSlice('n', [{ name: device, taints }], { pool: { name: 'n', generation, resourceSliceCount: 1 } })

const timeOf = (claim: ResourceClaim, slices: readonly ResourceSlice[]): number | undefined =>
  evictionTimeMs(claim, (pool) => (pool === 'gpu.example.com/n' ? slices : []), NOW_MS)

describe('evictionTimeMs', () => {
  it.each<[string, DeviceToleration[], DeviceTaint[], number | undefined]>([
    ['no taint', [], [], undefined],
    ['a taint that only keeps Pods away', [], [taint({ effect: 'NoSchedule' })], undefined],
    ['a taint for people to read', [], [taint({ effect: 'None' })], undefined],
    ['a taint nobody tolerates: since it was added', [], [taint()], ADDED_MS],
    ['a taint without time: now', [], [{ key: 'broken', effect: 'NoExecute' }], NOW_MS],
    ['tolerated for good', [{ key: 'broken', operator: 'Exists', effect: 'NoExecute' }], [taint()], undefined],
    [
      'tolerated for a while',
      [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }],
      [taint()],
      ADDED_MS + 60_000,
    ],
    [
      'tolerated for less than no time',
      [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: -1 }],
      [taint()],
      ADDED_MS,
    ],
    ['seconds without NoExecute mean nothing', [{ operator: 'Exists', tolerationSeconds: 60 }], [taint()], undefined],
    ['a toleration of another key', [{ key: 'hot', operator: 'Exists', effect: 'NoExecute' }], [taint()], ADDED_MS],
    ['a toleration of another value', [{ key: 'broken', value: 'no', effect: 'NoExecute' }], [taint()], ADDED_MS],
    ['a toleration of this value', [{ key: 'broken', value: 'yes', effect: 'NoExecute' }], [taint()], undefined],
    ['a toleration of scheduling only', [{ operator: 'Exists', effect: 'NoSchedule' }], [taint()], ADDED_MS],
    [
      'the shortest of two that fit',
      [
        { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 },
        { key: 'broken', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
      ],
      [taint()],
      ADDED_MS + 30_000,
    ],
    [
      'the first of two taints',
      [{ key: 'broken', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }],
      [taint(), taint({ key: 'hot', timeAdded: '2026-01-01T00:00:10Z' })],
      ADDED_MS + 10_000,
    ],
  ])('%s', (_, tolerations, taints, expected) => {
    expect(timeOf(claimOf(tolerations), [slice(taints)])).toBe(expected)
  })

  it('looks at the devices of the claim alone', () => {
    expect(timeOf(claimOf([], ['gpu-1']), [slice([taint()])])).toBeUndefined()
    expect(timeOf(claimOf([], ['gpu-1', 'gpu-0']), [slice([taint()])])).toBe(ADDED_MS)
    expect(timeOf(makeResourceClaim('not-allocated'), [slice([taint()])])).toBeUndefined()
    expect(evictionTimeMs(claimOf([]), () => [], NOW_MS)).toBeUndefined()
  })

  it('goes by the newest generation of a pool', () => {
    expect(timeOf(claimOf([]), [slice([taint()], 1), slice([], 2)])).toBeUndefined()
    expect(timeOf(claimOf([]), [slice([], 1), slice([taint()], 2)])).toBe(ADDED_MS)
    expect(timeOf(claimOf([]), [slice([taint()], 1), slice([], 2, 'gpu-1')])).toBeUndefined()
  })
})
