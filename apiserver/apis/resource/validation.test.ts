import { describe, expect, it } from 'vitest'
import type {
  DeviceClass,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { changed, validationTable } from '#test/support/validation-table.ts'
import { checkAdminAccess, checkAdminAccessStatus } from './admin-access.ts'
import { setResourceClaimDefaults } from './defaults.ts'
import { validateResourceSlice } from './slice-validation.ts'
import { validateResourceClaimStatusUpdate } from './status-validation.ts'
import {
  validateDeviceClass,
  validateResourceClaim,
  validateResourceClaimTemplate,
  validateResourceClaimTemplateUpdate,
  validateResourceClaimUpdate,
} from './validation.ts'

const META = { apiVersion: 'resource.k8s.io/v1', metadata: { name: 'a' } }
const REQUEST = 'spec.devices.requests[0]'
const UNKNOWN = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

const claim: ResourceClaim = {
  ...META,
  kind: 'ResourceClaim',
  spec: {
    devices: {
      requests: [
        { name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } },
        { name: 'nic', firstAvailable: [{ name: 'fast', deviceClassName: 'nic' }] },
      ],
      constraints: [{ requests: ['gpu', 'nic/fast'], matchAttribute: 'example.com/numa' }],
      config: [{ opaque: { driver: 'example.com', parameters: { a: 1 } } }],
    },
  },
}
setResourceClaimDefaults(claim)

const DEVICE = { driver: 'example.com', pool: 'a', device: 'b' }
const RESULT = { request: 'gpu', ...DEVICE }
const RESULTS = 'status.allocation.devices.results'
const UID = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const allocated: NonNullable<ResourceClaim['status']> = {
  allocation: { devices: { results: [RESULT, { ...RESULT, shareID: UID }] } },
}

describe('resource claims', () => {
  it('ask for one device unless they say more', () => {
    expect(claim.spec.devices?.requests?.[0]?.exactly).toMatchObject({ allocationMode: 'ExactCount', count: 1 })
  })

  validationTable(claim, validateResourceClaim, [
    [
      'a request of nothing',
      { 'spec.devices.requests.0': { name: 'gpu' } },
      [`${REQUEST}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`],
    ],
    [
      'a request of no class and no mode',
      { 'spec.devices.requests.0.exactly': { deviceClassName: '', allocationMode: 'Some', selectors: [{}] } },
      [
        `${REQUEST}.exactly.deviceClassName: Required value`,
        `${REQUEST}.exactly.selectors[0].cel: Required value`,
        `${REQUEST}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`,
      ],
    ],
    [
      'all, counted',
      { 'spec.devices.requests.0.exactly.allocationMode': 'All' },
      [`${REQUEST}.exactly.count: Invalid value: 1: must not be specified when allocationMode is 'All'`],
    ],
    [
      'a constraint on an unknown request',
      { 'spec.devices.constraints.0': { requests: ['x'], matchAttribute: 'numa' } },
      [
        `spec.devices.constraints[0].requests[0]: Invalid value: "x": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'`,
        'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    [
      'a constraint on half a name',
      { 'spec.devices.constraints.0': { distinctAttribute: '/' } },
      [
        'spec.devices.constraints[0].distinctAttribute: Invalid value: "": the domain must not be empty',
        'spec.devices.constraints[0].distinctAttribute: Invalid value: "": the name must not be empty',
      ],
    ],
    [
      'a constraint on nothing',
      { 'spec.devices.constraints.0': {} },
      [
        'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      ],
    ],
    [
      'a constraint on a name of wrong parts',
      { 'spec.devices.constraints.0': { matchAttribute: 'A_b/c-d' } },
      [
        expect.stringContaining(
          'spec.devices.constraints[0].matchAttribute: Invalid value: "A_b": a lowercase RFC 1123',
        ),
        expect.stringContaining(
          'spec.devices.constraints[0].matchAttribute: Invalid value: "c-d": a valid C identifier',
        ),
      ],
    ],
    [
      'tolerations',
      {
        'spec.devices.requests.0.exactly.tolerations': [
          { operator: '', key: 'a b' },
          { operator: 'Exists', value: 'x', effect: 'Never' },
          { operator: 'Gt', key: 'a', effect: 'None' },
          { operator: 'Equal', key: 'a', value: '-' },
        ],
      },
      [
        expect.stringContaining(
          `${REQUEST}.exactly.tolerations[0].key: Invalid value: "a b": name part must consist of`,
        ),
        `${REQUEST}.exactly.tolerations[0].operator: Required value`,
        `${REQUEST}.exactly.tolerations[1].value: Invalid value: "x": must be empty for operator \`Exists\``,
        `${REQUEST}.exactly.tolerations[1].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"`,
        `${REQUEST}.exactly.tolerations[2].operator: Unsupported value: "Gt": supported values: "Equal", "Exists"`,
        expect.stringContaining(`${REQUEST}.exactly.tolerations[3].value: Invalid value: "-": a valid label must be`),
      ],
    ],
    [
      'alternatives of one name, and too many segments',
      {
        'spec.devices.requests.1.firstAvailable': [
          { name: 'fast', deviceClassName: 'nic', allocationMode: 'All', count: 0 },
          { name: 'fast', deviceClassName: 'nic', allocationMode: 'ExactCount', count: 0 },
        ],
        'spec.devices.constraints.0.requests': ['nic/fast/x', 'nic/slow', 'nic'],
      },
      [
        'spec.devices.requests[1].firstAvailable[1].count: Invalid value: 0: must be greater than zero',
        'spec.devices.requests[1].firstAvailable[1]: Duplicate value: "fast"',
        `spec.devices.constraints[0].requests[0]: Invalid value: "nic/fast/x": ${UNKNOWN}`,
        `spec.devices.constraints[0].requests[1]: Invalid value: "nic/slow": ${UNKNOWN}`,
      ],
    ],
    [
      'one request twice',
      {
        'spec.devices.constraints': [],
        'spec.devices.requests.1': { name: 'gpu', exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
      },
      ['spec.devices.requests[1]: Duplicate value: "gpu"'],
    ],
    [
      'configuration of no driver',
      { 'spec.devices.config.0.opaque': { driver: '', parameters: 1 } },
      [
        'spec.devices.config[0].opaque.driver: Required value',
        'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
      ],
    ],
  ])

  it('keep their spec', () => {
    const next = changed(claim, { 'spec.devices.requests.0.exactly.count': 2 })
    expect(validateResourceClaimUpdate(next, claim).map(({ field, detail }) => `${field}: ${detail}`)).toEqual([
      'spec: field is immutable',
    ])
  })

  describe('status', () => {
    validationTable(claim, (next) => validateResourceClaimStatusUpdate(next, claim), [
      [
        'reserved without being allocated',
        { 'status.reservedFor': [{ resource: 'pods', name: 'a', uid: '' }] },
        [
          'status.reservedFor[0].uid: Required value',
          'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
        ],
      ],
      ['an allocation', { status: allocated }, []],
      [
        'a bad allocation',
        {
          'status.allocation': {
            devices: {
              results: [
                {
                  request: 'x',
                  driver: '',
                  pool: 'a/B',
                  device: '-',
                  shareID: 'x',
                  bindingConditions: ['a', 'a'],
                  tolerations: [{ operator: 'X' }],
                },
                { ...RESULT, shareID: UID.toUpperCase(), bindingConditions: ['a'], bindingFailureConditions: ['a'] },
              ],
              config: [{ source: '', requests: ['y'], opaque: { driver: 'a', parameters: {} } }, { source: 'X' }],
            },
            nodeSelector: { nodeSelectorTerms: [] },
          },
        },
        [
          `${RESULTS}[0].request: Invalid value: "x": ${UNKNOWN}`,
          `${RESULTS}[0].driver: Required value`,
          expect.stringContaining(`${RESULTS}[0].pool: Invalid value: "B": a lowercase RFC 1123 subdomain`),
          expect.stringContaining(`${RESULTS}[0].device: Invalid value: "-": a lowercase RFC 1123 label`),
          `${RESULTS}[0].bindingConditions[1]: Duplicate value: "a"`,
          `${RESULTS}[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions`,
          `${RESULTS}[0].tolerations[0].operator: Unsupported value: "X": supported values: "Equal", "Exists"`,
          `${RESULTS}[0].shareID: Invalid value: "x": error validating uid: invalid UUID length: 1`,
          `${RESULTS}[1].bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions`,
          expect.stringContaining(
            `${RESULTS}[1].shareID: Invalid value: "${UID.toUpperCase()}": uid must be in RFC 4122`,
          ),
          'status.allocation.devices.config[0].source: Required value',
          `status.allocation.devices.config[0].requests[0]: Invalid value: "y": ${UNKNOWN}`,
          'status.allocation.devices.config[1].source: Unsupported value: "X": supported values: "FromClaim", "FromClass"',
          'status.allocation.devices.config[1].opaque: Required value',
          'status.allocation.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term',
        ],
      ],
      [
        'devices',
        {
          status: {
            ...allocated,
            devices: [
              { ...DEVICE, networkData: { ips: ['10.1.2.3/24', '10.1.2.3', '010.1.2.3/24', 'fd00:0::1/64'] } },
              {
                ...DEVICE,
                data: [],
                networkData: { interfaceName: 'x'.repeat(257), hardwareAddress: 'x'.repeat(129) },
              },
              { ...DEVICE, device: 'other' },
            ],
          },
        },
        [
          'status.devices[0].networkData.ips[1]: Invalid value: "10.1.2.3": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
          'status.devices[0].networkData.ips[2]: Invalid value: "010.1.2.3/24": must be in canonical form ("10.1.2.3/24")',
          'status.devices[0].networkData.ips[3]: Invalid value: "fd00:0::1/64": must be in canonical form ("fd00::1/64")',
          'status.devices[1].data: Invalid value: "<value omitted>": must be a valid JSON object',
          'status.devices[1].networkData.interfaceName: Too long: may not be more than 256 bytes',
          'status.devices[1].networkData.hardwareAddress: Too long: may not be more than 128 bytes',
          'status.devices[2]: Invalid value: {"Driver":{},"Pool":{},"Device":{},"ShareID":{}}: must be an allocated device in the claim',
          'status.devices[1]: Duplicate value: {"Driver":{},"Pool":{},"Device":{},"ShareID":{}}',
        ],
      ],
    ])
    it('keeps its allocation, and lets nobody in while it goes', () => {
      const old: ResourceClaim = { ...claim, status: allocated }
      const next = changed(old, {
        'metadata.deletionTimestamp': '2026-01-01T00:00:00Z',
        'status.reservedFor': [{ resource: 'pods', name: 'a', uid: 'b' }],
        'status.allocation.devices.results.0.device': 'other',
      })
      expect(validateResourceClaimStatusUpdate(next, old).map(({ field, detail }) => `${field}: ${detail}`)).toEqual([
        'status.reservedFor: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
        'status.allocation: field is immutable',
      ])
    })
  })
})

const deviceClass: DeviceClass = {
  ...META,
  kind: 'DeviceClass',
  spec: { selectors: [{ cel: { expression: 'true' } }] },
}

describe('device classes', () => {
  validationTable(deviceClass, validateDeviceClass, [
    ['a selector of nothing', { 'spec.selectors': [{}] }, ['spec.selectors[0].cel: Required value']],
    [
      'a selector that does not compile',
      { 'spec.selectors': [{ cel: { expression: 'gpu' } }] },
      [
        'spec.selectors[0].cel.expression: Invalid value: "gpu": compilation failed: ' +
          "ERROR: <input>:1:1: undeclared reference to 'gpu' (in container '')\n | gpu\n | ^",
      ],
    ],
    [
      'a selector of another type',
      { 'spec.selectors': [{ cel: { expression: 'device.driver' } }] },
      [
        'spec.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string',
      ],
    ],
    ['an extended resource', { 'spec.extendedResourceName': 'example.com/gpu' }, []],
    [
      'a resource of Kubernetes',
      { 'spec.extendedResourceName': 'kubernetes.io/gpu' },
      ['spec.extendedResourceName: Invalid value: "kubernetes.io/gpu": must be a valid extended resource name'],
    ],
    [
      'too many selectors',
      { 'spec.selectors': Array.from({ length: 33 }, () => ({ cel: { expression: 'true' } })) },
      ['spec.selectors: Too many: 33: must have at most 32 items'],
    ],
  ])
})

const slice: ResourceSlice = {
  ...META,
  kind: 'ResourceSlice',
  spec: {
    driver: 'example.com',
    nodeName: 'n',
    pool: { name: 'n', generation: 1, resourceSliceCount: 1 },
    devices: [{ name: 'gpu-0', attributes: { model: { string: 'a' } } }],
  },
}
const PLACES = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'

const DEVICE_PLACES =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
const CAPACITY = 'spec.devices[0].capacity'
const MAPPINGS = 'spec.devices[0].nodeAllocatableResourceMappings'

describe('resource slices', () => {
  validationTable(slice, validateResourceSlice, [
    ['nowhere', { 'spec.nodeName': undefined }, [`spec: Required value: ${PLACES}`]],
    [
      'in two places',
      { 'spec.allNodes': true },
      [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${PLACES}, but multiple fields are set`],
    ],
    [
      'a pool of nothing',
      { 'spec.pool': { name: '', generation: -1, resourceSliceCount: 0 } },
      [
        'spec.pool.name: Required value',
        'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
        'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      ],
    ],
    [
      'more devices than one slice holds: none is looked at',
      { 'spec.devices': Array.from({ length: 129 }, () => ({ name: '' })) },
      ['spec.devices: Too many: 129: must have at most 128 items'],
    ],
    [
      'one device twice, with attributes that are none',
      { 'spec.devices.1': { name: 'gpu-0', attributes: { a: {}, b: { version: '1' } } } },
      [
        'spec.devices[1].attributes[a]: Invalid value: "": exactly one value must be specified',
        'spec.devices[1].attributes[b].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
        'spec.devices[1]: Duplicate value: "gpu-0"',
      ],
    ],
  ])
  validationTable(slice, validateResourceSlice, [
    [
      'nowhere, said in three ways',
      { 'spec.nodeName': '', 'spec.allNodes': false, 'spec.perDeviceNodeSelection': false },
      [
        'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
        'spec.allNodes: Invalid value: false: must be either unset or set to true',
        'spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to true',
        `spec: Required value: ${PLACES}`,
      ],
    ],
    [
      'two terms',
      {
        'spec.nodeName': undefined,
        'spec.nodeSelector.nodeSelectorTerms': [{}, { matchFields: [{ key: 'a', operator: 'In', values: ['b'] }] }],
      },
      [
        expect.stringContaining('spec.nodeSelector.nodeSelectorTerms[1].matchFields[0].key: Invalid value: "a"'),
        'spec.nodeSelector.nodeSelectorTerms: Invalid value: [{"MatchExpressions":null,"MatchFields":null},{"MatchExpressions":null,"MatchFields":[{"Key":"a","Operator":"In","Values":["b"]}]}]: must have exactly one node selector term',
      ],
    ],
    [
      'devices and counters',
      {
        'spec.sharedCounters': [
          { name: '', counters: {} },
          { name: 'A', counters: { 'a b': { value: '1' } } },
        ],
      },
      [
        'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
        'spec.sharedCounters[0].name: Required value',
        'spec.sharedCounters[0].counters: Required value',
        expect.stringContaining('spec.sharedCounters[1].name: Invalid value: "A": a lowercase RFC 1123 label'),
        expect.stringContaining('spec.sharedCounters[1].counters: Invalid value: "a b": a lowercase RFC 1123 label'),
      ],
    ],
    [
      'fewer devices with taints',
      { 'spec.devices': Array.from({ length: 65 }, () => ({ name: '', taints: [{ key: 'a', effect: 'None' }] })) },
      ['spec.devices: Too many: 65: must have at most 64 items'],
    ],
    [
      'taints and counters of a device',
      {
        'spec.devices.0.taints': [{ key: '', value: '-', effect: '' }],
        'spec.devices.0.consumesCounters': [
          { counterSet: 'a', counters: { b: { value: '1' } } },
          { counterSet: 'a', counters: {} },
        ],
      },
      [
        expect.stringContaining('spec.devices[0].taints[0].key: Invalid value: "": name part must be non-empty'),
        expect.stringContaining('spec.devices[0].taints[0].key: Invalid value: "": name part must consist of'),
        expect.stringContaining('spec.devices[0].taints[0].value: Invalid value: "-": a valid label'),
        'spec.devices[0].taints[0].effect: Required value',
        'spec.devices[0].consumesCounters[1].counters: Required value',
        'spec.devices[0].consumesCounters[1]: Duplicate value: "a"',
      ],
    ],
    [
      'attributes',
      {
        'spec.devices.0.attributes': {
          'a-b': { int: 1 },
          a: { int: 1, strings: [] },
          b: { versions: ['1', '1.0.0'] },
        },
      },
      [
        expect.stringContaining('spec.devices[0].attributes: Invalid value: "a-b": a valid C identifier'),
        'spec.devices[0].attributes[a].strings: Invalid value: []: must not be empty if specified',
        'spec.devices[0].attributes[a]: Invalid value: {"IntValue":1,"BoolValue":null,"StringValue":null,"VersionValue":null,"IntValues":null,"BoolValues":null,"StringValues":[],"VersionValues":null}: exactly one value must be specified',
        'spec.devices[0].attributes[b].versions[0]: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
      ],
    ],
    [
      'places of a device',
      { 'spec.devices.0.nodeName': 'n' },
      [
        'spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      ],
    ],
    [
      'two places of a device',
      {
        'spec.nodeName': undefined,
        'spec.perDeviceNodeSelection': true,
        'spec.devices': [{ name: 'a', nodeName: 'n', allNodes: true }, { name: 'b' }],
      },
      [
        `spec.devices[0]: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${DEVICE_PLACES}`,
        `spec.devices[1]: Required value: ${DEVICE_PLACES}`,
      ],
    ],
    [
      'resources of the node',
      {
        'spec.devices.0.nodeAllocatableResourceMappings': {
          'example.com/a': { allocationMultiplier: '0' },
          cpu: {},
          memory: { capacityKey: 'mem' },
        },
      },
      [
        `${MAPPINGS}[example.com/a]: Invalid value: "example.com/a": must be a node allocatable resource name`,
        `${MAPPINGS}[example.com/a].allocationMultiplier: Invalid value: "0": must be positive`,
        `${MAPPINGS}[cpu]: Invalid value: "": at least one of allocationMultiplier or capacityKey must be set`,
        `${MAPPINGS}[memory].capacityKey: Not found: "mem"`,
      ],
    ],
    [
      'a policy for what is not shared',
      { 'spec.devices.0.capacity': { a: { value: '1', requestPolicy: {} } } },
      ['spec.devices[0].capacity[a].requestPolicy: Forbidden: allowMultipleAllocations must be true'],
    ],
    [
      'policies',
      {
        'spec.devices.0.allowMultipleAllocations': true,
        'spec.devices.0.capacity': {
          a: { value: '10', requestPolicy: { default: '1', validValues: ['1'], validRange: { min: '1' } } },
          b: { value: '10', requestPolicy: { validValues: ['1'] } },
          c: { value: '10', requestPolicy: { default: '3', validValues: ['2', '1', '11', '2'] } },
          d: { value: '10', requestPolicy: { default: '1', validRange: {} } },
          e: { value: '10', requestPolicy: { default: '1', validRange: { min: '2', max: '1', step: '0' } } },
          f: { value: '10', requestPolicy: { default: '4', validRange: { min: '1', max: '9', step: '2' } } },
          g: { value: '10', requestPolicy: { default: '5', validRange: { min: '1', max: '9', step: '4' } } },
        },
      },
      [
        `${CAPACITY}[a].requestPolicy: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`,
        `${CAPACITY}[b].requestPolicy.default: Required value: required when validValues is defined`,
        `${CAPACITY}[c].requestPolicy.validValues[1]: Invalid value: "1": values must be sorted in ascending order`,
        `${CAPACITY}[c].requestPolicy.validValues[3]: Invalid value: "2": values must be sorted in ascending order`,
        `${CAPACITY}[c].requestPolicy.validValues[2]: Invalid value: "11": option is larger than capacity value: 10`,
        `${CAPACITY}[c].requestPolicy.validValues[3]: Duplicate value: "2"`,
        `${CAPACITY}[c].requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy`,
        `${CAPACITY}[d].requestPolicy.validRange.min: Required value: required when validRange is defined`,
        `${CAPACITY}[e].requestPolicy.validRange.min: Invalid value: "1": default is less than min: 2`,
        `${CAPACITY}[e].requestPolicy.validRange.max: Invalid value: "2": min is larger than max: 1`,
        `${CAPACITY}[e].requestPolicy.validRange.step: Invalid value: "0": must be greater than zero`,
        `${CAPACITY}[f].requestPolicy.validRange.step: Invalid value: "4": value is not a multiple of a given step (2) from (1)`,
      ],
    ],
  ])
  it('keeps taints that were there', () => {
    const devices = [{ name: 'a', taints: [{ key: '', effect: 'X' }] }]
    const old = changed(slice, { 'spec.devices': devices })
    expect(validateResourceSlice(old, old)).toEqual([])
    expect(validateResourceSlice(old, slice).length).toBe(3)
  })
  describe('updated', () => {
    validationTable(slice, (next) => validateResourceSlice(next, slice), [
      ['to another node', { 'spec.nodeName': 'm' }, ['spec.nodeName: Invalid value: "m": field is immutable']],
    ])
  })
})

describe('admin access', () => {
  const devices = changed(claim, { 'spec.devices.requests.0.exactly.adminAccess': true }).spec.devices
  const labelled = () => ({ 'resource.kubernetes.io/admin-access': 'true' })
  const refusal =
    'Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace'
  const granted = { allocation: { devices: { results: [{ ...RESULT, adminAccess: true }] } } }

  it('takes a label of the namespace', () => {
    expect(checkAdminAccess(devices, labelled)).toEqual([])
    expect(checkAdminAccess(devices, () => undefined).map(fieldErrorString)).toEqual([
      `spec.devices.requests[0].adminAccess: ${refusal}`,
    ])
    expect(checkAdminAccess(claim.spec.devices, () => undefined)).toEqual([])
  })

  it('is not asked again of what has it', () => {
    expect(checkAdminAccessStatus(granted, undefined, () => ({})).map(fieldErrorString)).toEqual([
      `status.allocation.devices.results[0].adminAccess: ${refusal}`,
    ])
    expect(checkAdminAccessStatus(granted, granted, () => ({}))).toEqual([])
  })
})

describe('templates', () => {
  it('are judged as claims, once', () => {
    const template: ResourceClaimTemplate = {
      ...META,
      kind: 'ResourceClaimTemplate',
      spec: { metadata: { labels: { 'a b': 'c' } }, spec: { devices: { requests: [{ name: 'A' }] } } },
    }
    const found = validateResourceClaimTemplate(template).map(({ field }) => field)
    expect(found).toEqual([
      'spec.metadata.labels',
      'spec.spec.devices.requests[0].name',
      'spec.spec.devices.requests[0]',
    ])
    expect(validateResourceClaimTemplateUpdate(template, template)).toEqual([])
  })
})
