/** Updates of pods through each of their views. */
import { describe, expect, it } from 'vitest'
import type { Pod, PodSpec, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { setPodDefaults } from './defaults.ts'
import { validatePodResize } from './resize-validation.ts'
import { DEFAULT_POD_RULES } from './rules.ts'
import { validatePodStatusUpdate } from './status-validation.ts'
import { validateEphemeralContainersUpdate, validatePodUpdate } from './update-validation.ts'
import { podTemplateWarnings, podWarnings } from './warnings.ts'

const RESOURCES = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } }

function makePod(spec: Partial<PodSpec> = {}, annotations?: Record<string, string>, status?: PodStatus): Pod {
  const containers = [{ name: 'c', image: 'a:1', resources: deepCopy<typeof RESOURCES>(RESOURCES) }]
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns' },
    spec: { containers, ...spec },
  }
  if (annotations !== undefined) pod.metadata.annotations = annotations
  if (status !== undefined) pod.status = status
  setPodDefaults(pod)
  return pod
}

/** Each error's first line: the difference that may follow is for people. */
const texts = (errors: readonly FieldError[]): string[] =>
  errors.map((error) => fieldErrorString(error).split('\n')[0] ?? '')

const REFUSED =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'
const GATED = [{ name: 'gate' }]
const nodeAffinity = (...keys: string[]): NonNullable<PodSpec['affinity']> => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: keys.map((key) => ({ key, operator: 'Exists' })) }],
    },
  },
})
const TERMS = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]'

describe('updates of the main resource', () => {
  it.each<[string, Partial<PodSpec>, Partial<PodSpec>, string[]]>([
    ['nothing', {}, {}, []],
    ['an image', {}, { containers: [{ name: 'c', image: 'b:2', resources: RESOURCES }] }, []],
    [
      'a padded image',
      {},
      { containers: [{ name: 'c', image: ' b', resources: RESOURCES, imagePullPolicy: 'IfNotPresent' }] },
      [
        'spec.containers[0].image: Invalid value: " b": must not have leading or trailing whitespace',
        'spec.containers[0].image: Invalid value: " b": must not have leading or trailing whitespace',
      ],
    ],
    [
      'the number of containers',
      {},
      { initContainers: [{ name: 'i', image: 'a:1' }] },
      ['spec.initContainers: Forbidden: pod updates may not add or remove containers'],
    ],
    ['a command', {}, { hostname: 'h' }, [REFUSED]],
    ['a first deadline', {}, { activeDeadlineSeconds: 5 }, []],
    ['a shorter deadline', { activeDeadlineSeconds: 5 }, { activeDeadlineSeconds: 4 }, []],
    [
      'a longer deadline',
      { activeDeadlineSeconds: 5 },
      { activeDeadlineSeconds: 6 },
      ['spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value'],
    ],
    [
      'no deadline any more',
      { activeDeadlineSeconds: 5 },
      {},
      ['spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
    ],
    [
      'one more toleration',
      { tolerations: [{ key: 'a' }] },
      { tolerations: [{ key: 'a', effect: '' }, { key: 'b' }] },
      ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    ],
    [
      'toleration seconds',
      { tolerations: [{ key: 'a', effect: 'NoExecute' }] },
      { tolerations: [{ key: 'a', effect: 'NoExecute', tolerationSeconds: 1 }] },
      [],
    ],
    ['a negative grace period', { terminationGracePeriodSeconds: -1 }, { terminationGracePeriodSeconds: 1 }, []],
    ['a grace period', { terminationGracePeriodSeconds: 30 }, { terminationGracePeriodSeconds: 1 }, [REFUSED]],
    [
      'a new gate',
      {},
      { schedulingGates: GATED },
      ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'gate'"],
    ],
    ['a gate taken away', { schedulingGates: GATED }, {}, []],
    ['a node selector', {}, { nodeSelector: { a: 'b' } }, [REFUSED]],
    [
      'a node selector of a gated pod',
      { schedulingGates: GATED },
      { schedulingGates: GATED, nodeSelector: { a: 'b' } },
      [],
    ],
    [
      'a changed node selector of a gated pod',
      { schedulingGates: GATED, nodeSelector: { a: 'b' } },
      { schedulingGates: GATED, nodeSelector: { a: 'c' } },
      [
        'spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      ],
    ],
    [
      'a first affinity of a gated pod',
      { schedulingGates: GATED },
      { schedulingGates: GATED, affinity: nodeAffinity('a') },
      [],
    ],
    [
      'a narrower affinity of a gated pod',
      { schedulingGates: GATED, affinity: nodeAffinity('a') },
      { schedulingGates: GATED, affinity: nodeAffinity('a', 'b') },
      [],
    ],
    [
      'another affinity of a gated pod',
      { schedulingGates: GATED, affinity: nodeAffinity('a') },
      { schedulingGates: GATED, affinity: nodeAffinity('b') },
      [
        `${TERMS}: Invalid value: {"MatchExpressions":[{"Key":"b","Operator":"Exists","Values":null}],"MatchFields":null}: only additions are allowed (no mutations or deletions)`,
      ],
    ],
  ])('%s', (_name, before, after, expected) => {
    expect(texts(validatePodUpdate(makePod(after), makePod(before)))).toEqual(expected)
  })

  it('names what changed', () => {
    const [error] = validatePodUpdate(makePod({ hostname: 'new' }), makePod({ hostname: 'old' }))
    expect(error?.detail).toContain('- \tHostname: "old",'.replace('\t', '  '))
  })

  it('keeps mirror and AppArmor annotations', () => {
    const apparmor = 'container.apparmor.security.beta.kubernetes.io/c'
    const old = makePod({ nodeName: 'n' }, { 'kubernetes.io/config.mirror': 'x' })
    expect(texts(validatePodUpdate(makePod({ nodeName: 'n' }, { [apparmor]: 'unconfined' }), old))).toEqual([
      'metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not remove or update mirror pod annotation',
      `metadata.annotations[${apparmor}]: Forbidden: may not add AppArmor annotations`,
    ])
  })
})

describe('updates of ephemeral containers', () => {
  const ephemeral = (image: string, more = {}) => ({ ephemeralContainers: [{ name: 'e', image, ...more }] })
  it.each<[string, Partial<PodSpec>, Partial<PodSpec>, string[]]>([
    ['a first one', {}, ephemeral('a:1'), []],
    [
      'one changed',
      ephemeral('a:1'),
      ephemeral('b:1'),
      ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be changed'],
    ],
    [
      'one removed',
      ephemeral('a:1'),
      {},
      ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed'],
    ],
    [
      'what it cannot have',
      {},
      ephemeral('a:1', {
        targetContainerName: 'x',
        ports: [{ containerPort: 1 }],
        livenessProbe: { exec: { command: ['a'] } },
      }),
      [
        'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
        'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
        'spec.ephemeralContainers[0].livenessProbe: Forbidden: cannot be set for an Ephemeral Container',
      ],
    ],
    [
      'a taken name',
      {},
      { ephemeralContainers: [{ name: 'c', image: 'a:1' }] },
      ['spec.ephemeralContainers[0].name: Duplicate value: "c"'],
    ],
  ])('%s', (_name, before, after, expected) => {
    expect(texts(validateEphemeralContainersUpdate(makePod(after), makePod(before)))).toEqual(expected)
  })
})

describe('resizes', () => {
  const sized = (requests: Record<string, string>, limits: Record<string, string>): Partial<PodSpec> => ({
    containers: [{ name: 'c', image: 'a:1', resources: { requests, limits } }],
  })
  it.each<[string, Partial<PodSpec>, string[]]>([
    ['more cpu', sized({ cpu: '2', memory: '1Gi' }, { cpu: '4', memory: '2Gi' }), []],
    ['less memory', sized({ cpu: '1', memory: '1Gi' }, { cpu: '2', memory: '1Gi' }), []],
    [
      'another class',
      sized({ cpu: '2', memory: '2Gi' }, { cpu: '2', memory: '2Gi' }),
      ['spec: Invalid value: "": Pod QOS Class may not change as a result of resizing'],
    ],
    [
      'other resources',
      sized({ cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' }, RESOURCES.limits),
      ['spec: Forbidden: only cpu and memory resources are mutable'],
    ],
    ['more than resources', { hostname: 'h' }, ['spec: Forbidden: only cpu and memory resources are mutable']],
  ])('%s', (_name, after, expected) => {
    expect(texts(validatePodResize(makePod(after), makePod()))).toEqual(expected)
  })

  it('does not take resources away', () => {
    const pod = makePod(sized({ cpu: '1' }, { cpu: '2' }))
    expect(texts(validatePodResize(pod, makePod()))).toEqual([
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
      'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
    ])
  })

  const cpu = (...amounts: string[]): Partial<PodSpec> => ({
    containers: amounts.map((amount, i) => ({
      name: `c${i}`,
      image: 'a:1',
      resources: { requests: { cpu: amount } },
    })),
  })
  const initialized = (amount: string, changes: object = {}): Partial<PodSpec> => ({
    initContainers: [{ name: 'i', image: 'a:1', resources: { requests: { cpu: amount } }, ...changes }],
  })
  const podLevel = (requests: Record<string, string>): Partial<PodSpec> => ({ resources: { requests } })
  const RESTARTING = { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }
  it.each<[string, Partial<PodSpec>, Partial<PodSpec>, string[]]>([
    ['an init container', initialized('1'), initialized('2'), []],
    [
      'more of an init container',
      initialized('1'),
      initialized('2', { image: 'b' }),
      ['spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable'],
    ],
    [
      'an init container that restarts',
      initialized('1', RESTARTING),
      initialized('2', RESTARTING),
      [
        'spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of RestartContainer cannot be resized',
      ],
    ],
    [
      'another container',
      cpu('1'),
      cpu('1', '2'),
      ['spec.containers: Forbidden: containers may not be added or removed on resize'],
    ],
    [
      'another name',
      cpu('1'),
      { containers: [{ name: 'd', image: 'a:1', resources: { requests: { cpu: '1' } } }] },
      ['spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize'],
    ],
    ['the pod itself', podLevel({ cpu: '2', memory: '2Gi' }), podLevel({ cpu: '3', memory: '2Gi' }), []],
    [
      'the pod itself, to nothing',
      podLevel({ cpu: '2', memory: '2Gi' }),
      {},
      [
        'spec.resources: Forbidden: pod-level resources cannot be removed',
        'spec.resources.requests: Forbidden: pod-level resource requests cannot be removed',
      ],
    ],
  ])('of %s', (_name, before, after, expected) => {
    const rules = { ...DEFAULT_POD_RULES, allowsRestartingInitResize: true }
    expect(texts(validatePodResize(makePod(after), makePod(before), rules))).toEqual(expected)
  })

  it('needs a kubelet that can', () => {
    const running = { name: 'c', state: { running: {} }, ready: true, restartCount: 0, image: 'a', imageID: 'b' }
    const old = makePod({}, undefined, { containerStatuses: [running] })
    expect(texts(validatePodResize(makePod(), old))).toEqual([
      'spec: Forbidden: Pod running on node without support for resize',
    ])
    const able = makePod({}, undefined, { containerStatuses: [{ ...running, resources: {} }] })
    expect(validatePodResize(makePod(), able)).toEqual([])
  })

  it('is not for static pods', () => {
    const pod = makePod({ nodeName: 'n' }, { 'kubernetes.io/config.mirror': 'x' })
    expect(validatePodResize(pod, pod)[0]?.detail).toBe('static pods cannot be resized')
  })
})

describe('status updates', () => {
  const ended = {
    name: 'c',
    ready: false,
    restartCount: 0,
    image: '',
    imageID: '',
    state: { terminated: { exitCode: 0 } },
  }
  it.each<[string, PodStatus, PodStatus, string[]]>([
    [
      'a node',
      {},
      { nominatedNodeName: 'A_' },
      [expect.stringContaining('status.nominatedNodeName: Invalid value: "A_"')],
    ],
    [
      'a class',
      { qosClass: 'Burstable' },
      { qosClass: 'Guaranteed' },
      ['status.qosClass: Invalid value: "Guaranteed": field is immutable'],
    ],
    [
      'a condition',
      {},
      { conditions: [{ type: 'a b', status: 'True' }] },
      [expect.stringContaining('status.conditions[0].Type: Invalid value: "a b"')],
    ],
    [
      'a container back to life',
      { containerStatuses: [ended] },
      { containerStatuses: [{ ...ended, state: { running: {} } }] },
      ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'],
    ],
    [
      'addresses of one family',
      {},
      { podIP: '1.1.1.1', podIPs: [{ ip: '1.1.1.1' }, { ip: '1.1.1.1' }] },
      [
        'status.podIPs: Invalid value: [{"IP":"1.1.1.1"},{"IP":"1.1.1.1"}]: may specify no more than one IP for each IP family',
      ],
    ],
    [
      'another host address',
      {},
      { hostIP: '1.1.1.1', hostIPs: [{ ip: '1.1.1.2' }] },
      ['status.hostIPs[0].ip: Invalid value: "1.1.1.2": must be equal to `hostIP`'],
    ],
    [
      'a claim nobody made',
      {},
      { resourceClaimStatuses: [{ name: 'x' }] },
      [
        'status.resourceClaimStatuses[0].name: Invalid value: "x": must match the name of an entry in `spec.resourceClaims`',
      ],
    ],
  ])('%s', (_name, before, after, expected) => {
    const spec = { restartPolicy: 'Never' }
    expect(texts(validatePodStatusUpdate(makePod(spec, undefined, after), makePod(spec, undefined, before)))).toEqual(
      expected,
    )
  })
})

describe('warnings', () => {
  it.each<[string, Partial<PodSpec>, string[]]>([
    ['nothing', {}, []],
    [
      'an old node label',
      { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } },
      ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
    ],
    [
      'an old volume',
      { volumes: [{ name: 'v', cephfs: { monitors: ['a'] } }] },
      ['spec.volumes[0].cephfs: deprecated in v1.28, non-functional in v1.31+'],
    ],
    [
      'a hidden variable',
      {
        containers: [
          {
            name: 'c',
            image: 'a',
            env: [
              { name: 'A', value: '1' },
              { name: 'A', value: '2' },
            ],
          },
        ],
      },
      ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
    ],
    [
      'half a byte',
      { containers: [{ name: 'c', image: 'a', resources: { limits: { memory: '500m' } } }] },
      [
        'spec.containers[0].resources.limits[memory]: fractional byte value "500m" is invalid, must be an integer',
        'spec.containers[0].resources.requests[memory]: fractional byte value "500m" is invalid, must be an integer',
      ],
    ],
    [
      'ports in common',
      {
        containers: [
          { name: 'c', image: 'a', ports: [{ containerPort: 1 }] },
          { name: 'd', image: 'a', ports: [{ containerPort: 1 }] },
        ],
      },
      ['spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]'],
    ],
    [
      'spread over nothing',
      { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }] },
      ['spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod'],
    ],
    [
      'overlapping files',
      {
        volumes: [
          {
            name: 'v',
            configMap: {
              name: 'm',
              items: [
                { key: 'a', path: 'x' },
                { key: 'b', path: 'x/y' },
              ],
            },
          },
        ],
      },
      ['volume "v" (ConfigMap "m"): overlapping paths: "x/y" with "x"'],
    ],
    [
      'files of several sources that overlap',
      {
        volumes: [
          {
            name: 'v',
            projected: {
              sources: [
                { configMap: { name: 'm', items: [{ key: 'a', path: 'x/' }] } },
                { serviceAccountToken: { path: 'x/y' } },
                { secret: { name: 's', items: [{ key: 'a', path: 'x/y' }] } },
              ],
            },
          },
        ],
      },
      [
        'volume "v" (Projected): overlapping paths: "x/y" (ServiceAccountToken) with "x" (ConfigMap "m")',
        'volume "v" (Projected): overlapping paths: "x/y" (Secret "s") with "x" (ConfigMap "m")',
        'volume "v" (Projected): overlapping paths: "x/y" (Secret "s") with "x/y" (ServiceAccountToken)',
      ],
    ],
    [
      'a port name that two containers have',
      {
        containers: [
          { name: 'c', image: 'a', ports: [{ name: 'web', containerPort: 80 }] },
          { name: 'd', image: 'a', ports: [{ name: 'web', containerPort: 81 }] },
        ],
      },
      [
        'spec.containers[1].ports[0]: duplicate port name "web" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]',
      ],
    ],
    [
      'addresses in another form',
      { dnsConfig: { nameservers: ['FD00::1'] }, hostAliases: [{ ip: '10.0.0.1' }, { ip: 'FD00::2' }] },
      [
        'spec.dnsConfig.nameservers[0]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
        'spec.hostAliases[1].ip: IPv6 address "FD00::2" should be in RFC 5952 canonical format ("fd00::2")',
      ],
    ],
    [
      'a preference no label can have',
      {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, preference: { matchExpressions: [{ key: 'k', operator: 'In', values: ['a', '-b'] }] } },
            ],
          },
        },
      },
      [
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].values[1]: -b is invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      ],
    ],
    [
      'a negative grace period',
      { terminationGracePeriodSeconds: -1 },
      ['spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1'],
    ],
  ])('of %s', (_name, spec, expected) => {
    expect(podWarnings(makePod(spec))).toEqual(expected)
  })

  it('names the template', () => {
    const template = { spec: { containers: [{ name: 'c', image: 'a' }], imagePullSecrets: [{}] } }
    expect(podTemplateWarnings('spec.template', template)).toEqual([
      'spec.template.spec.imagePullSecrets[0].name: invalid empty name ""',
    ])
  })
})
