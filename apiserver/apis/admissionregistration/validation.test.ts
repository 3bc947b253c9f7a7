import { describe } from 'vitest'
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import { changed, validationTable } from '#test/support/validation-table.ts'
import { setAdmissionBindingDefaults, setAdmissionPolicyDefaults } from './defaults.ts'
import {
  validateMutatingBinding,
  validateMutatingPolicy,
  validateValidatingBinding,
  validateValidatingPolicy,
  validateValidatingPolicyStatus,
} from './policy-validation.ts'
import { validateWebhookConfiguration, validateWebhookConfigurationUpdate } from './webhook-validation.ts'

const META = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name: 'a' } }
const rule = {
  operations: ['CREATE'],
  apiGroups: ['a'],
  apiVersions: ['v1'],
  resources: ['pods', 'pods/*'],
  scope: '*',
}

const configuration: ValidatingWebhookConfiguration = {
  ...META,
  kind: 'ValidatingWebhookConfiguration',
  webhooks: [
    {
      name: 'a.example.com',
      clientConfig: { url: 'https://example.com/path' },
      rules: [rule],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      matchConditions: [{ name: 'c', expression: 'true' }],
    },
  ],
}
const HOOK = 'webhooks[0]'
const RULE = `${HOOK}.rules[0]`

describe('webhook configurations', () => {
  validationTable(configuration, validateWebhookConfiguration, [
    [
      'a name of two segments',
      { 'webhooks.0.name': 'a.com' },
      [`${HOOK}.name: Invalid value: "a.com": should be a domain with at least three segments separated by dots`],
    ],
    [
      'no side effects, no versions, no client',
      { 'webhooks.0': { name: 'a.b.c' } },
      [
        `${HOOK}.sideEffects: Required value: must specify one of None, NoneOnDryRun`,
        `${HOOK}.clientConfig: Required value: exactly one of url or service is required`,
        `${HOOK}.admissionReviewVersions: Required value: must specify one of v1, v1beta1`,
      ],
    ],
    [
      'versions nobody speaks',
      { 'webhooks.0.admissionReviewVersions': ['v0', 'v0', '1'] },
      [
        `${HOOK}.admissionReviewVersions[1]: Invalid value: "v0": duplicate version`,
        `${HOOK}.admissionReviewVersions[2]: Invalid value: "1": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
        `${HOOK}.admissionReviewVersions: Invalid value: ["v0","v0","1"]: must include at least one of v1, v1beta1`,
      ],
    ],
    [
      'an empty rule',
      { 'webhooks.0.rules': [{}] },
      ['operations', 'apiGroups', 'apiVersions', 'resources'].map((field) => `${RULE}.${field}: Required value`),
    ],
    [
      'wildcards beside others',
      {
        'webhooks.0.rules.0': {
          operations: ['*', 'CREATE', 'PATCH'],
          apiGroups: ['*', 'a'],
          apiVersions: ['*', ''],
          resources: ['*', 'pods/*', 'pods/log', '*/log', 'a/log', '*/*', 'pods'],
          scope: 'X',
        },
      },
      [
        `${RULE}.operations: Invalid value: ["*","CREATE","PATCH"]: if '*' is present, must not specify other operations`,
        `${RULE}.operations[2]: Unsupported value: "PATCH": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"`,
        `${RULE}.apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other API groups`,
        `${RULE}.apiVersions: Invalid value: ["*",""]: if '*' is present, must not specify other API versions`,
        `${RULE}.apiVersions[1]: Required value`,
        `${RULE}.resources[2]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
        `${RULE}.resources[4]: Invalid value: "a/log": if '*/log' is present, must not specify a/log`,
        `${RULE}.resources: Invalid value: ["*","pods/*","pods/log","*/log","a/log","*/*","pods"]: if '*/*' is present, must not specify other resources`,
        `${RULE}.resources: Invalid value: ["*","pods/*","pods/log","*/log","a/log","*/*","pods"]: if '*' is present, must not specify other resources without subresources`,
        `${RULE}.scope: Unsupported value: "X": supported values: "*", "Cluster", "Namespaced"`,
      ],
    ],
    [
      'options that are none',
      {
        'webhooks.0.failurePolicy': 'X',
        'webhooks.0.matchPolicy': 'Y',
        'webhooks.0.sideEffects': 'Some',
        'webhooks.0.timeoutSeconds': 31,
      },
      [
        `${HOOK}.failurePolicy: Unsupported value: "X": supported values: "Fail", "Ignore"`,
        `${HOOK}.matchPolicy: Unsupported value: "Y": supported values: "Equivalent", "Exact"`,
        `${HOOK}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"`,
        `${HOOK}.timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds`,
      ],
    ],
    [
      'a service that is none',
      { 'webhooks.0.clientConfig': { service: { name: '', namespace: 'n', port: 0, path: 'a' } } },
      [
        `${HOOK}.clientConfig.service.name: Required value: service name is required`,
        `${HOOK}.clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive`,
        `${HOOK}.clientConfig.service.path: Invalid value: "a": must start with a '/'`,
      ],
    ],
    [
      'one condition twice, one empty',
      {
        'webhooks.0.matchConditions': [
          { name: 'c', expression: ' ' },
          { name: 'c', expression: 'true' },
        ],
      },
      [
        `${HOOK}.matchConditions[0].expression: Required value`,
        `${HOOK}.matchConditions[1].name: Duplicate value: "c"`,
      ],
    ],
    [
      'a condition that is no bool',
      { 'webhooks.0.matchConditions': [{ name: 'c', expression: '1 + 1' }] },
      [`${HOOK}.matchConditions[0].expression: Invalid value: "1 + 1": must evaluate to bool but got int`],
    ],
  ])

  describe('made under older rules', () => {
    const old = changed(configuration, {
      'webhooks.0.sideEffects': 'Unknown',
      'webhooks.0.admissionReviewVersions': ['v0'],
    })
    validationTable(old, (next) => validateWebhookConfigurationUpdate(next, old), [
      ['may keep what they are', { 'webhooks.0.timeoutSeconds': 5 }, []],
    ])
  })
})

const policy: ValidatingAdmissionPolicy = {
  ...META,
  kind: 'ValidatingAdmissionPolicy',
  spec: {
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression: 'true' }],
    auditAnnotations: [{ key: 'k', valueExpression: '"v"' }],
    variables: [{ name: 'foo', expression: '1' }],
  },
}
setAdmissionPolicyDefaults(policy)

describe('validating policies', () => {
  validationTable(policy, (next) => validateValidatingPolicy(next), [
    [
      'nothing to do',
      { 'spec.validations': [], 'spec.auditAnnotations': [] },
      ['validations', 'auditAnnotations'].map(
        (field) => `spec.${field}: Required value: validations or auditAnnotations must contain at least one item`,
      ),
    ],
    [
      'nothing to match',
      { 'spec.matchConstraints': {}, 'spec.failurePolicy': 'X' },
      [
        'spec.failurePolicy: Unsupported value: "X": supported values: "Fail", "Ignore"',
        'spec.matchConstraints.matchPolicy: Required value',
        'spec.matchConstraints.namespaceSelector: Required value',
        'spec.matchConstraints.objectSelector: Required value',
        'spec.matchConstraints.resourceRules: Required value',
      ],
    ],
    [
      'parameters of no kind',
      { 'spec.paramKind': { apiVersion: 'a/b/c', kind: '' } },
      [
        'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        'spec.paramKind.kind: Required value',
      ],
    ],
    [
      'texts that are none',
      {
        'spec.validations.0': { expression: '', message: 'a\nb', messageExpression: ' ', reason: 'X' },
        'spec.variables.0': { name: 'if', expression: '' },
        'spec.auditAnnotations.1': { key: 'k', valueExpression: '' },
      },
      [
        'spec.variables[0].name: Invalid value: "if": must be a valid CEL identifier',
        'spec.variables[0].expression: Required value: expression is not specified',
        'spec.validations[0].expression: Required value: expression is not specified',
        'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
        'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
        'spec.validations[0].reason: Unsupported value: "X": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
        'spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified',
        'spec.auditAnnotations[1].key: Duplicate value: "k"',
      ],
    ],
    [
      'a resource name twice',
      { 'spec.matchConstraints.resourceRules.0.resourceNames': ['a', 'a', 'b/c'] },
      [
        'spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
        `spec.matchConstraints.resourceRules[0].resourceNames[2]: Invalid value: "b/c": may not contain '/'`,
      ],
    ],
  ])
  describe('status', () => {
    validationTable(policy, validateValidatingPolicyStatus, [
      [
        'a warning of nothing',
        { 'status.typeChecking.expressionWarnings': [{}] },
        ['warning', 'fieldRef'].map((field) => `status.typeChecking.expressionWarnings[0].${field}: Required value`),
      ],
    ])
  })
})

const mutating: MutatingAdmissionPolicy = {
  ...META,
  kind: 'MutatingAdmissionPolicy',
  spec: {
    matchConstraints: { resourceRules: [rule] },
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
    reinvocationPolicy: 'Never',
  },
}
setAdmissionPolicyDefaults(mutating)

describe('mutating policies', () => {
  validationTable(mutating, (next) => validateMutatingPolicy(next), [
    [
      'no mutation',
      { 'spec.mutations': [] },
      ['spec.mutations: Required value: mutations must contain at least one item'],
    ],
    ['no word on reinvocation', { 'spec.reinvocationPolicy': undefined }, ['spec.reinvocationPolicy: Required value']],
    [
      'on deletion',
      { 'spec.matchConstraints.resourceRules.0.operations': ['DELETE'] },
      [
        'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
    [
      'a patch of the other type',
      { 'spec.mutations.0.patchType': 'ApplyConfiguration', 'spec.reinvocationPolicy': 'X' },
      [
        'spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration',
        'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
        'spec.reinvocationPolicy: Unsupported value: "X": supported values: "IfNeeded", "Never"',
      ],
    ],
  ])
})

const binding: ValidatingAdmissionPolicyBinding = {
  ...META,
  kind: 'ValidatingAdmissionPolicyBinding',
  spec: { policyName: 'p', validationActions: ['Deny'], matchResources: { resourceRules: [rule] } },
}
setAdmissionBindingDefaults(binding)

describe('policy bindings', () => {
  validationTable(binding, validateValidatingBinding, [
    [
      'no policy and no action',
      { 'spec.policyName': '', 'spec.validationActions': [] },
      [
        'spec.policyName: Required value',
        'spec.validationActions: Required value: at least one validation action is required',
      ],
    ],
    [
      'actions that exclude one another',
      { 'spec.validationActions': ['Deny', 'Warn', 'Warn', 'X'] },
      [
        'spec.validationActions[2]: Duplicate value: "Warn"',
        'spec.validationActions[3]: Unsupported value: "X": supported values: "Audit", "Deny", "Warn"',
        'spec.validationActions: Invalid value: ["Deny","Warn","Warn","X"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [
      'parameters by name and selector',
      { 'spec.paramRef': { name: 'a', selector: {} } },
      [
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.parameterNotFoundAction: Required value',
      ],
    ],
  ])
})

const mutatingBinding: MutatingAdmissionPolicyBinding = {
  ...META,
  kind: 'MutatingAdmissionPolicyBinding',
  spec: { policyName: 'p', matchResources: { resourceRules: [rule] } },
}
setAdmissionBindingDefaults(mutatingBinding)

describe('bindings of mutating policies', () => {
  validationTable(mutatingBinding, validateMutatingBinding, [
    [
      'on deletion',
      { 'spec.matchResources.resourceRules.0.operations': ['CREATE', 'DELETE'] },
      [
        'spec.matchResources.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
  ])
})
