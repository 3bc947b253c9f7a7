import { describe } from 'vitest'
import type { FlowSchema, PriorityLevelConfiguration } from '#machinery/api/flowcontrol/v1/types.gen.ts'
import { validationTable } from '#test/support/validation-table.ts'
import { validatePriorityLevel } from './priority-level-validation.ts'
import { validateFlowSchema } from './validation.ts'

const META = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', metadata: { name: 'x' } }
const RULE = 'spec.rules[0]'
const VERBS =
  'supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"'

const schema: FlowSchema = {
  ...META,
  kind: 'FlowSchema',
  spec: {
    matchingPrecedence: 50,
    distinguisherMethod: { type: 'ByUser' },
    priorityLevelConfiguration: { name: 'low' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: 'noxu' } }],
        resourceRules: [{ verbs: ['get'], apiGroups: ['*'], resources: ['*'], namespaces: ['a'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/api/*', '/'] }],
      },
    ],
  },
}

describe('flow schemas', () => {
  validationTable(schema, validateFlowSchema, [
    [
      'precedence 0',
      { 'spec.matchingPrecedence': 0 },
      ['spec.matchingPrecedence: Invalid value: 0: must be a positive value'],
    ],
    [
      'precedence past the last',
      { 'spec.matchingPrecedence': 10001 },
      ['spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000'],
    ],
    [
      'the precedence of exempt',
      { 'spec.matchingPrecedence': 1 },
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      'an unknown distinguisher and no priority level',
      { 'spec.distinguisherMethod.type': 'X', 'spec.priorityLevelConfiguration.name': undefined },
      [
        'spec.distinguisherMethod.type: Unsupported value: {"Type":"X"}: supported values: "ByNamespace", "ByUser"',
        'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
      ],
    ],
    [
      'an empty rule',
      { 'spec.rules': [{}] },
      [
        `${RULE}.subjects: Required value: subjects must contain at least one value`,
        `${RULE}: Required value: at least one of resourceRules and nonResourceRules has to be non-empty`,
      ],
    ],
    [
      'a subject of two kinds',
      { 'spec.rules.0.subjects.0': { kind: 'Group', user: { name: 'a' } } },
      [
        `${RULE}.subjects[0].group: Required value: group is required when subject kind is 'Group'`,
        `${RULE}.subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'`,
      ],
    ],
    [
      'a service account without namespace',
      { 'spec.rules.0.subjects.0': { kind: 'ServiceAccount', serviceAccount: { name: '*' } } },
      [`${RULE}.subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account`],
    ],
    [
      'an unknown subject kind',
      { 'spec.rules.0.subjects.0': { kind: 'Robot' } },
      [`${RULE}.subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"`],
    ],
    [
      'verbs that are none',
      { 'spec.rules.0.resourceRules.0.verbs': ['feed'], 'spec.rules.0.nonResourceRules.0.verbs': ['*', 'get'] },
      [
        `${RULE}.resourceRules[0].verbs: Unsupported value: ["feed"]: ${VERBS}`,
        `${RULE}.nonResourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
      ],
    ],
    [
      'a resource rule without scope',
      { 'spec.rules.0.resourceRules.0.namespaces': [] },
      [
        `${RULE}.resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace`,
      ],
    ],
    [
      'paths that are none',
      { 'spec.rules.0.nonResourceRules.0.nonResourceURLs': ['a', '/a b', '/a//b', '/a*', ''] },
      [
        [0, '"a": must start with slash'],
        [1, '"/a b": must not contain white-space'],
        [2, '"/a//b": must not contain double slash'],
        [3, '"/a*": wildcard can only do suffix matching'],
        [4, '"": must not be empty'],
      ].map(([i, text]) => `${RULE}.nonResourceRules[0].nonResourceURLs[${i}]: Invalid value: ${text}`),
    ],
    [
      'a status that says a thing twice',
      { 'status.conditions': [{ type: 'A' }, { type: 'A' }, {}] },
      ['status.conditions[1].type: Duplicate value: "A"', 'status.conditions[2].type: Required value'],
    ],
  ])
})

const level: PriorityLevelConfiguration = {
  ...META,
  kind: 'PriorityLevelConfiguration',
  spec: {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: 10,
      limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
    },
  },
}
const QUEUING = 'spec.limited.limitResponse.queuing'

describe('priority levels', () => {
  validationTable(level, validatePriorityLevel, [
    [
      'an annotation of v1beta3',
      { 'metadata.annotations': { 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares': '' } },
      [
        "metadata.annotations: Forbidden: annotation 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares' is forbidden",
      ],
    ],
    [
      'an exempt one of another name',
      { spec: { type: 'Exempt' } },
      [`spec.type: Invalid value: "Exempt": must be 'Exempt' if and only if \`name\` is 'exempt'`],
    ],
    [
      'an unknown type',
      { spec: { type: 'Bogus' } },
      ['spec.type: Unsupported value: "Bogus": supported values: "Exempt", "Limited"'],
    ],
    [
      'a limited one without limits',
      { spec: { type: 'Limited' } },
      ['spec.limited: Required value: must not be empty when type is Limited'],
    ],
    [
      'numbers out of range',
      {
        'spec.limited.nominalConcurrencyShares': -1,
        'spec.limited.lendablePercent': 101,
        'spec.limited.borrowingLimitPercent': -1,
      },
      [
        'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
        'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
        'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
      ],
    ],
    [
      'queues when rejecting',
      { 'spec.limited.limitResponse.type': 'Reject' },
      [`${QUEUING}: Forbidden: must be nil if limited.limitResponse.type is not Limited`],
    ],
    [
      'queues that are none',
      { [QUEUING]: { queues: 0, handSize: 0, queueLengthLimit: 0 } },
      [
        `${QUEUING}.queueLengthLimit: Invalid value: 0: must be positive`,
        `${QUEUING}.queues: Invalid value: 0: must be positive`,
        `${QUEUING}.handSize: Invalid value: 0: must be positive`,
      ],
    ],
    [
      'a hand larger than the deck',
      { [`${QUEUING}.queues`]: 4 },
      [`${QUEUING}.handSize: Invalid value: 8: should not be greater than queues (4)`],
    ],
    [
      'a hand the hash cannot deal',
      { [`${QUEUING}.queues`]: 512 },
      [
        `${QUEUING}.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60`,
      ],
    ],
    [
      'another spec for a mandatory one',
      { 'metadata.name': 'catch-all', spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
      [
        `spec: Invalid value: {"type":"Limited","limited":{"limitResponse":{"type":"Reject"}}}: spec of 'catch-all' must equal the fixed value`,
      ],
    ],
    [
      'exempt with other shares',
      {
        'metadata.name': 'exempt',
        spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 5, lendablePercent: 1 } },
      },
      [],
    ],
  ])
})
