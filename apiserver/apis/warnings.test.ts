import { describe, expect, it } from 'vitest'
import type { Node, PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { RuntimeClass } from '#machinery/api/node/v1/types.gen.ts'
import type { CSIStorageCapacity, StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { nodeWarnings } from './core/node-validation.ts'
import { claimWarnings, persistentVolumeWarnings } from './core/persistent-volume/warnings.ts'
import { endpointSliceWarnings } from './discovery/warnings.ts'
import { runtimeClassWarnings } from './node/validation.ts'
import { csiStorageCapacityWarnings, storageClassWarnings } from './storage/warnings.ts'

const metadata = { name: 'x' }
const OS = 'beta.kubernetes.io/os'
const USE_OS = 'deprecated since v1.14; use "kubernetes.io/os" instead'
const selecting = { matchExpressions: [{ key: OS, operator: 'Exists' as const }] }

describe('persistent volumes', () => {
  const annotations = {
    'volume.beta.kubernetes.io/storage-class': 'fast',
    'volume.beta.kubernetes.io/mount-options': 'ro',
  }
  it.each<[string, PersistentVolume['spec'], Record<string, string>, string[]]>([
    ['nothing', { nfs: { path: '/', server: 'x' } }, {}, []],
    [
      'annotations',
      {},
      annotations,
      [
        'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
        'metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use "mountOptions" attribute instead',
      ],
    ],
    [
      'node labels',
      { nodeAffinity: { required: { nodeSelectorTerms: [selecting] } } },
      {},
      [`spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: ${OS} is ${USE_OS}`],
    ],
    [
      'recycling and a dead plugin',
      { persistentVolumeReclaimPolicy: 'Recycle', storageos: {} },
      {},
      [
        'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        'spec.storageOS: deprecated in v1.22, non-functional in v1.25+',
      ],
    ],
  ])('warn of %s', (_, spec, annotated, warnings) => {
    const volume = { metadata: { ...metadata, annotations: annotated }, spec } as PersistentVolume
    expect(persistentVolumeWarnings(volume)).toEqual(warnings)
  })

  it('have claims whose sizes are whole bytes', () => {
    const resources = { requests: { storage: '200m' }, limits: { storage: '1Gi' } }
    const claim: PersistentVolumeClaim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata,
      spec: { resources },
    }
    expect(claimWarnings(claim)).toEqual([
      'spec.resources.requests[storage]: fractional byte value "200m" is invalid, must be an integer',
    ])
  })
})

describe('those who select nodes by old labels', () => {
  it('are told in storage classes', () => {
    const allowedTopologies = [{ matchLabelExpressions: [{ key: OS, values: ['linux'] }] }]
    expect(storageClassWarnings({ metadata, allowedTopologies } as unknown as StorageClass)).toEqual([
      `allowedTopologies[0].matchLabelExpressions[0].key: ${USE_OS}`,
    ])
  })

  it('are told in storage capacities', () => {
    const nodeTopology = { ...selecting, matchLabels: { [OS]: 'linux' } }
    expect(csiStorageCapacityWarnings({ metadata, nodeTopology } as unknown as CSIStorageCapacity)).toEqual([
      `nodeTopology.matchExpressions[0].key: ${OS} is ${USE_OS}`,
      `nodeTopology.matchLabels.${OS}: ${USE_OS}`,
    ])
  })

  it('are told in runtime classes', () => {
    const scheduling = { nodeSelector: { 'node-role.kubernetes.io/master': '', 'kubernetes.io/os': 'linux' } }
    expect(runtimeClassWarnings({ metadata, handler: 'x', scheduling } as unknown as RuntimeClass)).toEqual([
      'scheduling.nodeSelector: use "node-role.kubernetes.io/control-plane" instead',
    ])
  })
})

describe('nodes', () => {
  it('warn of fields nobody reads', () => {
    const spec = { configSource: {}, externalID: 'i-1', podCIDRs: ['10.0.0.0/24'] }
    expect(nodeWarnings({ metadata, spec } as unknown as Node)).toEqual([
      'spec.configSource: the feature is removed',
      'spec.externalID: this field is deprecated, and is unused by Kubernetes',
    ])
  })
})

describe('endpoint slices', () => {
  const slice = (addressType: string, address: string, managedBy: string): EndpointSlice =>
    ({
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/managed-by': managedBy } },
      addressType,
      endpoints: [{ addresses: [address] }],
    }) as unknown as EndpointSlice

  it.each([
    ['names, when new', slice('FQDN', 'a.b', ''), true, ['spec.addressType: FQDN endpoints are deprecated']],
    ['names, when old', slice('FQDN', 'a.b', ''), false, []],
    [
      'addresses in another form',
      slice('IPv6', 'FD00::1', ''),
      false,
      ['endpoints[0].addresses[0]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")'],
    ],
    ['nothing controllers write', slice('IPv6', 'FD00::1', 'endpointslice-controller.k8s.io'), true, []],
  ])('warn of %s', (_, object, isNew, warnings) => {
    expect(endpointSliceWarnings(object, isNew)).toEqual(warnings)
  })
})
