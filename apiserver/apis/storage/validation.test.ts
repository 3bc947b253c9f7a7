import { describe } from 'vitest'
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '#machinery/api/storage/v1/types.gen.ts'
import { validationTable } from '#test/support/validation-table.ts'
import {
  validateCsiDriver,
  validateCsiDriverUpdate,
  validateCsiNode,
  validateCsiNodeUpdate,
  validateCsiStorageCapacity,
  validateCsiStorageCapacityUpdate,
  validateVolumeAttachment,
  validateVolumeAttachmentUpdate,
} from './csi-validation.ts'
import {
  validateStorageClass,
  validateStorageClassUpdate,
  validateVolumeAttributesClass,
  validateVolumeAttributesClassUpdate,
} from './validation.ts'

const META = { apiVersion: 'storage.k8s.io/v1', metadata: { name: 'a' } }

const storageClass: StorageClass = {
  ...META,
  kind: 'StorageClass',
  provisioner: 'kubernetes.io/foo',
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
  allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }],
}
const TERM = 'allowedTopologies[0].matchLabelExpressions'

describe('storage classes', () => {
  validationTable(storageClass, validateStorageClass, [
    ['no provisioner', { provisioner: '' }, ['provisioner: Required value']],
    ['an empty parameter', { 'parameters.': 'x' }, ['parameters: Invalid value: "": field can not be empty.']],
    [
      'large parameters',
      { 'parameters.a': 'x'.repeat(256 * 1024) },
      ['parameters: Too long: may not be more than 262144 bytes'],
    ],
    [
      'policies that are none',
      { reclaimPolicy: 'Recycle', volumeBindingMode: 'Never' },
      [
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
        'volumeBindingMode: Unsupported value: "Never": supported values: "Immediate", "WaitForFirstConsumer"',
      ],
    ],
    [
      'topologies said twice',
      {
        'allowedTopologies.0.matchLabelExpressions': [
          { key: 'zone', values: ['a', 'a'] },
          { key: 'zone', values: [] },
        ],
        'allowedTopologies.1': { matchLabelExpressions: [{ key: 'zone', values: ['c'] }] },
        'allowedTopologies.2': { matchLabelExpressions: [{ key: 'zone', values: ['c'] }] },
      },
      [
        `${TERM}[0].values[1]: Duplicate value: "a"`,
        `${TERM}[1].values: Required value`,
        `${TERM}[1].key: Duplicate value: "zone"`,
        'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""',
      ],
    ],
  ])
  describe('updated', () => {
    validationTable(storageClass, (next) => validateStorageClassUpdate(next, storageClass), [
      [
        'in what does not change',
        {
          provisioner: 'b',
          parameters: { a: 'b' },
          reclaimPolicy: 'Retain',
          volumeBindingMode: 'WaitForFirstConsumer',
        },
        [
          'parameters: Invalid value: {"a":"b"}: field is immutable',
          'provisioner: Invalid value: "b": field is immutable',
          'reclaimPolicy: Invalid value: "Retain": field is immutable',
          'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
        ],
      ],
      ['in what may', { allowVolumeExpansion: true }, []],
    ])
  })
})

const attributes: VolumeAttributesClass = {
  ...META,
  kind: 'VolumeAttributesClass',
  driverName: 'a.b',
  parameters: { iops: '1' },
}

describe('volume attributes classes', () => {
  validationTable(attributes, validateVolumeAttributesClass, [
    ['no parameters', { parameters: {} }, ['parameters: Required value: must contain at least one key/value pair']],
  ])
  describe('updated', () => {
    validationTable(attributes, (next) => validateVolumeAttributesClassUpdate(next, attributes), [
      [
        'at all',
        { driverName: 'c', parameters: { iops: '2' } },
        [
          'driverName: Forbidden: updates to driverName are forbidden.',
          'parameters: Forbidden: updates to parameters are forbidden.',
        ],
      ],
    ])
  })
})

const driver: CSIDriver = {
  ...META,
  kind: 'CSIDriver',
  spec: { attachRequired: true, podInfoOnMount: false, storageCapacity: false, seLinuxMount: false },
}

describe('CSI drivers', () => {
  validationTable(driver, validateCsiDriver, [
    [
      'nothing set',
      { spec: {} },
      ['attachedRequired', 'podInfoOnMount', 'storageCapacity', 'seLinuxMount'].map(
        (field) => `spec.${field}: Required value`,
      ),
    ],
    [
      'secrets without tokens',
      { 'spec.tokenRequests': [], 'spec.serviceAccountTokenInSecrets': false },
      [
        'spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set but no tokenRequests are specified',
      ],
    ],
    [
      'tokens out of range',
      {
        'spec.tokenRequests': [
          { audience: 'a', expirationSeconds: 1 },
          { audience: 'a' },
          { audience: 'b', expirationSeconds: 2 ** 32 + 1 },
        ],
      },
      [
        'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
        'spec.tokenRequests[1].audience: Duplicate value: "a"',
        'spec.tokenRequests[2].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
      ],
    ],
    [
      'modes that are none',
      { 'spec.fsGroupPolicy': 'X', 'spec.volumeLifecycleModes': ['Y'], 'spec.nodeAllocatableUpdatePeriodSeconds': 9 },
      [
        'spec.fsGroupPolicy: Unsupported value: "X": supported values: "File", "None", "ReadWriteOnceWithFSType"',
        'spec.volumeLifecycleModes: Unsupported value: "Y": supported values: "Persistent", "Ephemeral"',
        'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds',
      ],
    ],
  ])
  describe('updated', () => {
    validationTable(driver, (next) => validateCsiDriverUpdate(next, driver), [
      [
        'without attaching',
        { 'spec.attachRequired': false },
        ['spec.attachedRequired: Invalid value: false: field is immutable'],
      ],
      ['with pod information', { 'spec.podInfoOnMount': true }, []],
    ])
  })
})

const node: CSINode = {
  ...META,
  kind: 'CSINode',
  spec: { drivers: [{ name: 'io.a', nodeID: 'n', allocatable: { count: 1 }, topologyKeys: ['zone'] }] },
}

describe('CSI nodes', () => {
  validationTable(node, validateCsiNode, [
    [
      'a driver without anything, twice',
      {
        'spec.drivers': [
          { name: 'a' },
          { name: 'a', nodeID: 'n', topologyKeys: ['k', 'k'], allocatable: { count: -1 } },
        ],
      },
      [
        'spec.drivers[0].nodeID: Required value',
        'spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
        'spec.drivers[1].name: Duplicate value: "a"',
        'spec.drivers[1]: Duplicate value: "k"',
      ],
    ],
    [
      'a long node id',
      { 'spec.drivers.0.nodeID': 'n'.repeat(257) },
      [`spec.drivers[0].nodeID: Invalid value: "${'n'.repeat(257)}": must be 256 characters or less`],
    ],
  ])
  describe('updated', () => {
    validationTable(node, (next) => validateCsiNodeUpdate(next, node), [
      ['with another limit', { 'spec.drivers.0.allocatable.count': 5 }, []],
      [
        'with another id',
        { 'spec.drivers.0.nodeID': 'm' },
        ['spec.drivers: Invalid value: {"name":"io.a","nodeID":"m","topologyKeys":["zone"]}: field is immutable'],
      ],
    ])
  })
})

const capacity: CSIStorageCapacity = {
  ...META,
  kind: 'CSIStorageCapacity',
  storageClassName: 'fast',
  nodeTopology: { matchLabels: { a: 'b' } },
}

describe('CSI storage capacities', () => {
  validationTable(capacity, validateCsiStorageCapacity, [
    ['less than nothing', { capacity: '-1' }, ['capacity: Invalid value: "-1": must be greater than or equal to 0']],
  ])
  describe('updated', () => {
    validationTable(capacity, (next) => validateCsiStorageCapacityUpdate(next, capacity), [
      [
        'with another class',
        { storageClassName: 'slow' },
        ['storageClassName: Invalid value: "slow": field is immutable'],
      ],
    ])
  })
})

const attachment: VolumeAttachment = {
  ...META,
  kind: 'VolumeAttachment',
  spec: { attacher: 'io.a', nodeName: 'n', source: { persistentVolumeName: 'pv' } },
}

const INLINE = 'spec.source.inlineVolumeSpec'

describe('volume attachments', () => {
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  validationTable(attachment, validateVolumeAttachment, [
    ['no attacher', { 'spec.attacher': '' }, ['spec.attacher: Required value']],
    ['no source', { 'spec.source': {} }, [`spec.source: Required value: ${exactlyOne}`]],
    [
      'a volume of its own',
      {
        'spec.source': {
          inlineVolumeSpec: {
            accessModes: ['ReadWriteOnce'],
            persistentVolumeReclaimPolicy: 'Retain',
            csi: { driver: 'io.a', volumeHandle: 'h' },
          },
        },
      },
      [],
    ],
    [
      'a volume as if it were an object',
      {
        'spec.source': {
          inlineVolumeSpec: {
            claimRef: { name: 'a' },
            capacity: { storage: '1Gi' },
            persistentVolumeReclaimPolicy: 'Delete',
            nodeAffinity: {},
            nfs: { server: 'a', path: 'b' },
            storageClassName: 'a',
            volumeMode: 'Block',
          },
        },
      },
      [
        `${INLINE}.claimRef: Forbidden: may not be specified in the context of inline volumes`,
        `${INLINE}.capacity: Forbidden: may not be specified in the context of inline volumes`,
        `${INLINE}.csi: Required value: has to be specified in the context of inline volumes`,
        `${INLINE}.accessModes: Required value`,
        `${INLINE}.persistentVolumeReclaimPolicy: Forbidden: may only be Retain in the context of inline volumes`,
        `${INLINE}.nodeAffinity: Forbidden: may not be specified in the context of inline volumes`,
        `${INLINE}.nfs.path: Invalid value: "b": must be an absolute path`,
        `${INLINE}.storageClassName: Forbidden: may not be specified in the context of inline volumes`,
        `${INLINE}.volumeMode: Forbidden: may not specify volumeMode other than Filesystem in the context of inline volumes`,
      ],
    ],
    ['two sources', { 'spec.source.inlineVolumeSpec': {} }, [`spec.source: Forbidden: ${exactlyOne}`]],
    [
      'errors that are too much',
      { 'status.attachError': { message: 'x'.repeat(1025), errorCode: -1 } },
      [
        'status.attachError.message: Too long: may not be more than 262144 bytes',
        'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      ],
    ],
  ])
  describe('updated', () => {
    validationTable(attachment, (next) => validateVolumeAttachmentUpdate(next, attachment), [
      [
        'to another node',
        { 'spec.nodeName': 'm' },
        [
          'spec: Invalid value: {"attacher":"io.a","nodeName":"m","source":{"persistentVolumeName":"pv"}}: field is immutable',
        ],
      ],
    ])
  })
})
