/** Field errors of volumes and claims as upstream prints them. */
import { describe, expect, it } from 'vitest'
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimStatus,
  PersistentVolumeSpec,
  VolumeNodeAffinity,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import {
  validatePersistentVolumeClaim,
  validatePersistentVolumeClaimStatusUpdate,
  validatePersistentVolumeClaimUpdate,
} from './claim-validation.ts'
import { validatePersistentVolume, validatePersistentVolumeUpdate } from './validation.ts'

const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorString)

function volume(spec: PersistentVolumeSpec): PersistentVolume {
  const plain = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] }
  return { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' }, spec: { ...plain, ...spec } }
}

const hostPath = { path: '/data' }
const affinity = (key: string): VolumeNodeAffinity => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }] },
})

describe('PersistentVolume', () => {
  it.each<[string, PersistentVolumeSpec, string[]]>([
    ['host path', { hostPath }, []],
    [
      'no source, no size, no modes',
      { capacity: {}, accessModes: [] },
      [
        'spec.accessModes: Required value',
        'spec.capacity: Required value',
        'spec.capacity: Unsupported value: null: supported values: "storage"',
        'spec: Required value: must specify a volume type',
      ],
    ],
    [
      'two sources',
      { hostPath, nfs: { server: 's', path: '/p' } },
      ['spec.nfs: Forbidden: may not specify more than 1 volume type'],
    ],
    [
      'a negative size',
      { hostPath, capacity: { storage: '-1' } },
      [
        'spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity',
        'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
      ],
    ],
    [
      'recycling /',
      { hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' },
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
    [
      'local',
      { local: { path: '/a/../b' } },
      [
        `spec.local.path: Invalid value: "/a/../b": must not contain '..'`,
        'spec.nodeAffinity: Required value: Local volume requires node affinity',
      ],
    ],
    [
      'affinity',
      { hostPath, nodeAffinity: {} },
      ['spec.nodeAffinity.required: Required value: must specify required node constraints'],
    ],
    [
      'NFS',
      { nfs: { server: '', path: 'p' } },
      ['spec.nfs.server: Required value', 'spec.nfs.path: Invalid value: "p": must be an absolute path'],
    ],
    [
      'iSCSI',
      { iscsi: { targetPortal: 't', iqn: 'iqn.2026-01.a:b', lun: 256 } },
      ['spec.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive'],
    ],
    [
      'CSI',
      { csi: { driver: 'd', volumeHandle: '', nodeStageSecretRef: {}, nodePublishSecretRef: { name: 'a' } } },
      ['spec.csi.volumeHandle: Required value', 'spec.csi.nodePublishSecretRef.namespace: Required value'],
    ],
    [
      'an attributes class',
      { hostPath, volumeAttributesClassName: 'a' },
      ['spec.csi: Required value: has to be specified when using volumeAttributesClassName'],
    ],
    [
      'flex options',
      { flexVolume: { driver: 'd', options: { 'k8s.io/a': 'b' } } },
      [
        'spec.flexVolume.options[k8s.io/a]: Invalid value: "k8s.io/a": kubernetes.io and k8s.io namespaces are reserved',
      ],
    ],
    [
      'GCE',
      { gcePersistentDisk: { pdName: '', partition: 256 } },
      [
        'spec.persistentDisk.pdName: Required value',
        'spec.persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive',
      ],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(texts(validatePersistentVolume(volume(spec)))).toEqual(expected)
  })

  it('keeps its source, mode and affinity', () => {
    const old = volume({ hostPath, volumeMode: 'Filesystem', nodeAffinity: affinity('a') })
    const next = volume({ hostPath: { path: '/b' }, volumeMode: 'Block', nodeAffinity: affinity('b') })
    const [source = '', ...rest] = texts(validatePersistentVolumeUpdate(next, old))
    expect(source).toMatch(/^spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after/)
    expect(source).toContain('-  "path": "/data"\n+  "path": "/b"\n')
    expect(rest).toEqual([
      'volumeMode: Invalid value: "Block": field is immutable',
      expect.stringMatching(/^nodeAffinity: .*: field is immutable, except for updating from beta label to GA$/),
    ])
  })

  it('may name its zone by the new label, and a secret to expand with', () => {
    const zone = volume({ hostPath, nodeAffinity: affinity('failure-domain.beta.kubernetes.io/zone') })
    const renamed = volume({ hostPath, nodeAffinity: affinity('topology.kubernetes.io/zone') })
    expect(validatePersistentVolumeUpdate(renamed, zone)).toEqual([])
    const csi = { driver: 'd', volumeHandle: 'h' }
    const expandable = { ...csi, controllerExpandSecretRef: { name: 'a', namespace: 'b' } }
    expect(validatePersistentVolumeUpdate(volume({ csi: expandable }), volume({ csi }))).toEqual([])
  })
})

function claim(
  spec: PersistentVolumeClaimSpec,
  status: PersistentVolumeClaimStatus = { phase: 'Bound', capacity: { storage: '1Gi' } },
): PersistentVolumeClaim {
  const plain = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace: 'ns' },
    spec: { ...plain, ...spec },
    status,
  }
}

const size = (storage: string): PersistentVolumeClaimSpec => ({ resources: { requests: { storage } } })

describe('PersistentVolumeClaim', () => {
  it.each<[string, PersistentVolumeClaimSpec, string[]]>([
    ['valid', {}, []],
    [
      'empty',
      { accessModes: [], resources: {} },
      [
        'spec.accessModes: Required value: at least 1 access mode is required',
        'spec.resources[storage]: Required value',
      ],
    ],
    ['no size', size('0'), ['spec.resources[storage]: Invalid value: "0": must be greater than zero']],
    [
      'modes',
      { accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'], volumeMode: 'x' },
      [
        'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
        'spec.volumeMode: Unsupported value: "x": supported values: "Block", "Filesystem"',
      ],
    ],
    [
      'a source of the core group',
      { dataSource: { kind: 'Secret', name: 's' } },
      [
        `spec.dataSource: Invalid value: "Secret": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
      ],
    ],
    [
      'two sources',
      {
        dataSource: { kind: 'PersistentVolumeClaim', name: 'a' },
        dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'b' },
      },
      ['spec: Invalid value: {}: must match dataSourceRef'],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(texts(validatePersistentVolumeClaim(claim(spec)))).toEqual(expected)
  })

  it.each<[string, PersistentVolumeClaim, PersistentVolumeClaim, string[]]>([
    ['grows', claim({}), claim(size('3Gi')), []],
    ['shrinks after a failed growth', claim({}), claim(size('1500Mi')), []],
    [
      'shrinks to its size',
      claim({}),
      claim(size('1Gi')),
      ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'],
    ],
    ['is bound', claim({}, { phase: 'Pending' }), claim({ volumeName: 'v' }, { phase: 'Pending' }), []],
    ['gets a class', claim({}), claim({ storageClassName: 'a' }), []],
    [
      'changes its attributes',
      claim({ volumeAttributesClassName: 'a' }),
      claim({ volumeAttributesClassName: 'b' }),
      [],
    ],
    [
      'changes its attributes before it is bound',
      claim({ volumeAttributesClassName: 'a' }, { phase: 'Pending' }),
      claim({ volumeAttributesClassName: 'b' }, { phase: 'Pending' }),
      [expect.stringContaining('spec: Forbidden: spec is immutable after creation except resources.requests')],
    ],
    ['gives up a class that was never applied', claim({ volumeAttributesClassName: 'a' }), claim({}), []],
    [
      'gives up its class',
      claim({ volumeAttributesClassName: 'a' }, { phase: 'Bound', currentVolumeAttributesClassName: 'a' }),
      claim({}),
      [
        'spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when status.currentVolumeAttributesClassName is not nil',
      ],
    ],
    [
      'loses its attributes',
      claim({ volumeAttributesClassName: 'a' }, { phase: 'Bound', currentVolumeAttributesClassName: 'a' }),
      claim({ volumeAttributesClassName: '' }),
      [
        'spec.volumeAttributesClassName: Forbidden: update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil',
      ],
    ],
  ])('%s', (_name, old, next, expected) => {
    expect(texts(validatePersistentVolumeClaimUpdate(next, old))).toEqual(expected)
  })

  it('shows what changed', () => {
    const refusal =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
    const changes = [
      '@@ -9,7 +9,7 @@',
      '    "storage": "2Gi"',
      '   }',
      '  },',
      '- "VolumeName": "a",',
      '+ "VolumeName": "b",',
      '  "StorageClassName": null,',
      '  "VolumeMode": null,',
      '  "DataSource": null,',
      '',
    ]
    expect(texts(validatePersistentVolumeClaimUpdate(claim({ volumeName: 'b' }), claim({ volumeName: 'a' })))).toEqual([
      `spec: Forbidden: ${refusal}\n${changes.join('\n')}`,
    ])
  })

  it('reports a resize in known words', () => {
    const status: PersistentVolumeClaimStatus = {
      capacity: { storage: '-1' },
      allocatedResources: { cpu: '1' },
      allocatedResourceStatuses: { storage: 'Growing' },
    }
    expect(texts(validatePersistentVolumeClaimStatusUpdate(claim({}, status)))).toEqual([
      'status.capacity[storage]: Invalid value: -1: must be a valid resource quantity',
      'status.allocatedResourceStatuses: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
      'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"',
    ])
  })
})
