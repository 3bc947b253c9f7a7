import { describe, expect, it } from 'vitest'
import type { DeviceClass, ResourceClaim, ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import { changed, validationTable } from '#test/support/validation-table.ts'
import { setResourceClaimDefaults } from './defaults.ts'
import { validateResourceSlice, validateResourceSliceUpdate } from './slice-validation.ts'
import {
  validateDeviceClass,
  validateResourceClaim,
  validateResourceClaimStatusUpdate,
  validateResourceClaimUpdate,
} from './validation.ts'

const META = { apiVersion: 'resource.k8s.io/v1', metadata: { name: 'a' } }
const REQUEST = 'spec.devices.requests[0]'

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
    ])
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
        'spec.devices[1].attributes[a]: Required value: exactly one value must be specified',
        'spec.devices[1].attributes[b].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
        'spec.devices[1]: Duplicate value: "gpu-0"',
      ],
    ],
  ])
  describe('updated', () => {
    validationTable(slice, (next) => validateResourceSliceUpdate(next, slice), [
      ['to another node', { 'spec.nodeName': 'm' }, ['spec.nodeName: Invalid value: "m": field is immutable']],
    ])
  })
})
