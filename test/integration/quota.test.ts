/** ResourceQuota end to end: admission and the status controller must agree, at every moment and for every kind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resourceQuotaController } from '#controllers/resource-quota/controller.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import {
  CONFIG_MAPS,
  NAMESPACES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  RESOURCE_QUOTAS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, ResourceQuotaSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isForbidden } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

let plane: TestControlPlane
let namespaces = 0

beforeAll(async () => {
  plane = await startTestControlPlane({ controllers: [resourceQuotaController] })
})
afterAll(() => plane.stop())

async function newNamespace(): Promise<string> {
  const name = `quota-${++namespaces}`
  await plane.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: name, name: 'default' } }
  await plane.client.create(SERVICE_ACCOUNTS, account)
  return name
}

const limit = (namespace: string, spec: ResourceQuotaSpec, name = 'q') =>
  plane.client.create(RESOURCE_QUOTAS, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { namespace, name },
    spec,
  })

const used = async (namespace: string, name = 'q') => {
  const { status } = await plane.client.get(RESOURCE_QUOTAS, { namespace, name })
  return status?.used
}

function makePod(namespace: string, name: string, cpu?: string, spec: Partial<Pod['spec']> = {}): Pod {
  const resources = cpu === undefined ? {} : { requests: { cpu }, limits: { cpu } }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name },
    spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
  }
}

const refusal = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => '',
    (err: unknown) => {
      if (!isForbidden(err)) throw err
      return errorMessage(err)
    },
  )

describe('quota status', () => {
  it('follows pods as they come, grow, end and go', async () => {
    const namespace = await newNamespace()
    await limit(namespace, { hard: { pods: '3', 'requests.cpu': '1', 'limits.cpu': '1', 'count/pods': '5' } })
    await plane.client.create(PODS, makePod(namespace, 'a', '100m'))
    const b = await plane.client.create(PODS, makePod(namespace, 'b', '250m'))
    await eventually(async () =>
      expect(await used(namespace)).toEqual({
        pods: '2',
        'requests.cpu': '350m',
        'limits.cpu': '350m',
        'count/pods': '2',
      }),
    )
    await plane.client.update(PODS, { ...b, status: { ...b.status, phase: 'Succeeded' } }, { subresource: 'status' })
    await eventually(async () => expect(await used(namespace)).toMatchObject({ pods: '1', 'count/pods': '2' }))
    await plane.client.delete(PODS, { namespace, name: 'b' }, { gracePeriodSeconds: 0 })
    await plane.client.delete(PODS, { namespace, name: 'a' }, { gracePeriodSeconds: 0 })
    await eventually(async () => expect(await used(namespace)).toMatchObject({ pods: '0', 'count/pods': '0' }))
  })

  it('counts services and node ports, claims by class, and the quotas themselves', async () => {
    const namespace = await newNamespace()
    const gold = 'gold.storageclass.storage.k8s.io/requests.storage'
    const hard = {
      services: '3',
      'services.nodeports': '2',
      'requests.storage': '10Gi',
      [gold]: '5Gi',
      resourcequotas: '1',
    }
    await limit(namespace, { hard })
    await plane.client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: 's' },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    })
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace, name: 'c' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'gold',
        resources: { requests: { storage: '4Gi' } },
      },
    })
    await eventually(async () =>
      expect(await used(namespace)).toEqual({
        services: '1',
        'services.nodeports': '1',
        'requests.storage': '4Gi',
        [gold]: '4Gi',
        resourcequotas: '1',
      }),
    )
  })

  it('counts custom resources', async () => {
    const namespace = await newNamespace()
    const WIDGETS: Resource = {
      group: 'quota.test',
      version: 'v1',
      resource: 'widgets',
      kind: 'Widget',
      namespaced: true,
    }
    await plane.client.create(CUSTOM_RESOURCE_DEFINITIONS, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.quota.test' },
      spec: {
        group: 'quota.test',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    })
    const widget = (name: string): KubeObject => ({
      apiVersion: 'quota.test/v1',
      kind: 'Widget',
      metadata: { namespace, name },
    })
    await eventually(() => plane.client.create(WIDGETS, widget('a')))
    await limit(namespace, { hard: { 'count/widgets.quota.test': '1' } })
    await eventually(async () => expect(await used(namespace)).toEqual({ 'count/widgets.quota.test': '1' }))
    expect(await refusal(plane.client.create(WIDGETS, widget('b')))).toBe(
      'widgets.quota.test "b" is forbidden: exceeded quota: q, requested: count/widgets.quota.test=1, used: count/widgets.quota.test=1, limited: count/widgets.quota.test=1',
    )
  })

  it('counts only what the scopes cover', async () => {
    const namespace = await newNamespace()
    const scoped = (name: string, spec: ResourceQuotaSpec) => limit(namespace, { hard: { pods: '5' }, ...spec }, name)
    const selecting = (operator: string, values?: string[]): ResourceQuotaSpec => ({
      scopeSelector: {
        matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values === undefined ? {} : { values }) }],
      },
    })
    await scoped('terminating', { scopes: ['Terminating'] })
    await scoped('not-terminating', { scopes: ['NotTerminating'] })
    await scoped('best-effort', { scopes: ['BestEffort'] })
    await scoped('not-best-effort', { scopes: ['NotBestEffort'] })
    await scoped('critical', selecting('In', ['system-node-critical']))
    await scoped('others', selecting('NotIn', ['system-node-critical']))
    await plane.client.create(PODS, makePod(namespace, 'brief', undefined, { activeDeadlineSeconds: 100 }))
    await plane.client.create(PODS, makePod(namespace, 'big', '1', { priorityClassName: 'system-node-critical' }))
    const names = ['terminating', 'not-terminating', 'best-effort', 'not-best-effort', 'critical', 'others']
    await eventually(async () => {
      const counts = await Promise.all(names.map(async (name) => (await used(namespace, name))?.['pods']))
      expect(counts).toEqual(['1', '1', '1', '1', '1', '1'])
    })
  })
})

describe('quota admission', () => {
  it('never lets writes of the same moment overshoot', async () => {
    const namespace = await newNamespace()
    await limit(namespace, { hard: { configmaps: '7' } })
    const attempts = Array.from({ length: 40 }, (_, n) =>
      refusal(
        plane.client.create(CONFIG_MAPS, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { namespace, name: `m-${n}` },
        }),
      ),
    )
    const outcomes = await Promise.all(attempts)
    expect(outcomes.filter((message) => message === '')).toHaveLength(7)
    expect(outcomes.find((message) => message !== '')).toMatch(
      /is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=7, limited: configmaps=7$/,
    )
  })

  it('gives a place back at once', async () => {
    const namespace = await newNamespace()
    await limit(namespace, { hard: { configmaps: '1' } })
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'm' } }
    for (let turn = 0; turn < 3; turn++) {
      await plane.client.create(CONFIG_MAPS, map)
      await plane.client.delete(CONFIG_MAPS, { namespace, name: 'm' })
    }
  })

  it('looks at what an update adds: claims that grow, services that change their type', async () => {
    const namespace = await newNamespace()
    await limit(namespace, { hard: { 'services.nodeports': '1', 'services.loadbalancers': '0' } })
    const service = (name: string, type: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: { type, ports: [{ port: 80 }] },
    })
    await plane.client.create(SERVICES, service('a', 'NodePort'))
    await plane.client.create(SERVICES, service('b', 'ClusterIP'))
    const patch = (name: string, type: string) =>
      refusal(plane.client.patch(SERVICES, { namespace, name }, { type: 'merge', body: { spec: { type } } }))
    expect(await patch('b', 'NodePort')).toContain(
      'exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    )
    expect(await patch('a', 'LoadBalancer')).toContain('requested: services.loadbalancers=1')
    expect(await patch('a', 'ClusterIP')).toBe('')
    expect(await patch('b', 'NodePort')).toBe('')
  })

  it('wants every container to say what a compute quota limits', async () => {
    const namespace = await newNamespace()
    await limit(namespace, { hard: { 'requests.cpu': '1', 'limits.memory': '1Gi' } })
    expect(await refusal(plane.client.create(PODS, makePod(namespace, 'a')))).toBe(
      'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    )
  })
})
