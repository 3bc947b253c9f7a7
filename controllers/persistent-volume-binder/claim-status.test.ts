/** What a claim says of its volume. Upstream: pkg/controller/volume/persistentvolume/{framework,pv_controller}_test.go. */
import { expect, it } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaimStatus } from '#machinery/api/core/v1/types.gen.ts'
import { makeClaim, makeVolume } from '#test/support/volumes.ts'
import { type ClaimPhase, claimStatus } from './claim-status.ts'

const RWO = { accessModes: ['ReadWriteOnce'] }
const PRE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity'

interface Case {
  readonly name: string
  readonly before: PersistentVolumeClaimStatus
  readonly phase?: ClaimPhase
  /** Absent: the claim has none. */
  readonly volume?: Partial<PersistentVolume['spec']>
  readonly annotations?: Record<string, string>
  readonly after: PersistentVolumeClaimStatus
}

const CASES: readonly Case[] = [
  {
    name: 'gets all of its volume',
    before: { phase: 'Pending' },
    volume: { capacity: { storage: '2Gi' }, volumeAttributesClassName: 'gold' },
    after: { phase: 'Bound', ...RWO, capacity: { storage: '2Gi' }, currentVolumeAttributesClassName: 'gold' },
  },
  {
    name: 'loses all with it',
    before: { phase: 'Bound', ...RWO, capacity: { storage: '1Gi' }, currentVolumeAttributesClassName: 'gold' },
    phase: 'Lost',
    after: { phase: 'Lost' },
  },
  {
    name: 'keeps the size it was resized to',
    before: { phase: 'Bound', ...RWO, capacity: { storage: '1Gi' } },
    volume: { capacity: { storage: '2Gi' } },
    after: { phase: 'Bound', ...RWO, capacity: { storage: '1Gi' } },
  },
  {
    name: 'keeps the attributes class the resizer gave it',
    before: { phase: 'Bound', ...RWO, currentVolumeAttributesClassName: 'gold' },
    volume: { volumeAttributesClassName: 'silver' },
    after: { phase: 'Bound', ...RWO, currentVolumeAttributesClassName: 'gold' },
  },
  {
    name: 'gets no attributes class when found again',
    before: { phase: 'Lost' },
    volume: { volumeAttributesClassName: 'gold' },
    after: { phase: 'Bound', ...RWO, capacity: { storage: '1Gi' } },
  },
  {
    name: 'has no attributes class when its volume has none',
    before: { phase: 'Pending', currentVolumeAttributesClassName: 'gold' },
    volume: {},
    after: { phase: 'Bound', ...RWO, capacity: { storage: '1Gi' } },
  },
  {
    name: 'has the size of a file system that is still to grow',
    before: { phase: 'Pending' },
    volume: { capacity: { storage: '2Gi' } },
    annotations: { [PRE_RESIZE]: '1Gi' },
    after: { phase: 'Bound', ...RWO, capacity: { storage: '1Gi' } },
  },
  {
    name: 'has the volume size when that annotation is no size',
    before: { phase: 'Pending' },
    volume: { capacity: { storage: '2Gi' } },
    annotations: { [PRE_RESIZE]: 'much' },
    after: { phase: 'Bound', ...RWO, capacity: { storage: '2Gi' } },
  },
  {
    name: 'keeps an equal size as it was written',
    before: { phase: 'Pending', capacity: { storage: '1024Mi' } },
    volume: { capacity: { storage: '1Gi' } },
    after: { phase: 'Bound', ...RWO, capacity: { storage: '1024Mi' } },
  },
]

it.each(CASES)('a claim $name', ({ before, phase = 'Bound', volume, annotations, after }) => {
  const made = makeVolume('pv', volume)
  if (annotations !== undefined) made.metadata.annotations = annotations
  const claim = { ...makeClaim('data'), status: before }
  expect(claimStatus(claim, phase, volume === undefined ? undefined : made)).toEqual(after)
})
