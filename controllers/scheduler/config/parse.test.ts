/** KubeSchedulerConfiguration: what is understood, and every mistake in one error. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_CONFIGURATION } from './configuration.ts'
import { parseSchedulerConfiguration } from './parse.ts'

const HEAD = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
const parse = (text: string) => parseSchedulerConfiguration(HEAD + text)

function mistakes(text: string): string[] {
  try {
    parse(text)
    return []
  } catch (err: unknown) {
    return (err as Error).message.split('\n')
  }
}

describe('parseSchedulerConfiguration', () => {
  it('is the default when nothing is said', () => {
    expect(parse('leaderElection: { leaderElect: false }\nparallelism: 16\n')).toEqual(DEFAULT_CONFIGURATION)
  })

  it('reads profiles, plugins, args and extenders', () => {
    const { profiles, extenders, podMaxBackoffMs, percentageOfNodesToScore } = parse(`
podMaxBackoffSeconds: 20
percentageOfNodesToScore: 30
profiles:
- schedulerName: a
  percentageOfNodesToScore: 70
  plugins:
    multiPoint: { disabled: [{ name: ImageLocality }] }
    score: { enabled: [{ name: NodeResourcesFit, weight: 5 }] }
  pluginConfig:
  - name: NodeResourcesFit
    args: { apiVersion: kubescheduler.config.k8s.io/v1, kind: NodeResourcesFitArgs, ignoredResourceGroups: [example.com] }
- { schedulerName: default-scheduler }
extenders:
- { urlPrefix: "http://x/y", filterVerb: f, httpTimeout: 2s, managedResources: [{ name: example.com/a }] }
- { urlPrefix: "https://x/y", preemptVerb: p, enableHTTPS: true, tlsConfig: { serverName: z, caFile: /ca } }
`)
    expect({ podMaxBackoffMs, percentageOfNodesToScore }).toEqual({
      podMaxBackoffMs: 20_000,
      percentageOfNodesToScore: 30,
    })
    expect(profiles.map(({ schedulerName }) => schedulerName)).toEqual(['a', 'default-scheduler'])
    expect(profiles[0]).toMatchObject({
      percentageOfNodesToScore: 70,
      multiPoint: { enabled: [], disabled: ['ImageLocality'] },
      points: { score: { enabled: [{ name: 'NodeResourcesFit', weight: 5 }], disabled: [] } },
      args: new Map([['NodeResourcesFit', { ignoredResourceGroups: ['example.com'] }]]),
    })
    expect(extenders).toMatchObject([
      { urlPrefix: 'http://x/y', filterVerb: 'f', timeoutMs: 2_000, weight: 1, ignorable: false },
      { preemptVerb: 'p', enableHttps: true, tls: { serverName: 'z', caFile: '/ca' } },
    ])
  })

  it.each([
    ['', 'must be one KubeSchedulerConfiguration document'],
    ['kind: Pod\napiVersion: v1', 'must be a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1, not v1 Pod'],
  ])('refuses another document: %j', (text, message) => {
    expect(() => parseSchedulerConfiguration(text)).toThrow(message)
  })

  it('has one profile when the list is empty, and names one that is alone', () => {
    expect(parse('profiles: []')).toEqual(DEFAULT_CONFIGURATION)
    expect(parse('profiles: [{}]')).toEqual(DEFAULT_CONFIGURATION)
  })

  it.each<[string, string[]]>([
    ['typo: 1', ['unknown field "typo"']],
    ['percentageOfNodesToScore: 101', ['percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]']],
    ['parallelism: 0', ['parallelism: Invalid value: 0: should be an integer value greater than zero']],
    ['clientConnection: { burst: -1 }', ['clientConnection.burst: Invalid value: -1: must be non-negative']],
    [
      'leaderElection: { leaseDuration: 0s, resourceLock: endpoints }',
      [
        'leaderElection.leaseDuration: Invalid value: "0s": must be greater than zero',
        'leaderElection.leaseDuration: Invalid value: "10s": LeaseDuration must be greater than RenewDeadline',
        'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"',
      ],
    ],
    ['leaderElection: { leaderElect: false, leaseDuration: 0s }', []],
    [
      'podInitialBackoffSeconds: 0\npodMaxBackoffSeconds: -1',
      [
        'podInitialBackoffSeconds: Invalid value: 0: must be greater than 0',
        'podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to PodInitialBackoffSeconds',
      ],
    ],
    [
      'profiles: [{}, { schedulerName: a }, { schedulerName: a, percentageOfNodesToScore: -1 }]',
      [
        'profiles[0].schedulerName: Required value',
        'profiles[2].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]',
        'profiles[2].schedulerName: Duplicate value: "profiles[1].schedulerName"',
      ],
    ],
    ['profiles: [{ plugins: { scores: {} } }]', ['unknown field "profiles[0].plugins.scores"']],
    [
      'profiles: [{ plugins: { score: { enabled: [{ name: Nope }, { name: EBSLimits }] } } }]',
      [
        'profiles[0].plugins.score.enabled[0].name: Invalid value: "Nope": no such plugin',
        'profiles[0].plugins.score.enabled[1]: Invalid value: "EBSLimits": was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
      ],
    ],
    [
      'profiles: [{ schedulerName: a, plugins: { queueSort: { enabled: [{ name: PrioritySort }, { name: PrioritySort }] } } }, { schedulerName: b }]',
      [
        'profiles[0].plugins.queueSort.Enabled: Invalid value: 2: only one queue sort plugin can be enabled',
        'profiles[1].plugins.queueSort: Invalid value: {}: must be the same for all profiles',
      ],
    ],
    [
      'profiles: [{ pluginConfig: [{ name: NodePorts, args: { a: 1 } }, { name: Nope }, { name: NodePorts }] }]',
      [
        'unknown field "profiles[0].pluginConfig[0].args.a"',
        'profiles[0].pluginConfig[1].name: Invalid value: "Nope": no such plugin',
        'profiles[0].pluginConfig[2]: Duplicate value: "NodePorts"',
      ],
    ],
    [
      'profiles: [{ pluginConfig: [{ name: NodeAffinity, args: { kind: InterPodAffinityArgs } }] }]',
      [
        'decoding .profiles[0].pluginConfig[0]: args for plugin NodeAffinity were not of type NodeAffinityArgs.kubescheduler.config.k8s.io, got InterPodAffinityArgs.kubescheduler.config.k8s.io',
      ],
    ],
    [
      'extenders: [{ urlPrefix: "", bindVerb: b }, { urlPrefix: "http://a", bindVerb: b, prioritizeVerb: p, httpTimeout: x }]',
      [
        'extenders[0].urlPrefix: Invalid value: "": must be a URL',
        'extenders[1].weight: Invalid value: 0: must have a positive weight applied to it',
        expect.stringMatching(/^extenders\[1\]\.httpTimeout: Invalid value: "x": /) as unknown as string,
        'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
      ],
    ],
    [
      'extenders: [{ urlPrefix: "http://a", managedResources: [{ name: foo.com/bar }, { name: kubernetes.io/a }] }, { urlPrefix: "http://b", managedResources: [{ name: foo.com/bar }] }]',
      [
        'extenders[0].managedResources[1].name: Invalid value: "kubernetes.io/a": is an invalid extended resource name',
        'extenders[1].managedResources[0].name: Invalid value: "foo.com/bar": duplicate extender managed resource name',
      ],
    ],
  ])('names every mistake: %s', (text, expected) => {
    expect(mistakes(text)).toEqual(expected)
  })
})

describe('arguments of plugins', () => {
  const QUALIFIED =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

  it.each<[string, string, string[]]>([
    ['DefaultPreemption', '{ minCandidateNodesPercentage: 0 }', []],
    [
      'DefaultPreemption',
      '{ minCandidateNodesPercentage: 101, minCandidateNodesAbsolute: -1 }',
      [
        'minCandidateNodesPercentage: Invalid value: 101: not in valid range [0, 100]',
        'minCandidateNodesAbsolute: Invalid value: -1: not in valid range [0, inf)',
      ],
    ],
    [
      'DefaultPreemption',
      '{ minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }',
      [
        'minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute',
        'minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage',
      ],
    ],
    [
      'InterPodAffinity',
      '{ hardPodAffinityWeight: 101 }',
      ['hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]'],
    ],
    ['PodTopologySpread', '{ defaultingType: List }', []],
    [
      'PodTopologySpread',
      '{ defaultConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule }] }',
      ['defaultingType: Invalid value: "System": when .defaultConstraints are not empty'],
    ],
    [
      'PodTopologySpread',
      '{ defaultingType: X }',
      ['defaultingType: Unsupported value: "X": supported values: "System", "List"'],
    ],
    [
      'PodTopologySpread',
      '{ defaultingType: List, defaultConstraints: [{ maxSkew: -1, topologyKey: "a b", whenUnsatisfiable: X, labelSelector: {} }, {}] }',
      [
        'defaultConstraints[0].maxSkew: Invalid value: -1: not in valid range (0, inf)',
        `defaultConstraints[0].topologyKey: Invalid value: "a b": ${QUALIFIED}`,
        'defaultConstraints[0].whenUnsatisfiable: Unsupported value: "X": supported values: "DoNotSchedule", "ScheduleAnyway"',
        'defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod',
        'defaultConstraints[1].maxSkew: Invalid value: 0: not in valid range (0, inf)',
        'defaultConstraints[1].topologyKey: Required value: can not be empty',
        'defaultConstraints[1].whenUnsatisfiable: Required value: can not be empty',
      ],
    ],
    [
      'PodTopologySpread',
      '{ defaultingType: List, defaultConstraints: [{ maxSkew: 1, topologyKey: node, whenUnsatisfiable: DoNotSchedule }, { maxSkew: 2, topologyKey: node, whenUnsatisfiable: DoNotSchedule }] }',
      ['defaultConstraints[1]: Duplicate value: "{node, DoNotSchedule}"'],
    ],
    [
      'NodeResourcesBalancedAllocation',
      '{ resources: [{ name: cpu }, { name: memory, weight: 2 }, { name: cpu, weight: 1 }] }',
      ['resources[1].weight: Invalid value: 2: must be 1', 'resources[2].name: Duplicate value: "cpu"'],
    ],
    [
      'NodeResourcesFit',
      '{ ignoredResources: ["a b"], ignoredResourceGroups: [a/b] }',
      [
        `ignoredResources[0]: Invalid value: "a b": ${QUALIFIED}`,
        "ignoredResourceGroups[0]: Invalid value: \"a/b\": resource group name can't contain '/'",
      ],
    ],
    [
      'NodeResourcesFit',
      '{ scoringStrategy: { resources: [{ name: cpu, weight: 101 }, { name: memory, weight: -1 }, { name: a.b/c }] } }',
      [
        'scoringStrategy.type: Unsupported value: "": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
        'scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]',
        'scoringStrategy.resources[1].weight: Invalid value: -1: resource weight of memory not in valid range (0, 100]',
      ],
    ],
    [
      'NodeResourcesFit',
      '{ scoringStrategy: { type: RequestedToCapacityRatio } }',
      ['scoringStrategy.shape: Required value: at least one point must be specified'],
    ],
    [
      'NodeResourcesFit',
      '{ scoringStrategy: { type: RequestedToCapacityRatio, requestedToCapacityRatio: { shape: [{ utilization: 50, score: 11 }, { utilization: 50 }, { utilization: 101 }] } } }',
      [
        'scoringStrategy.shape[1].utilization: Invalid value: 50: values must be sorted in increasing order',
        'scoringStrategy.shape[0].score: Invalid value: 11: not in valid range [0, 10]',
        'scoringStrategy.shape[2].utilization: Invalid value: 101: not in valid range [0, 100]',
      ],
    ],
    ['NodeAffinity', '{ addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } }', []],
    [
      'NodeAffinity',
      '{ addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: a, operator: X }, { key: a, operator: In }, { key: a, operator: Gt, values: [x] }] }, { matchFields: [{ key: metadata.name, operator: In, values: [a, b] }] }] } } }',
      [
        'addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: "X": supported values: "DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"',
        "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1].values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[2].values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
        'addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[1].matchFields[0].values: Invalid value: ["a","b"]: must have one element',
      ],
    ],
    [
      'NodeAffinity',
      '{ addedAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [{ key: a, operator: Exists, values: [x] }] } }, { weight: 0, preference: { matchExpressions: [{ operator: X }] } }] } }',
      [
        'addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].matchExpressions[0].values: Invalid value: ["x"]: values set must be empty for exists and does not exist',
      ],
    ],
    [
      'VolumeBinding',
      '{ bindTimeoutSeconds: -1, shape: [] }',
      [
        'bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value',
        'shape: Invalid value: []: unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
      ],
    ],
    [
      'DynamicResources',
      '{ filterTimeout: -1s, bindingTimeout: 500ms }',
      [
        'filterTimeout: Invalid value: "-1s": must be zero or positive',
        'bindingTimeout: Invalid value: "500ms": must be at least 1 second',
      ],
    ],
  ])('%s %s', (name, args, expected) => {
    const found = mistakes(`profiles: [{ pluginConfig: [{ name: ${name}, args: ${args} }] }]`)
    expect(found).toEqual(expected.map((line) => `profiles[0].pluginConfig[0].args.${line}`))
  })
})
