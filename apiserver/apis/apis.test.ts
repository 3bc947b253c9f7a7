import { describe, expect, it } from 'vitest'
import type { Deployment } from '#machinery/api/apps/v1/types.gen.ts'
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '#machinery/api/autoscaling/v1/types.gen.ts'
import type { CronJob, Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { ConfigMap, Secret, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { setDeploymentDefaults } from './apps/defaults.ts'
import { validateDeployment, validateDeploymentUpdate } from './apps/validation.ts'
import { autoscalerV1ToV2, autoscalerV2ToV1 } from './autoscaling/conversion.ts'
import { validateCronJob } from './batch/cron-job-validation.ts'
import { setCronJobDefaults, setJobDefaults } from './batch/defaults.ts'
import { validateJob } from './batch/validation.ts'
import { validateConfigMap, validateConfigMapUpdate, validateSecret } from './core/config-validation.ts'
import { setSecretDefaults } from './core/defaults.ts'
import { setServiceDefaults } from './core/service/defaults.ts'
import { validateService } from './core/service/validation.ts'
import { eventFromCore, eventToCore } from './events/conversion.ts'

const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorString)
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'a:1' }] } }

function makeDeployment(selector: Record<string, string>): Deployment {
  const deployment: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: selector }, template: structuredClone(template) },
  }
  setDeploymentDefaults(deployment)
  return deployment
}

describe('deployments', () => {
  it('are defaulted to a rolling update of a quarter', () => {
    expect(makeDeployment({ app: 'a' }).spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    })
  })

  it('must select their own pods', () => {
    expect(validateDeployment(makeDeployment({ app: 'a' }))).toEqual([])
    expect(texts(validateDeployment(makeDeployment({ app: 'b' })))).toEqual([
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ])
  })

  it('keep their selector', () => {
    const old = makeDeployment({ app: 'a' })
    const next = makeDeployment({ app: 'a' })
    next.spec.selector = { matchExpressions: [{ key: 'app', operator: 'Exists' }] }
    expect(texts(validateDeploymentUpdate(next, old))).toEqual([
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable',
    ])
  })
})

describe('services', () => {
  function makeService(spec: Service['spec']): Service {
    const service: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec }
    setServiceDefaults(service)
    return service
  }

  it('get target port, protocol and policies', () => {
    expect(makeService({ type: 'NodePort', ports: [{ port: 80 }] }).spec).toEqual({
      type: 'NodePort',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      sessionAffinity: 'None',
      externalTrafficPolicy: 'Cluster',
      internalTrafficPolicy: 'Cluster',
    })
  })

  it.each<[string, Service['spec'], string]>([
    ['no ports', {}, 'spec.ports: Required value'],
    ['two nameless ports', { ports: [{ port: 1 }, { port: 2 }] }, 'spec.ports[0].name: Required value'],
    [
      'port 0',
      { ports: [{ port: 0 }] },
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      'a node port on ClusterIP',
      { ports: [{ port: 1, nodePort: 30000 }] },
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    ['ExternalName without name', { type: 'ExternalName' }, 'spec.externalName: Required value'],
    [
      'an unknown type',
      { type: 'Magic', ports: [{ port: 1 }] },
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ])('refuse %s', (_name, spec, text) => {
    expect(texts(validateService(makeService(spec)))).toContain(text)
  })
})

describe('secrets and config maps', () => {
  it('merge stringData into data', () => {
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {},
      data: { a: 'QQ==' },
      stringData: { b: 'ü', a: 'x' },
    }
    setSecretDefaults(secret)
    expect(secret).toMatchObject({ type: 'Opaque', data: { a: 'eA==', b: 'w7w=' } })
    expect(secret.stringData).toBeUndefined()
  })

  it('require the keys of their type', () => {
    const secret: Secret = { apiVersion: 'v1', kind: 'Secret', metadata: {}, type: 'kubernetes.io/tls', data: {} }
    expect(texts(validateSecret(secret))).toEqual(['data[tls.crt]: Required value', 'data[tls.key]: Required value'])
  })

  it('keep immutable data', () => {
    const base: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, immutable: true, data: { a: '1' } }
    expect(texts(validateConfigMapUpdate({ ...base, data: { a: '2' } }, base))).toEqual([
      'data: Forbidden: field is immutable when `immutable` is set',
    ])
  })

  it('have a size limit and key rules', () => {
    const data = { 'bad key': 'x', big: 'y'.repeat(1024 * 1024) }
    const errors = texts(validateConfigMap({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data }))
    expect(errors).toHaveLength(2)
    expect(errors[0]).toMatch(/^data\[bad key\]: Invalid value: "bad key": a valid config key/)
    expect(errors[1]).toMatch(/Too long: may not be more than 1048576 bytes$/)
  })
})

describe('jobs', () => {
  function makeJob(spec: Partial<Job['spec']>): Job {
    const job: Job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j', uid: 'u' },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'a:1' }] } }, ...spec },
    }
    setJobDefaults(job)
    return job
  }

  it('run once by default', () => {
    const { template: _template, ...spec } = makeJob({}).spec
    expect(spec).toEqual({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    })
  })

  it.each<[string, Partial<Job['spec']>, string]>([
    [
      'negative parallelism',
      { parallelism: -1 },
      'spec.parallelism: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'pods that restart always',
      { template: { spec: { restartPolicy: 'Always', containers: [{ name: 'c', image: 'a:1' }] } } },
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      'Indexed without completions',
      { completionMode: 'Indexed', parallelism: 2 },
      'spec.completions: Required value: when completion mode is Indexed',
    ],
    ['a manual selector that is missing', { manualSelector: true }, 'spec.selector: Required value'],
    [
      'a selector operator nobody knows',
      { selector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } },
      'spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
    ],
  ])('refuse %s', (_name, spec, text) => {
    expect(texts(validateJob(makeJob(spec)))).toContain(text)
  })

  it('cron jobs report schedule and time zone together', () => {
    const cronJob: CronJob = {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'c' },
      spec: { schedule: 'never', timeZone: 'Mars/Olympus', jobTemplate: { spec: makeJob({}).spec } },
    }
    setCronJobDefaults(cronJob)
    expect(texts(validateCronJob(cronJob))).toEqual([
      'spec.schedule: Invalid value: "never": expected exactly 5 fields, found 1: [never]',
      'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus',
    ])
  })
})

describe('conversion', () => {
  const v1: AutoscalerV1 = {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h' },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
  }

  it('carries an autoscaler to v2 and back', () => {
    const v2 = autoscalerV1ToV2(v1)
    expect(v2.spec.metrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
    ])
    expect(autoscalerV2ToV1(v2)).toEqual(v1)
  })

  it('keeps what v1 has no field for in annotations', () => {
    const v2 = autoscalerV1ToV2(v1)
    v2.spec.metrics = [
      { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '1' } } },
    ]
    v2.spec.behavior = { scaleDown: { selectPolicy: 'Min' } }
    expect(autoscalerV1ToV2(autoscalerV2ToV1(v2))).toEqual(v2)
  })

  it('survives annotations somebody else wrote', () => {
    const annotations = { 'autoscaling.alpha.kubernetes.io/metrics': '{' }
    expect(autoscalerV1ToV2({ ...v1, metadata: { annotations } }).spec.metrics).toHaveLength(1)
  })

  it('renames the fields of events both ways', () => {
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: {},
      regarding: { kind: 'Pod' },
      note: 'hi',
    }
    expect(eventToCore(event)).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {},
      involvedObject: { kind: 'Pod' },
      message: 'hi',
    })
    expect(eventFromCore(eventToCore(event))).toEqual(event)
  })
})
