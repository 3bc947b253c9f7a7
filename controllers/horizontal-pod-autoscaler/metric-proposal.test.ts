/** What is said of a metric that cannot be read: all of it in the event of the autoscaler, the end of it in condition and event. */
import { describe, expect, it } from 'vitest'
import type { MetricSpec } from '#machinery/api/autoscaling/v2/types.gen.ts'
import { createClient } from '#machinery/client/rest-client.ts'
import { createRestMapper } from '#machinery/client/rest-mapper.ts'
import { MetricError, proposeReplicas, type ScaleView } from './metric-proposal.ts'
import { MetricsClient } from './metrics-client.ts'

const refuse = (): Promise<never> => Promise.reject(new Error('nobody serves it'))
const client = createClient({ request: refuse, watch: refuse })
const metrics = new MetricsClient(client, createRestMapper(client))
const scale: ScaleView = {
  namespace: 'default',
  selector: 'app=a',
  pods: [],
  specReplicas: 1,
  statusReplicas: 1,
  tolerances: { scaleDown: 0.1, scaleUp: 0.1 },
  nowMs: 0,
}
const metric = { name: 'hits' }
const average = { type: 'AverageValue', averageValue: '1' }
const value = { type: 'Value', value: '1' }
const describedObject = { kind: 'Service', name: 's', apiVersion: 'v1' }

describe('a metric that cannot be read', () => {
  it.each<[string, MetricSpec, string, string]>([
    [
      'of a resource',
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      'FailedGetResourceMetric',
      'failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: ',
    ],
    [
      'of a container',
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'web', target: average } },
      'FailedGetContainerResourceMetric',
      'failed to get web container metric value: failed to get cpu usage: unable to get metrics for resource cpu: ',
    ],
    [
      'of pods',
      { type: 'Pods', pods: { metric, target: average } },
      'FailedGetPodsMetric',
      'failed to get pods metric value: unable to get metric hits: ',
    ],
    [
      'of an object',
      { type: 'Object', object: { describedObject, metric, target: value } },
      'FailedGetObjectMetric',
      'failed to get object metric value: unable to get metric hits: Service on default s/',
    ],
    [
      'of an object, per pod',
      { type: 'Object', object: { describedObject, metric, target: average } },
      'FailedGetObjectMetric',
      'failed to get object metric value: failed to get hits object metric: unable to get metric hits: Service on default s/',
    ],
    [
      'from outside',
      { type: 'External', external: { metric, target: value } },
      'FailedGetExternalMetric',
      'failed to get hits external metric value: failed to get external metric hits: unable to get external metric default/hits/',
    ],
    [
      'from outside, per pod',
      { type: 'External', external: { metric, target: average } },
      'FailedGetExternalMetric',
      'failed to get hits external metric value: failed to get hits external metric: unable to get external metric default/hits/',
    ],
  ])('%s', async (_what, spec, reason, message) => {
    const error = await proposeReplicas(spec, scale, metrics, new AbortController().signal).catch((err: unknown) => err)
    expect(error).toBeInstanceOf(MetricError)
    const { reason: found, message: said, why } = error as MetricError
    expect(found).toBe(reason)
    expect(said.slice(0, message.length)).toBe(message)
    expect(said.endsWith(why)).toBe(true)
    expect(why).not.toContain('metric value')
  })
})

it.each([
  ['cpu', '250m', '250m'],
  ['memory', '157286400', '150Mi'],
])('tells usage of %s as %s would be written: %s', async (name, usage, averageValue) => {
  const items = [
    {
      metadata: { name: 'p0' },
      timestamp: '1970-01-01T00:00:00Z',
      containers: [{ name: 'c', usage: { [name]: usage } }],
    },
  ]
  const answering = createClient({
    request: () => Promise.resolve({ status: 200, headers: {}, body: { items } }),
    watch: refuse,
  })
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '1969-01-01T00:00:00Z' }]
  const status = { phase: 'Running', startTime: '1969-01-01T00:00:00Z', conditions }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p0' }, spec: { containers: [] }, status }
  const reader = new MetricsClient(answering, createRestMapper(answering))
  const spec = { type: 'Resource', resource: { name, target: { type: 'AverageValue', averageValue: '1' } } }
  const proposal = await proposeReplicas(spec, { ...scale, pods: [pod] }, reader, new AbortController().signal)
  expect(proposal.status.resource?.current).toEqual({ averageValue })
})
