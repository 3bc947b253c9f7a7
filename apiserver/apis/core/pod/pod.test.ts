import { describe, expect, it } from 'vitest'
import type { Pod, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { setPodDefaults } from './defaults.ts'
import { imageTag } from './image.ts'
import { podQosClass } from './qos.ts'
import { validatePodUpdate } from './update-validation.ts'
import { validatePod } from './validation.ts'

function makePod(spec: Partial<PodSpec> = {}): Pod {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns' },
    spec: { containers: [{ name: 'c', image: 'busybox:1' }], ...spec },
  }
  setPodDefaults(pod)
  return pod
}

const texts = (pod: Pod): string[] => validatePod(pod).map(fieldErrorString)

describe('pod defaults', () => {
  it('fills what upstream fills', () => {
    const { spec } = makePod({ containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] }] })
    expect(spec).toEqual({
      containers: [
        {
          name: 'c',
          image: 'nginx',
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          imagePullPolicy: 'Always',
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          resources: {},
        },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
    })
  })

  it('turns limits into missing requests', () => {
    const resources = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }
    const pod = makePod({ containers: [{ name: 'c', image: 'a:1', resources }] })
    expect(pod.spec.containers[0]?.resources?.requests).toEqual({ cpu: '500m', memory: '1Gi' })
    expect(podQosClass(pod)).toBe('Burstable')
  })

  it('makes a volume without a source an emptyDir and defaults modes', () => {
    const { volumes } = makePod({ volumes: [{ name: 'a' }, { name: 'b', secret: { secretName: 's' } }] }).spec
    expect(volumes).toEqual([
      { name: 'a', emptyDir: {} },
      { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
    ])
  })

  it.each([
    ['nginx', 'latest'],
    ['nginx:1.25', '1.25'],
    ['localhost:5000/a/b', 'latest'],
    ['localhost:5000/a/b:v2', 'v2'],
    [`nginx@sha256:${'a'.repeat(64)}`, ''],
    ['Not An Image', ''],
  ])('image %s has tag %j', (image, tag) => {
    expect(imageTag(image)).toBe(tag)
  })
})

describe('pod validation', () => {
  it('accepts a plain pod', () => {
    expect(texts(makePod())).toEqual([])
  })

  it('reports every error at once', () => {
    const pod = makePod({
      containers: [
        { name: 'A', image: '', ports: [{ containerPort: 0 }], volumeMounts: [{ name: 'gone', mountPath: '/x' }] },
        { name: 'b', image: 'b:1', livenessProbe: { httpGet: { port: 70000 } } },
      ],
    })
    expect(texts(pod)).toEqual([
      expect.stringContaining(
        'spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of',
      ),
      'spec.containers[0].image: Required value',
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].volumeMounts[0].name: Not found: "gone"',
      'spec.containers[1].livenessProbe.httpGet.port: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ])
  })

  it.each<[string, Partial<PodSpec>, string]>([
    ['no containers', { containers: [] }, 'spec.containers: Required value'],
    [
      'a restart policy nobody knows',
      { restartPolicy: 'Sometimes' },
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      'requests above limits',
      { containers: [{ name: 'c', image: 'a:1', resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      'two volumes of one name',
      { volumes: [{ name: 'v' }, { name: 'v' }] },
      'spec.volumes[1].name: Duplicate value: "v"',
    ],
    [
      'probes on init containers',
      { initContainers: [{ name: 'i', image: 'a:1', readinessProbe: { exec: { command: ['true'] } } }] },
      'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
    [
      'a spread constraint whose written key is in the selector as well',
      {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'zone',
            whenUnsatisfiable: 'DoNotSchedule',
            matchLabelKeys: ['rev'],
            labelSelector: {
              matchLabels: { rev: '1' },
              matchExpressions: [{ key: 'rev', operator: 'In', values: ['2'] }],
            },
          },
        ],
      },
      'spec.topologySpreadConstraints[0][0]: Invalid value: "rev": exists in both matchLabelKeys and labelSelector',
    ],
    [
      'a spread constraint with keys and no selector',
      {
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', matchLabelKeys: ['rev'] },
        ],
      },
      'spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
    ],
    [
      'an affinity term without topology key',
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: '' }] } } },
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty',
    ],
  ])('refuses %s', (_name, spec, text) => {
    expect(texts(makePod(spec))).toContain(text)
  })
})

describe('pod updates', () => {
  it('may change an image', () => {
    const old = makePod()
    const next = deepCopy<Pod>(old)
    for (const container of next.spec.containers) container.image = 'busybox:2'
    expect(validatePodUpdate(next, old)).toEqual([])
  })

  it('may not change a command', () => {
    const old = makePod()
    const next = deepCopy<Pod>(old)
    for (const container of next.spec.containers) container.command = ['sh']
    const [error, ...others] = validatePodUpdate(next, old)
    expect(others).toEqual([])
    expect(error?.field).toBe('spec')
    expect(error?.detail).toMatch(/^pod updates may not change fields other than `spec.containers\[\*\].image`/)
  })
})
