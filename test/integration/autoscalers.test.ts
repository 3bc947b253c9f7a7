/** HorizontalPodAutoscalers against a whole control plane, with metrics from an aggregated server; time moves by hand. */
import type { Server } from 'node:https'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { horizontalPodAutoscalerController } from '#controllers/horizontal-pod-autoscaler/reconciler.ts'
import { readScale, writeScale } from '#controllers/horizontal-pod-autoscaler/scale-target.ts'
import { createRestMapper } from '#machinery/client/rest-mapper.ts'
import { API_SERVICES } from '#machinery/api/apiregistration/v1/resources.gen.ts'
import { DEPLOYMENTS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment } from '#machinery/api/apps/v1/types.gen.ts'
import { HORIZONTAL_POD_AUTOSCALERS } from '#machinery/api/autoscaling/v2/resources.gen.ts'
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  MetricSpec,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import { EVENTS, PODS, SERVICE_ACCOUNTS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { makeCertificates } from '#test/contract/resource-server.ts'
import type { TestControlPlane } from '../support/control-plane.ts'
import { startTestControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'

const namespace = 'default'
const START = '2026-01-01T00:10:00Z'
const LONG_AGO = '2026-01-01T00:00:00Z'
const GROUPS = ['metrics.k8s.io/v1beta1', 'custom.metrics.k8s.io/v1beta2', 'external.metrics.k8s.io/v1beta1']
const certificates = makeCertificates()
let server: Server
let plane: TestControlPlane
let clock: FakeClock
/** Milli-CPU by Pod, and what other paths answer. */
let cpu: Map<string, number>
let values: Map<string, string>
const asked: string[] = []

function answerOf(url: string): object | undefined {
  const [path = ''] = url.split('?')
  const groupVersion = GROUPS.find((candidate) => path === `/apis/${candidate}`)
  if (groupVersion !== undefined) return { kind: 'APIResourceList', groupVersion, resources: [] }
  if (path === `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`)
    return {
      items: [...cpu].map(([name, usage]) => ({
        metadata: { name, namespace },
        timestamp: START,
        window: '30s',
        containers: [{ name: 'c', usage: { cpu: `${usage}m`, memory: '1Mi' } }],
      })),
    }
  if (path.endsWith('/pods/*/requests'))
    return {
      items: [...cpu].map(([name, value]) => ({ describedObject: { name }, timestamp: START, value: `${value}` })),
    }
  const value = values.get(path)
  return value === undefined ? undefined : { items: [{ value, timestamp: START }] }
}

beforeAll(async () => {
  const { certificate: cert, key } = certificates.server
  server = createServer({ cert, key }, ({ url = '' }, response) => {
    const answer = answerOf(url)
    if (url.includes('/namespaces/')) asked.push(decodeURIComponent(url))
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { kind: 'Status', status: 'Failure', message: 'no such metric', code: 404 }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

beforeEach(async () => {
  clock = new FakeClock(START)
  cpu = new Map()
  values = new Map()
  asked.length = 0
  const controllers = [horizontalPodAutoscalerController]
  plane = await startTestControlPlane({ clock, controllers, frontProxy: () => undefined })
  await plane.client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace },
  })
})
afterEach(() => plane.stop())

async function serveMetrics(): Promise<void> {
  await plane.client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'metrics', namespace },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  })
  const { port } = server.address() as AddressInfo
  for (const groupVersion of GROUPS) {
    const [group = '', version = ''] = groupVersion.split('/')
    await plane.client.create(API_SERVICES, {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `${version}.${group}` },
      spec: {
        group,
        version,
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name: 'metrics', namespace, port },
      },
    })
  }
  await eventually(async () => {
    clock.advance(1_000)
    const { items } = await plane.client.list(API_SERVICES)
    const ours = items.filter(({ spec }) => spec?.service?.name === 'metrics')
    expect(ours.map(({ status }) => status?.conditions?.[0]?.status)).toEqual(['True', 'True', 'True'])
  })
}

const deployment = (name = 'web'): Promise<DeepReadonly<Deployment>> =>
  plane.client.get(DEPLOYMENTS, { namespace, name })

/** A Deployment with ready Pods that use this much CPU of the one they asked for. */
async function createTarget(usages: readonly number[], labels = { app: 'web' }): Promise<void> {
  const spec = { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] }
  await plane.client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: { replicas: usages.length, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  })
  for (const [i, usage] of usages.entries()) {
    const metadata = { name: `web-${i}`, namespace, labels }
    const draft = deepCopy<Pod>(await plane.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec }))
    draft.status = {
      phase: 'Running',
      startTime: LONG_AGO,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: LONG_AGO }],
    }
    await plane.client.update(PODS, draft, { subresource: 'status' })
    cpu.set(`web-${i}`, usage)
  }
  await writeStatusReplicas(usages.length)
}

async function writeStatusReplicas(replicas: number): Promise<void> {
  const draft = deepCopy<Deployment>(await deployment())
  draft.status = { ...draft.status, replicas }
  await plane.client.update(DEPLOYMENTS, draft, { subresource: 'status' })
}

/** Time passes slowly enough for requests over a real socket, until metrics have been asked for again. */
async function nextLook(): Promise<void> {
  const before = asked.length
  await eventually(() => {
    clock.advance(250)
    expect(asked.length).toBeGreaterThan(before)
  })
}

const cpuMetric = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})

const create = (
  spec: Partial<HorizontalPodAutoscalerSpec>,
  name = 'hpa',
): Promise<DeepReadonly<HorizontalPodAutoscaler>> =>
  plane.client.create(HORIZONTAL_POD_AUTOSCALERS, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 10, ...spec },
  })

const autoscaler = (name = 'hpa') => plane.client.get(HORIZONTAL_POD_AUTOSCALERS, { namespace, name })
const events = async (): Promise<string[]> =>
  (await plane.client.list(EVENTS, { namespace })).items.map(({ reason, message }) => `${reason}: ${message}`)

describe('an autoscaler', () => {
  it('grows with CPU, says why, and shrinks when five minutes have passed', async () => {
    await serveMetrics()
    await createTarget([900, 900])
    await create({ metrics: [cpuMetric(60)] })
    await eventually(async () => expect((await deployment()).spec.replicas).toBe(3))
    await eventually(async () => {
      const { status } = await autoscaler()
      expect(status).toMatchObject({
        currentReplicas: 2,
        desiredReplicas: 3,
        currentMetrics: [
          { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 90, averageValue: '900m' } } },
        ],
      })
      expect(status?.lastScaleTime).toBeDefined()
      expect(status?.conditions).toMatchObject([
        {
          type: 'AbleToScale',
          status: 'True',
          reason: 'SucceededRescale',
          message: 'the HPA controller was able to update the target scale to 3',
        },
        {
          type: 'ScalingActive',
          status: 'True',
          reason: 'ValidMetricFound',
          message:
            'the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
        },
        { type: 'ScalingLimited', status: 'False', reason: 'DesiredWithinRange' },
      ])
      expect(await events()).toContain(
        'SuccessfulRescale: New size: 3; reason: cpu resource utilization (percentage of request) above target',
      )
    })
    for (const name of cpu.keys()) cpu.set(name, 100)
    await eventually(async () => {
      await nextLook()
      expect((await autoscaler()).status?.conditions?.[0]).toMatchObject({ reason: 'ScaleDownStabilized' })
    }, 20_000)
    expect((await deployment()).spec.replicas).toBe(3)
    clock.advance(290_000)
    await eventually(async () => {
      await nextLook()
      expect((await deployment()).spec.replicas).toBe(1)
    }, 20_000)
    await eventually(async () =>
      expect(await events()).toContain('SuccessfulRescale: New size: 1; reason: All metrics below target'),
    )
  })

  it.each<[string, MetricSpec, () => void, number, object]>([
    [
      'a container',
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'c', target: { type: 'AverageValue', averageValue: '100m' } },
      },
      () => undefined,
      4,
      { containerResource: { name: 'cpu', container: 'c', current: { averageValue: '200m' } } },
    ],
    [
      'Pods',
      {
        type: 'Pods',
        pods: {
          metric: { name: 'requests', selector: { matchLabels: { verb: 'GET' } } },
          target: { type: 'AverageValue', averageValue: '150' },
        },
      },
      () => undefined,
      3,
      { pods: { metric: { name: 'requests' }, current: { averageValue: '200' } } },
    ],
    [
      'an object',
      {
        type: 'Object',
        object: {
          describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'front' },
          metric: { name: 'hits' },
          target: { type: 'Value', value: '100' },
        },
      },
      () =>
        values.set(
          `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/ingresses.networking.k8s.io/front/hits`,
          '200',
        ),
      4,
      { object: { current: { value: '200' } } },
    ],
    [
      'something outside',
      {
        type: 'External',
        external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '30' } },
      },
      () => values.set(`/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/queue`, '100'),
      4,
      { external: { metric: { name: 'queue' }, current: { averageValue: '50' } } },
    ],
  ])('grows with metrics of %s', async (_name, metric, prepare, replicas, status) => {
    await serveMetrics()
    await createTarget([200, 200])
    prepare()
    await create({ metrics: [metric] })
    await eventually(async () => {
      expect((await deployment()).spec.replicas).toBe(replicas)
      expect((await autoscaler()).status?.currentMetrics).toMatchObject([status])
    })
    if (metric.type === 'Pods')
      expect(
        asked.some((url) => url.includes('labelSelector=app=web') && url.includes('metricLabelSelector=verb=GET')),
      ).toBe(true)
  })

  it('takes the most of several metrics; one that cannot be read keeps it from shrinking', async () => {
    await serveMetrics()
    await createTarget([100, 100, 100])
    const queue = (name: string): MetricSpec => ({
      type: 'External',
      external: { metric: { name }, target: { type: 'Value', value: '10' } },
    })
    await create({
      metrics: [cpuMetric(90), queue('absent')],
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    })
    await eventually(async () => {
      const active = (await autoscaler()).status?.conditions?.find(({ type }) => type === 'ScalingActive')
      expect(active).toMatchObject({ status: 'False', reason: 'FailedGetExternalMetric' })
      expect((await events()).join('\n')).toContain(
        'FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 2), first error is: failed to get absent external metric value',
      )
    })
    expect((await deployment()).spec.replicas).toBe(3)
    values.set(`/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/absent`, '20')
    await eventually(async () => {
      await nextLook()
      expect((await deployment()).spec.replicas).toBe(6)
    }, 20_000)
  })

  it('says when there are no metrics', async () => {
    await createTarget([100])
    await create({})
    await eventually(async () => {
      const { status } = await autoscaler()
      expect(status?.conditions?.find(({ type }) => type === 'ScalingActive')).toMatchObject({
        status: 'False',
        reason: 'FailedGetResourceMetric',
        message:
          'the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource ' +
          'cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
      })
    })
  })

  it('keeps to its bounds without any metric', async () => {
    await createTarget([100, 100, 100])
    await create({ maxReplicas: 2 })
    await eventually(async () => expect((await deployment()).spec.replicas).toBe(2))
    await plane.client.patch(
      HORIZONTAL_POD_AUTOSCALERS,
      { namespace, name: 'hpa' },
      { type: 'merge', body: { spec: { minReplicas: 4, maxReplicas: 5 } } },
    )
    await eventually(async () => expect((await deployment()).spec.replicas).toBe(4))
    await eventually(async () =>
      expect(await events()).toEqual(
        expect.arrayContaining([
          'SuccessfulRescale: New size: 2; reason: Current number of replicas above Spec.MaxReplicas',
          'SuccessfulRescale: New size: 4; reason: Current number of replicas below Spec.MinReplicas',
        ]),
      ),
    )
  })

  it('writes its size over what somebody else has changed meanwhile', async () => {
    await createTarget([100])
    const { signal } = new AbortController()
    const reference = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
    const target = await readScale(plane.client, createRestMapper(plane.client), reference, namespace, signal)
    const body = { metadata: { annotations: { by: 'somebody' } } }
    await plane.client.patch(DEPLOYMENTS, { namespace, name: 'web' }, { type: 'merge', body })
    await writeScale(plane.client, target, 3, signal)
    expect((await deployment()).spec.replicas).toBe(3)
    expect((await deployment()).metadata.annotations).toMatchObject({ by: 'somebody' })
  })

  it('leaves alone what is scaled to zero, what is not there, and what another one sizes too', async () => {
    await create({}, 'early')
    await eventually(async () =>
      expect((await autoscaler('early')).status?.conditions?.[0]).toMatchObject({
        type: 'AbleToScale',
        status: 'False',
        reason: 'FailedGetScale',
        message: `the HPA controller was unable to get the target's current scale: deployments.apps "web" not found`,
      }),
    )
    await plane.client.delete(HORIZONTAL_POD_AUTOSCALERS, { namespace, name: 'early' })
    await createTarget([])
    await create({}, 'first')
    await eventually(async () =>
      expect((await autoscaler('first')).status?.conditions).toMatchObject([
        { type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale' },
        { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled' },
      ]),
    )
    await plane.client.delete(DEPLOYMENTS, { namespace, name: 'web' })
    await eventually(async () => expect((await plane.client.list(DEPLOYMENTS, { namespace })).items).toHaveLength(0))
    await createTarget([100])
    await create({}, 'second')
    await eventually(async () => {
      clock.advance(15_000)
      const found = (await autoscaler('second')).status?.conditions?.find(({ type }) => type === 'ScalingActive')
      expect(found).toMatchObject({ status: 'False', reason: 'AmbiguousSelector' })
      expect(found?.message).toMatch(
        /^pods by selector app=web are controlled by multiple HPAs: \[\{\w+ default} \{\w+ default}]$/,
      )
    })
  })
})
