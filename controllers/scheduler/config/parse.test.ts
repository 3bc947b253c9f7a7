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
- {}
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

  it.each([
    ['typo: 1', ['typo: unknown field']],
    ['percentageOfNodesToScore: 101', ['percentageOfNodesToScore: Invalid value: 101: must be in the range 0-100']],
    [
      'podInitialBackoffSeconds: 0\npodMaxBackoffSeconds: -1',
      [
        'podInitialBackoffSeconds: Invalid value: must be greater than 0',
        'podMaxBackoffSeconds: Invalid value: must be greater than or equal to PodInitialBackoffSeconds',
      ],
    ],
    ['profiles: []', ['profiles: Required value']],
    ['profiles: [{}, {}]', ['profiles[1].schedulerName: Duplicate value: "default-scheduler"']],
    ['profiles: [{ plugins: { scores: {} } }]', ['profiles[0].plugins.scores: unknown field']],
    [
      'profiles: [{ plugins: { score: { enabled: [{ name: Nope }] } } }]',
      ['profiles[0].plugins.score.enabled[0].name: Invalid value: "Nope": no such plugin'],
    ],
    [
      'profiles: [{ pluginConfig: [{ name: NodePorts, args: { a: 1 } }, { name: Nope }] }]',
      [
        'profiles[0].pluginConfig[0].args.a: unknown field',
        'profiles[0].pluginConfig[1].name: Invalid value: "Nope": no such plugin',
      ],
    ],
    [
      'profiles: [{ pluginConfig: [{ name: NodeResourcesFit, args: { scoringStrategy: { type: X, resources: [{ name: cpu, weight: 101 }] } } }] }]',
      [
        'profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "X": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
        'profiles[0].pluginConfig[0].args.scoringStrategy.resources[0].weight: Invalid value: 101: must be in the range 0-100',
      ],
    ],
    [
      'profiles: [{ pluginConfig: [{ name: NodeResourcesFit, args: { scoringStrategy: { type: RequestedToCapacityRatio } } }] }]',
      [
        'profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point must be specified',
      ],
    ],
    [
      'profiles: [{ pluginConfig: [{ name: NodeAffinity, args: { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } } }] }]',
      [
        'profiles[0].pluginConfig[0].args.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
      ],
    ],
    [
      'extenders: [{ urlPrefix: "", bindVerb: b }, { urlPrefix: "http://a", bindVerb: b, weight: 0, prioritizeVerb: p, httpTimeout: x }]',
      [
        'extenders[0].urlPrefix: Invalid value: must be a URL',
        'extenders[1].weight: Invalid value: 0: must be in the range 1-9007199254740991',
        expect.stringMatching(/^extenders\[1\]\.httpTimeout: Invalid value: /),
        'extenders: Invalid value: found 2 extenders implementing bind',
      ],
    ],
  ])('names every mistake: %s', (text, expected) => {
    expect(mistakes(text)).toEqual(expected)
  })
})
