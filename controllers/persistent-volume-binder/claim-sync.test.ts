/** Why a claim cannot have the volume it names. */
import { expect, it } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { makeClaim, makeVolume } from '#test/support/volumes.ts'
import { whyUnsuitable } from './claim-sync.ts'

type VolumeSpec = Partial<PersistentVolume['spec']>
type ClaimSpec = Partial<PersistentVolumeClaim['spec']>

it.each<[string, VolumeSpec, ClaimSpec, string | undefined]>([
  ['equal size', {}, {}, undefined],
  ['larger', { capacity: { storage: '1025Mi' } }, {}, undefined],
  ['smaller', { capacity: { storage: '1023Mi' } }, {}, 'requested PV is too small'],
  ['same class', { storageClassName: 'a' }, { storageClassName: 'a' }, undefined],
  ['no class and the empty one', {}, { storageClassName: '' }, undefined],
  ['another class', { storageClassName: 'a' }, { storageClassName: 'b' }, 'storageClassName does not match'],
  ['other attributes', { volumeAttributesClassName: 'gold' }, {}, 'volumeAttributesClassName does not match'],
  ['another mode', { volumeMode: 'Block' }, {}, 'incompatible volumeMode'],
  ['the default mode', { volumeMode: 'Filesystem' }, {}, undefined],
  ['more access', { accessModes: ['ReadWriteMany', 'ReadWriteOnce'] }, {}, undefined],
  ['less access', {}, { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }, 'incompatible accessMode'],
])('%s', (_name, volume, claim, expected) => {
  expect(whyUnsuitable(makeVolume('pv', volume), makeClaim('data', claim))).toBe(expected)
})

it('a volume on its way out', () => {
  const volume = makeVolume('pv')
  volume.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
  expect(whyUnsuitable(volume, makeClaim('data'))).toBe('the volume is marked for deletion "pv"')
})
