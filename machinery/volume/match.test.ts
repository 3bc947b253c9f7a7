import { describe, expect, it } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { BOUND_BY_CONTROLLER, boundToClaim, isDelayedBinding, isVolumeBoundToClaim } from './binding.ts'
import { findMatchingVolume, findVolumeForClaim, volumeNodeMatcher } from './match.ts'

type VolumeSpec = Partial<PersistentVolume['spec']>

function volume(
  name: string,
  size: string,
  spec: VolumeSpec = {},
  more: Partial<PersistentVolume> = {},
): PersistentVolume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    status: { phase: 'Available' },
    ...more,
    metadata: { name, ...more.metadata },
    spec: { capacity: { storage: size }, accessModes: ['ReadWriteOnce'], storageClassName: 'c', ...spec },
  }
}

function claim(size: string, spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'claim', namespace: 'ns', uid: 'u1', resourceVersion: '7' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'c',
      resources: { requests: { storage: size } },
      ...spec,
    },
  }
}

const CLAIM_REF = { namespace: 'ns', name: 'claim', uid: 'u1' }

const CASES: readonly {
  readonly name: string
  readonly claim?: PersistentVolumeClaim
  readonly volumes: readonly PersistentVolume[]
  readonly expected: string | undefined
}[] = [
  {
    name: 'the smallest that is large enough',
    volumes: [volume('b', '5Gi'), volume('a', '2Gi'), volume('s', '1Mi')],
    expected: 'a',
  },
  { name: 'the first of equals', volumes: [volume('a', '2Gi'), volume('b', '2Gi')], expected: 'a' },
  { name: 'nothing when all are too small', volumes: [volume('a', '1Mi')], expected: undefined },
  {
    name: 'one prepared for the claim before a smaller one',
    volumes: [volume('a', '1Gi'), volume('b', '9Gi', { claimRef: CLAIM_REF })],
    expected: 'b',
  },
  {
    name: 'a prepared one whatever its class and phase',
    volumes: [volume('b', '9Gi', { claimRef: CLAIM_REF, storageClassName: 'other' }, { status: { phase: 'Pending' } })],
    expected: 'b',
  },
  {
    name: 'no prepared one that is too small',
    volumes: [volume('b', '1Mi', { claimRef: CLAIM_REF })],
    expected: undefined,
  },
  {
    name: 'none prepared for an earlier claim of the name',
    volumes: [volume('b', '9Gi', { claimRef: { ...CLAIM_REF, uid: 'old' } })],
    expected: undefined,
  },
  { name: 'no other class', volumes: [volume('a', '1Gi', { storageClassName: 'other' })], expected: undefined },
  { name: 'no other mode', volumes: [volume('a', '1Gi', { volumeMode: 'Block' })], expected: undefined },
  {
    name: 'no other attributes',
    volumes: [volume('a', '1Gi', { volumeAttributesClassName: 'gold' })],
    expected: undefined,
  },
  {
    name: 'only Available ones',
    volumes: [volume('a', '1Gi', {}, { status: { phase: 'Released' } })],
    expected: undefined,
  },
  {
    name: 'none that is being deleted',
    volumes: [volume('a', '1Gi', {}, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })],
    expected: undefined,
  },
  {
    name: 'only what the selector lets in',
    claim: claim('1Gi', { selector: { matchLabels: { tier: 'fast' } } }),
    volumes: [volume('a', '1Gi'), volume('b', '9Gi', {}, { metadata: { labels: { tier: 'fast' } } })],
    expected: 'b',
  },
]

describe('findMatchingVolume', () => {
  it.each(CASES)('finds $name', ({ claim: asked = claim('1Gi'), volumes, expected }) => {
    expect(findMatchingVolume(asked, volumes)?.metadata.name).toBe(expected)
  })

  it('asks whether the node reaches the volume, and for the access modes', () => {
    const volumes = [
      volume('far', '1Gi'),
      volume('near', '2Gi'),
      volume('many', '1Gi', { accessModes: ['ReadOnlyMany'] }),
    ]
    const reaches = ({ metadata }: { metadata: { name?: string } }) => metadata.name !== 'far'
    expect(findMatchingVolume(claim('1Gi'), volumes, { reaches })?.metadata.name).toBe('near')
    expect(findMatchingVolume(claim('1Gi'), volumes, { reaches, excluded: new Set(['near']) })).toBeUndefined()
  })

  it('gives nothing when the prepared volume cannot be reached, though others can', () => {
    const volumes = [volume('near', '1Gi'), volume('mine', '1Gi', { claimRef: CLAIM_REF })]
    const reaches = ({ metadata }: { metadata: { name?: string } }) => metadata.name === 'near'
    expect(findMatchingVolume(claim('1Gi'), volumes, { reaches })).toBeUndefined()
  })

  it('leaves what nobody prepared to the scheduler', () => {
    expect(findMatchingVolume(claim('1Gi'), [volume('a', '1Gi')], { preparedOnly: true })).toBeUndefined()
    const mine = volume('mine', '1Gi', { claimRef: CLAIM_REF })
    expect(findMatchingVolume(claim('1Gi'), [mine], { preparedOnly: true })).toBe(mine)
  })
})

describe('findVolumeForClaim', () => {
  it('prefers few access modes to little space', () => {
    const both = volume('both', '1Gi', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] })
    const one = volume('one', '5Gi')
    expect(findVolumeForClaim(claim('1Gi'), [both, one])).toBe(one)
    expect(findVolumeForClaim(claim('1Gi', { accessModes: ['ReadOnlyMany'] }), [both, one])).toBe(both)
    expect(findVolumeForClaim(claim('1Gi', { accessModes: ['ReadWriteMany'] }), [both, one])).toBeUndefined()
  })
})

describe('a binding', () => {
  it('is written into the volume once and marked as ours', () => {
    const bound = boundToClaim(volume('a', '1Gi'), claim('1Gi'))
    expect(bound?.spec.claimRef).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      ...CLAIM_REF,
      resourceVersion: '7',
    })
    expect(bound?.metadata.annotations).toEqual({ [BOUND_BY_CONTROLLER]: 'yes' })
    expect(boundToClaim(bound as PersistentVolume, claim('1Gi'))).toBeUndefined()
  })

  it("stays the user's when the user prepared it", () => {
    const prepared = volume('a', '1Gi', { claimRef: { namespace: 'ns', name: 'claim' } })
    expect(isVolumeBoundToClaim(prepared, claim('1Gi'))).toBe(true)
    const bound = boundToClaim(prepared, claim('1Gi'))
    expect(bound?.spec.claimRef?.uid).toBe('u1')
    expect(bound?.metadata.annotations).toBeUndefined()
  })

  it('waits for a Pod when the class says so', () => {
    const classOf = (name: string) =>
      name === 'c'
        ? {
            apiVersion: 's',
            kind: 'StorageClass',
            metadata: { name },
            provisioner: 'p',
            volumeBindingMode: 'WaitForFirstConsumer',
          }
        : undefined
    expect(isDelayedBinding(claim('1Gi'), classOf)).toBe(true)
    expect(isDelayedBinding(claim('1Gi', { storageClassName: 'gone' }), classOf)).toBe(false)
    expect(isDelayedBinding(claim('1Gi', { storageClassName: '' }), classOf)).toBe(false)
  })

  it('reaches from the nodes of its affinity', () => {
    const zone = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }
    const local = volumeNodeMatcher(volume('a', '1Gi', { nodeAffinity: { required: { nodeSelectorTerms: [zone] } } }))
    const node = (labels: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n', labels },
      spec: {},
    })
    expect(local.matches(node({ zone: 'a' }))).toBe(true)
    expect(local.matches(node({ zone: 'b' }))).toBe(false)
    expect(volumeNodeMatcher(volume('b', '1Gi')).matches(node({}))).toBe(true)
  })
})
