import { describe } from 'vitest'
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import { validationTable } from '#test/support/validation-table.ts'
import { validateApiService, validateApiServiceStatus } from './validation.ts'

const base: APIService = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1.example.com' },
  spec: {
    group: 'example.com',
    version: 'v1',
    groupPriorityMinimum: 100,
    versionPriority: 10,
    service: { namespace: 'a', name: 'b', port: 443 },
  },
}

describe('API services', () => {
  validationTable(base, validateApiService, [
    ['the legacy group', { 'metadata.name': 'v1.', 'spec.group': '' }, []],
    [
      'another name',
      { 'metadata.name': 'v2.example.com' },
      ['metadata.name: Invalid value: "v2.example.com": must be `spec.version+"."+spec.group`: "v1.example.com"'],
    ],
    [
      'no group',
      { 'metadata.name': 'v2.', 'spec.group': '', 'spec.version': 'v2' },
      ['spec.group: Required value: only v1 may have an empty group and it better be legacy kube'],
    ],
    [
      'priorities out of range',
      { 'spec.groupPriorityMinimum': 20001, 'spec.versionPriority': 0 },
      [
        'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000',
        'spec.versionPriority: Invalid value: 0: must be positive and less than 1000',
      ],
    ],
    [
      'a local one with a CA',
      { 'spec.service': undefined, 'spec.caBundle': 'AAAA', 'spec.insecureSkipTLSVerify': true },
      [
        'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
        'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
      ],
    ],
    [
      'an empty service',
      { 'spec.service': { port: 0 }, 'spec.caBundle': 'AAAA', 'spec.insecureSkipTLSVerify': true },
      [
        'spec.service.namespace: Required value',
        'spec.service.name: Required value',
        'spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive',
        'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
      ],
    ],
  ])
  describe('status', () => {
    validationTable(base, validateApiServiceStatus, [
      [
        'neither true nor false',
        { 'status.conditions': [{ type: 'Available', status: 'Maybe' }] },
        ['status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown"'],
      ],
    ])
  })
})
