/** The built-in controllers against a real in-process control plane on memory storage. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job, JobSpec } from '#machinery/api/batch/v1/types.gen.ts'
import {
  CONFIG_MAPS,
  EVENTS,
  NAMESPACES,
  PODS,
  SECRETS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap, Namespace, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newOwnerReference } from '#sdk'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { builtinControllers } from './descriptors.ts'

const complaints: string[] = []

const logger: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => complaints.push(`${message} ${JSON.stringify(fields)}`),
  error: (fields, message) =>
    complaints.push(`${message} ${JSON.stringify(fields)} ${String((fields as { err?: unknown }).err)}`),
  child: () => logger,
}

let plane: TestControlPlane
let client: Client

beforeAll(async () => {
  plane = await startTestControlPlane({
    logger,
    controllers: builtinControllers({
      rootCa: 'PEM',
      serviceAccountTokens: {
        issueLegacyToken: ({ metadata }) => `token of ${metadata.name ?? ''}`,
        generatesForEveryAccount: false,
      },
    }),
  })
  client = plane.client
})

afterAll(async () => {
  await plane?.stop()
})

async function newNamespace(name: string): Promise<string> {
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} } as Namespace)
  await eventually(() => client.get(SERVICE_ACCOUNTS, { namespace: name, name: 'default' }))
  return name
}

async function collectorMonitors(): Promise<number> {
  const { body } = await client.raw({ method: 'GET', path: '/debug/controllers' })
  const detail = /"monitors":(\d+)/.exec(typeof body === 'string' ? body : JSON.stringify(body))
  return Number(detail?.[1])
}

const isGone = async (found: Promise<unknown>): Promise<void> => {
  expect(await found.catch(undefinedIfNotFound)).toBeUndefined()
}

describe('namespaces', () => {
  it('get a default account and the root CA, again after they were deleted', async () => {
    const namespace = await newNamespace('basics')
    const key = { namespace, name: 'kube-root-ca.crt' }
    await eventually(async () => expect((await client.get(CONFIG_MAPS, key)).data).toEqual({ 'ca.crt': 'PEM' }))
    await client.delete(CONFIG_MAPS, key)
    await client.delete(SERVICE_ACCOUNTS, { namespace, name: 'default' })
    await eventually(() => client.get(CONFIG_MAPS, key))
    await eventually(() => client.get(SERVICE_ACCOUNTS, { namespace, name: 'default' }))
    await client.patch(CONFIG_MAPS, key, { type: 'merge', body: { data: { 'ca.crt': 'forged' } } })
    await eventually(async () => expect((await client.get(CONFIG_MAPS, key)).data).toEqual({ 'ca.crt': 'PEM' }))
  })

  it('are emptied and go when deleted, and wait for finalizers of their content', async () => {
    const namespace = await newNamespace('doomed')
    await client.create(CONFIG_MAPS, configMap(namespace, 'plain'))
    await client.create(CONFIG_MAPS, configMap(namespace, 'held', { finalizers: ['example.com/hold'] }))
    await client.delete(NAMESPACES, { name: namespace })
    await eventually(async () => {
      const conditions = (await client.get(NAMESPACES, { name: namespace })).status?.conditions ?? []
      const remaining = conditions.find(({ type }) => type === 'NamespaceFinalizersRemaining')
      expect(remaining).toMatchObject({
        status: 'True',
        reason: 'SomeFinalizersRemain',
        message: 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      })
    })
    await isGone(client.get(CONFIG_MAPS, { namespace, name: 'plain' }))
    await client.patch(
      CONFIG_MAPS,
      { namespace, name: 'held' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await eventually(() => isGone(client.get(NAMESPACES, { name: namespace })))
  })
})

describe('service-account token Secrets', () => {
  it('are filled, and deleted with their account', async () => {
    const namespace = await newNamespace('tokens')
    await client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace, name: 'robot' },
    })
    const annotations = { 'kubernetes.io/service-account.name': 'robot' }
    const metadata = { namespace, name: 'robot-token', annotations }
    await client.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata,
    })
    await eventually(async () => {
      const { data = {} } = await client.get(SECRETS, { namespace, name: 'robot-token' })
      const decoded = Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()])
      expect(Object.fromEntries(decoded)).toEqual({ token: 'token of robot', namespace, 'ca.crt': 'PEM' })
    })
    await client.delete(SERVICE_ACCOUNTS, { namespace, name: 'robot' })
    await eventually(() => isGone(client.get(SECRETS, { namespace, name: 'robot-token' })))
  })

  it('are no longer listed by their account when deleted; a name that never existed stays', async () => {
    const namespace = await newNamespace('listed')
    const key = { namespace, name: 'robot' }
    await client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: key,
      secrets: [{ name: 'robot-token' }, { name: 'later' }],
    })
    const secret = { namespace, name: 'robot-token' }
    const annotations = { 'kubernetes.io/service-account.name': 'robot' }
    await client.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: { ...secret, annotations },
    })
    await eventually(async () => expect((await client.get(SECRETS, secret)).data).toHaveProperty('token'))
    await client.delete(SECRETS, secret)
    await eventually(async () => expect((await client.get(SERVICE_ACCOUNTS, key)).secrets).toEqual([{ name: 'later' }]))
  })
})

describe('legacy token generation', () => {
  it('gives every account a filled token Secret that it lists', async () => {
    const controllers = builtinControllers({
      rootCa: 'PEM',
      serviceAccountTokens: { issueLegacyToken: () => 'token', generatesForEveryAccount: true },
    })
    const legacy = await startTestControlPlane({ logger, controllers })
    try {
      const metadata = { name: 'short-lived' }
      await legacy.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata } as Namespace)
      const key = { namespace: 'default', name: 'robot' }
      await legacy.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: key })
      const name = await eventually(async () => {
        const { secrets = [] } = await legacy.client.get(SERVICE_ACCOUNTS, key)
        expect(secrets).toHaveLength(1)
        return secrets[0]?.name ?? ''
      })
      expect(name).toMatch(/^robot-token-[a-z0-9]{5}$/)
      const { data, type } = await legacy.client.get(SECRETS, { namespace: 'default', name })
      expect(type).toBe('kubernetes.io/service-account-token')
      expect(Object.keys(data ?? {}).sort()).toEqual(['ca.crt', 'namespace', 'token'])

      // A deleted one is replaced, in the account's list too.
      await legacy.client.delete(SECRETS, { namespace: 'default', name })
      const nextName = await eventually(async () => {
        const { secrets = [] } = await legacy.client.get(SERVICE_ACCOUNTS, key)
        expect(secrets).toEqual([{ name: expect.not.stringMatching(name) }])
        return secrets[0]?.name ?? ''
      })
      await legacy.client.delete(SERVICE_ACCOUNTS, key)
      await eventually(() => isGone(legacy.client.get(SECRETS, { namespace: 'default', name: nextName })))

      // The Secret goes before the account: trying to make another one is no error.
      const account = { namespace: 'short-lived', name: 'default' }
      await eventually(async () => expect((await legacy.client.get(SERVICE_ACCOUNTS, account)).secrets).toHaveLength(1))
      await legacy.client.delete(NAMESPACES, metadata)
      await eventually(() => isGone(legacy.client.get(NAMESPACES, metadata)))
      expect(complaints).toEqual([])
    } finally {
      await legacy.stop()
    }
  })
})

function configMap(namespace: string, name: string, metadata: ConfigMap['metadata'] = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, ...metadata } }
}

function widgetDefinition(): CustomResourceDefinition {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  }
}

describe('garbage collection', () => {
  async function family(namespace: string): Promise<DeepReadonly<ConfigMap>> {
    const owner = await client.create(CONFIG_MAPS, configMap(namespace, 'owner'))
    const ownerReferences = [{ ...newOwnerReference(owner, CONFIG_MAPS), blockOwnerDeletion: true }]
    const child = await client.create(CONFIG_MAPS, configMap(namespace, 'child', { ownerReferences }))
    const grandchild = { ownerReferences: [newOwnerReference(child, CONFIG_MAPS)] }
    await client.create(CONFIG_MAPS, configMap(namespace, 'grandchild', grandchild))
    return owner
  }

  it('deletes dependents of dependents in the background', async () => {
    const namespace = await newNamespace('gc-background')
    await family(namespace)
    await client.delete(CONFIG_MAPS, { namespace, name: 'owner' }, { propagationPolicy: 'Background' })
    await eventually(() => isGone(client.get(CONFIG_MAPS, { namespace, name: 'grandchild' })))
    await isGone(client.get(CONFIG_MAPS, { namespace, name: 'child' }))
  })

  it('keeps the owner in foreground deletion until its blocking dependents are gone', async () => {
    const namespace = await newNamespace('gc-foreground')
    await family(namespace)
    const child = { namespace, name: 'child' }
    await client.patch(CONFIG_MAPS, child, { type: 'merge', body: { metadata: { finalizers: ['example.com/hold'] } } })
    await client.delete(CONFIG_MAPS, { namespace, name: 'owner' }, { propagationPolicy: 'Foreground' })
    await eventually(async () =>
      expect((await client.get(CONFIG_MAPS, child)).metadata.deletionTimestamp).toBeDefined(),
    )
    expect((await client.get(CONFIG_MAPS, { namespace, name: 'owner' })).metadata.finalizers).toEqual([
      'foregroundDeletion',
    ])
    await eventually(() => isGone(client.get(CONFIG_MAPS, { namespace, name: 'grandchild' })))
    await client.patch(CONFIG_MAPS, child, { type: 'json', body: [{ op: 'remove', path: '/metadata/finalizers' }] })
    await eventually(() => isGone(client.get(CONFIG_MAPS, { namespace, name: 'owner' })))
  })

  it('orphans: the dependents stay, without the reference', async () => {
    const namespace = await newNamespace('gc-orphan')
    await family(namespace)
    await client.delete(CONFIG_MAPS, { namespace, name: 'owner' }, { propagationPolicy: 'Orphan' })
    await eventually(() => isGone(client.get(CONFIG_MAPS, { namespace, name: 'owner' })))
    expect((await client.get(CONFIG_MAPS, { namespace, name: 'child' })).metadata.ownerReferences ?? []).toEqual([])
    await client.get(CONFIG_MAPS, { namespace, name: 'grandchild' })
  })

  it('deletes what names an owner that never was, and keeps what still has another', async () => {
    const namespace = await newNamespace('gc-absent')
    const owner = await client.create(CONFIG_MAPS, configMap(namespace, 'owner'))
    const absent = { apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: '00000000-0000-0000-0000-000000000001' }
    const real = newOwnerReference(owner, CONFIG_MAPS)
    await client.create(CONFIG_MAPS, configMap(namespace, 'kept', { ownerReferences: [absent, real] }))
    await client.create(CONFIG_MAPS, configMap(namespace, 'lost', { ownerReferences: [absent] }))
    await eventually(() => isGone(client.get(CONFIG_MAPS, { namespace, name: 'lost' })))
    await eventually(async () => {
      const { metadata } = await client.get(CONFIG_MAPS, { namespace, name: 'kept' })
      expect(metadata.ownerReferences).toEqual([real])
    })
  })

  it('collects custom resources soon after their definition, and what they own', async () => {
    const namespace = await newNamespace('gc-custom')
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, widgetDefinition())
    const widgets: Resource = {
      group: 'example.com',
      version: 'v1',
      resource: 'widgets',
      kind: 'Widget',
      namespaced: true,
    }
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { namespace, name: 'w' } }
    const owner = await eventually(() => client.create(widgets, widget))
    const ownerReferences = [newOwnerReference(owner, widgets)]
    const child = { ...widget, metadata: { namespace, name: 'child', ownerReferences } }
    await client.create(widgets, child)
    await client.create(CONFIG_MAPS, configMap(namespace, 'owned', { ownerReferences }))
    await client.delete(widgets, { namespace, name: 'w' }, { propagationPolicy: 'Background' })
    await eventually(() => isGone(client.get(CONFIG_MAPS, { namespace, name: 'owned' })))
    await eventually(() => isGone(client.get(widgets, { namespace, name: 'child' })))

    // A kind that is taken away is watched no longer, and nobody is alarmed.
    const monitors = await collectorMonitors()
    const { name = '' } = widgetDefinition().metadata
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name })
    await eventually(async () => expect(await collectorMonitors()).toBe(monitors - 1))
    expect(complaints).toEqual([])
  })

  it('reports an owner in another namespace', async () => {
    const home = await newNamespace('gc-home')
    const away = await newNamespace('gc-away')
    const owner = await client.create(CONFIG_MAPS, configMap(home, 'owner'))
    const ownerReferences = [newOwnerReference(owner, CONFIG_MAPS)]
    await client.create(CONFIG_MAPS, configMap(away, 'stray', { ownerReferences }))
    await eventually(async () => {
      const { items } = await client.list(EVENTS, { namespace: away })
      expect(items.map(({ reason }) => reason)).toContain('OwnerRefInvalidNamespace')
    })
    await eventually(() => isGone(client.get(CONFIG_MAPS, { namespace: away, name: 'stray' })))
    await client.get(CONFIG_MAPS, { namespace: home, name: 'owner' })
  })
})

describe('jobs', () => {
  async function newJob(namespace: string, spec: Partial<JobSpec>): Promise<{ namespace: string; name: string }> {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'x' }] } }
    const job: Job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { namespace, name: 'job' },
      spec: { template, ...spec },
    }
    await client.create(JOBS, job)
    return { namespace, name: 'job' }
  }

  async function podsOf(namespace: string, count: number): Promise<readonly DeepReadonly<Pod>[]> {
    return eventually(async () => {
      const { items } = await client.list(PODS, { namespace })
      const unfinished = items.filter(({ status }) => status?.phase === 'Pending')
      expect(unfinished).toHaveLength(count)
      return unfinished
    })
  }

  async function finish(pod: DeepReadonly<Pod>, exitCode: number): Promise<void> {
    const changed = deepCopy<Pod>(pod)
    const finishedAt = new Date(systemClock.nowMs()).toISOString().replace(/\.\d+Z/, 'Z')
    const terminated = { exitCode, finishedAt }
    const container = { name: 'main', ready: false, restartCount: 0, image: 'x', imageID: '', state: { terminated } }
    changed.status = {
      ...changed.status,
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      containerStatuses: [container],
    }
    await client.update(PODS, changed, { subresource: 'status' })
  }

  const conditionsOf = (job: DeepReadonly<Job>): string[] =>
    (job.status?.conditions ?? [])
      .filter(({ status }) => status === 'True')
      .map(({ type, reason }) => `${type}/${reason ?? ''}`)

  it('runs as many Pods as wanted and completes when enough have succeeded', async () => {
    const namespace = await newNamespace('job-complete')
    const key = await newJob(namespace, { completions: 3, parallelism: 2 })
    for (const pod of await podsOf(namespace, 2)) await finish(pod, 0)
    for (const pod of await podsOf(namespace, 1)) await finish(pod, 0)
    const job = await eventually(async () => {
      const found = await client.get(JOBS, key)
      expect(conditionsOf(found)).toEqual(['SuccessCriteriaMet/CompletionsReached', 'Complete/CompletionsReached'])
      return found
    })
    expect(job.status).toMatchObject({ succeeded: 3, ready: 0, terminating: 0, uncountedTerminatedPods: {} })
    expect(job.status?.completionTime).toBeDefined()
    const { items } = await client.list(PODS, { namespace })
    expect(items.every(({ metadata }) => metadata.finalizers === undefined)).toBe(true)
    await eventually(async () => {
      const events = await client.list(EVENTS, { namespace })
      const reasons = events.items
        .filter(({ involvedObject }) => involvedObject.kind === 'Job')
        .map(({ reason }) => reason)
      expect(reasons.sort()).toEqual(['Completed', 'SuccessfulCreate', 'SuccessfulCreate', 'SuccessfulCreate'])
    })
  })

  it('gives each index one Pod and writes down which have succeeded', async () => {
    const namespace = await newNamespace('job-indexed')
    const key = await newJob(namespace, { completions: 4, parallelism: 4, completionMode: 'Indexed' })
    const pods = await podsOf(namespace, 4)
    const index = ({ metadata }: DeepReadonly<Pod>): string =>
      metadata.labels?.['batch.kubernetes.io/job-completion-index'] ?? ''
    expect(pods.map(index).sort()).toEqual(['0', '1', '2', '3'])
    for (const pod of pods) {
      expect(pod.spec.hostname).toBe(`job-${index(pod)}`)
      expect(pod.metadata.name).toMatch(new RegExp(`^job-${index(pod)}-[a-z0-9]{5}$`))
      expect(pod.spec.containers[0]?.env?.[0]?.name).toBe('JOB_COMPLETION_INDEX')
      if (index(pod) !== '1') await finish(pod, 0)
    }
    await eventually(async () => expect((await client.get(JOBS, key)).status?.completedIndexes).toBe('0,2,3'))
    for (const pod of await podsOf(namespace, 1)) await finish(pod, 0)
    await eventually(async () =>
      expect(conditionsOf(await client.get(JOBS, key))).toContain('Complete/CompletionsReached'),
    )
    expect((await client.get(JOBS, key)).status?.completedIndexes).toBe('0-3')
  })

  it('fails at the backoff limit and ends the Pods that still run', async () => {
    const namespace = await newNamespace('job-failed')
    const key = await newJob(namespace, { completions: 2, parallelism: 2, backoffLimit: 0 })
    const [first] = await podsOf(namespace, 2)
    if (first !== undefined) await finish(first, 1)
    await eventually(async () =>
      expect(conditionsOf(await client.get(JOBS, key))).toEqual([
        'FailureTarget/BackoffLimitExceeded',
        'Failed/BackoffLimitExceeded',
      ]),
    )
    expect((await client.get(JOBS, key)).status).toMatchObject({ failed: 2 })
    await podsOf(namespace, 0)
  })

  it('replaces a failed index with its failures written on the new Pod, and fails with the index', async () => {
    const namespace = await newNamespace('job-per-index')
    const key = await newJob(namespace, {
      completions: 2,
      parallelism: 2,
      completionMode: 'Indexed',
      backoffLimitPerIndex: 0,
    })
    for (const pod of await podsOf(namespace, 2)) {
      const isFirst = pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === '0'
      expect(pod.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count']).toBe('0')
      await finish(pod, isFirst ? 1 : 0)
    }
    await eventually(async () => expect(conditionsOf(await client.get(JOBS, key))).toContain('Failed/FailedIndexes'))
    const { status } = await client.get(JOBS, key)
    expect(status).toMatchObject({ completedIndexes: '1', failedIndexes: '0', succeeded: 1, failed: 1 })
  })

  it('fails at once by its Pod failure policy', async () => {
    const namespace = await newNamespace('job-policy')
    const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }]
    const key = await newJob(namespace, { podFailurePolicy: { rules } })
    for (const pod of await podsOf(namespace, 1)) await finish(pod, 42)
    await eventually(async () =>
      expect(conditionsOf(await client.get(JOBS, key))).toEqual([
        'FailureTarget/PodFailurePolicy',
        'Failed/PodFailurePolicy',
      ]),
    )
  })

  it('deletes its Pods when suspended and makes them again when resumed', async () => {
    const namespace = await newNamespace('job-suspend')
    const key = await newJob(namespace, { parallelism: 2, completions: 2 })
    await podsOf(namespace, 2)
    await client.patch(JOBS, key, { type: 'merge', body: { spec: { suspend: true } } })
    await podsOf(namespace, 0)
    await eventually(async () => expect(conditionsOf(await client.get(JOBS, key))).toEqual(['Suspended/JobSuspended']))
    expect((await client.get(JOBS, key)).status?.startTime).toBeUndefined()
    await client.patch(JOBS, key, { type: 'merge', body: { spec: { suspend: false } } })
    await podsOf(namespace, 2)
    await eventually(async () => {
      const { status } = await client.get(JOBS, key)
      expect(status).toMatchObject({ active: 2, terminating: 0 })
      expect(status?.startTime).toBeDefined()
      expect(status?.conditions).toMatchObject([{ type: 'Suspended', status: 'False', reason: 'JobResumed' }])
    })
  })

  it('fails when its deadline passes, and is deleted with its Pods after its TTL', async () => {
    const namespace = await newNamespace('job-deadline')
    const key = await newJob(namespace, { activeDeadlineSeconds: 1, ttlSecondsAfterFinished: 1 })
    await podsOf(namespace, 1)
    await eventually(async () => expect(conditionsOf(await client.get(JOBS, key))).toContain('Failed/DeadlineExceeded'))
    await eventually(() => isGone(client.get(JOBS, key)))
    expect((await client.list(PODS, { namespace })).items).toEqual([])
  })

  it('adopts a matching Pod, and releases Pods it leaves behind from their finalizer', async () => {
    const namespace = await newNamespace('job-orphans')
    const key = await newJob(namespace, { parallelism: 1, completions: 1 })
    const [pod] = await podsOf(namespace, 1)
    await client.delete(JOBS, key, { propagationPolicy: 'Orphan' })
    await eventually(() => isGone(client.get(JOBS, key)))
    await eventually(async () => {
      const { metadata } = await client.get(PODS, objectKeyOf(pod as DeepReadonly<Pod>))
      expect(metadata.ownerReferences ?? []).toEqual([])
      expect(metadata.finalizers ?? []).toEqual([])
    })
    const { labels } = (pod as DeepReadonly<Pod>).metadata
    const template = {
      metadata: { labels: { ...labels } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'x' }] },
    }
    await newJob(namespace, { manualSelector: true, selector: { matchLabels: { ...labels } }, template })
    await eventually(async () => {
      const { metadata } = await client.get(PODS, objectKeyOf(pod as DeepReadonly<Pod>))
      expect(metadata.ownerReferences?.[0]?.kind).toBe('Job')
      expect(metadata.finalizers).toEqual(['batch.kubernetes.io/job-tracking'])
    })
    await podsOf(namespace, 1)
  })
})

it('none of this was a surprise to anybody', () => {
  expect(complaints).toEqual([])
})
