/**
 * Evictions and bindings through the API server, without controllers: budgets have the status they are given.
 * Re-derived from upstream's pkg/registry/core/pod/storage/eviction_test.go and storage_test.go.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodCondition } from '#machinery/api/core/v1/types.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { Eviction, PodDisruptionBudgetStatus } from '#machinery/api/policy/v1/types.gen.ts'
import type { KubeObject, Status } from '#machinery/api/meta/v1.ts'
import { isStatusError } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'

const namespace = 'default'
let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane({ featureGates: ['ClearingNominatedNodeNameAfterBinding'] })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
})
afterAll(() => plane.stop())

let count = 0

interface World {
  readonly phase?: string
  readonly isReady?: boolean
  readonly policy?: string
  /** Undefined: no budget. */
  readonly status?: Partial<PodDisruptionBudgetStatus>
}

/** A Pod on a node, and a budget of its own. */
async function makePod({ phase = 'Running', isReady, policy, status }: World, more: Partial<Pod['spec']> = {}) {
  const name = `p${count++}`
  const key = { namespace, name }
  const selector = { matchLabels: { for: name } }
  const metadata = { ...key, labels: selector.matchLabels }
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], ...more }
  await plane.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
  const conditions = isReady === undefined ? [] : [{ type: 'Ready', status: isReady ? 'True' : 'False' }]
  const options = { subresource: 'status' } as const
  const body = { status: { phase, conditions } }
  const pod = await plane.client.patch(PODS, key, { type: 'merge', body }, options)
  if (status === undefined) return pod
  const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: key }
  const unhealthy = policy === undefined ? {} : { unhealthyPodEvictionPolicy: policy }
  await plane.client.create(POD_DISRUPTION_BUDGETS, { ...budget, spec: { selector, ...unhealthy } })
  const seen = { observedGeneration: 1, currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }
  const update = { status: { ...seen, ...status } }
  await plane.client.patch(POD_DISRUPTION_BUDGETS, key, { type: 'merge', body: update }, options)
  return pod
}

async function evict({ metadata }: DeepReadonly<Pod>, more: Partial<Eviction> = {}): Promise<Status | undefined> {
  const { name = '' } = metadata
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, ...more }
  return refusal(plane.client.createSubresource(PODS, { namespace, name }, 'eviction', eviction))
}

async function refusal(answer: Promise<unknown>): Promise<Status | undefined> {
  try {
    await answer
    return undefined
  } catch (err: unknown) {
    if (isStatusError(err)) return err.status as Status
    throw err
  }
}

async function isGone({ metadata }: DeepReadonly<Pod>): Promise<boolean> {
  const { items } = await plane.client.list(PODS, { namespace, fieldSelector: `metadata.name=${metadata.name}` })
  return items[0] === undefined || items[0].metadata.deletionTimestamp !== undefined
}

const verdict = (reason: string, message: string) => ({
  type: 'DisruptionAllowed',
  status: 'False' as const,
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
})

describe('an eviction', () => {
  it.each<[string, World, string | undefined]>([
    ['without a budget', {}, undefined],
    ['of a pending Pod', { phase: 'Pending', status: {} }, undefined],
    ['of a succeeded Pod', { phase: 'Succeeded', status: {} }, undefined],
    ['of a failed Pod', { phase: 'Failed', status: {} }, undefined],
    ['with a disruption left', { isReady: true, status: { disruptionsAllowed: 1 } }, undefined],
    ['with none left', { isReady: true, status: {} }, 'needs 0 healthy pods and has 0 currently'],
    [
      'of a healthy Pod at the limit',
      { isReady: true, status: { currentHealthy: 2, desiredHealthy: 2 } },
      'needs 2 healthy pods and has 2 currently',
    ],
    [
      'of an unhealthy one at the limit',
      { isReady: false, status: { currentHealthy: 2, desiredHealthy: 2 } },
      undefined,
    ],
    [
      'of an unhealthy one, policy IfHealthyBudget',
      { isReady: false, policy: 'IfHealthyBudget', status: {} },
      'needs 0 healthy',
    ],
    ['of an unhealthy one, policy AlwaysAllow', { isReady: false, policy: 'AlwaysAllow', status: {} }, undefined],
    [
      'after a failed sync',
      { isReady: true, status: { conditions: [verdict('SyncFailed', 'no scale')] } },
      'does not allow evicting pods currently because it failed sync: no scale',
    ],
    [
      'above the limit, with a reason',
      { isReady: true, status: { currentHealthy: 4, desiredHealthy: 3, conditions: [verdict('Why', 'so')] } },
      'does not allow evicting pods currently (Why): so',
    ],
    [
      'above the limit, without one',
      { isReady: true, status: { currentHealthy: 4, desiredHealthy: 3 } },
      'does not allow evicting pods currently',
    ],
    [
      'of a budget not seen yet',
      { isReady: true, status: { observedGeneration: 0, disruptionsAllowed: 1 } },
      'is still being processed by the server.',
    ],
  ])('%s', async (_name, world, why) => {
    const pod = await makePod(world)
    const status = await evict(pod)
    expect(await isGone(pod)).toBe(why === undefined)
    if (why === undefined) expect(status).toBeUndefined()
    else {
      expect(status).toMatchObject({
        code: 429,
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: { causes: [{ reason: 'DisruptionBudget' }] },
      })
      const { message = '' } = status?.details?.causes?.[0] ?? {}
      expect(message).toContain(`The disruption budget ${pod.metadata.name} ${why}`)
    }
  })

  it.each<[string, Partial<Eviction>]>([
    ['the options', { deleteOptions: { dryRun: ['All'] } }],
    ['the options, with a precondition', { deleteOptions: { dryRun: ['All'], preconditions: {} } }],
  ])('that is dry by %s takes neither the Pod nor a disruption', async (_name, more) => {
    const pod = await makePod({ isReady: true, status: { disruptionsAllowed: 1 } })
    const key = { namespace, name: pod.metadata.name ?? '' }
    expect(await evict(pod, more)).toBeUndefined()
    expect(await isGone(pod)).toBe(false)
    expect((await plane.client.get(POD_DISRUPTION_BUDGETS, key)).status).toMatchObject({ disruptionsAllowed: 1 })
    expect((await plane.client.get(PODS, key)).status?.conditions).toHaveLength(1)
    const refused = await evict(await makePod({ isReady: true, status: {} }), more)
    expect(refused).toMatchObject({ code: 429 })
  })

  it.each(['policy/v1', 'policy/v1beta1'])('may be sent as %s', async (apiVersion) => {
    const pod = await makePod({})
    expect(await evict(pod, { apiVersion })).toBeUndefined()
    expect(await isGone(pod)).toBe(true)
  })

  it('of a version nobody knows is refused', async () => {
    const pod = await makePod({})
    expect(await evict(pod, { apiVersion: 'policy/v2' })).toMatchObject({
      code: 400,
      message: 'the API version in the data (policy/v2) does not match the expected API version (policy/v1)',
    })
  })

  it('that is refused: what it must not be', async () => {
    const pod = await makePod({})
    const unsafe = { ignoreStoreReadErrorWithClusterBreakingPotential: true } as Eviction['deleteOptions'] & object
    expect(await evict(pod, { deleteOptions: unsafe })).toMatchObject({ code: 422, reason: 'Invalid' })
    expect(await evict(pod, { deleteOptions: { preconditions: { uid: 'other' } } })).toMatchObject({
      reason: 'Conflict',
      message: expect.stringContaining('The object might have been deleted and then recreated'),
    })
    expect(await evict(pod, { deleteOptions: { preconditions: { resourceVersion: '1' } } })).toMatchObject({
      reason: 'Conflict',
      message: expect.stringContaining('The object might have been modified'),
    })
    expect(await isGone(pod)).toBe(false)
  })

  it('of a Pod with two budgets is an error', async () => {
    const pod = await makePod({ isReady: true, status: { disruptionsAllowed: 1 } })
    const metadata = { namespace, name: 'second' }
    const spec = { selector: { matchLabels: pod.metadata.labels ?? {} } }
    await plane.client.create(POD_DISRUPTION_BUDGETS, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec,
    })
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    expect(await evict(pod)).toMatchObject({ code: 500, message })
  })
})

describe('a binding', () => {
  const bind = ({ metadata }: DeepReadonly<Pod>, more: object = {}, target = 'm') => {
    const { name = '' } = metadata
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, ...more }, target: { name: target } }
    return refusal(plane.client.createSubresource(PODS, { namespace, name }, 'binding', binding as KubeObject))
  }
  const unbound = async (more: Partial<Pod['spec']> = {}): Promise<DeepReadonly<Pod>> =>
    makePod({ phase: 'Pending' }, { nodeName: '', ...more })

  it('sets node, annotations, labels and the condition, and clears the nomination', async () => {
    const { metadata } = await unbound()
    const key = { namespace, name: metadata.name ?? '' }
    const conditions: PodCondition[] = [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' },
      { type: 'Other', status: 'True' },
    ]
    const body = { status: { nominatedNodeName: 'x', conditions } }
    const pod = await plane.client.patch(PODS, key, { type: 'merge', body }, { subresource: 'status' })
    expect(await bind(pod, { annotations: { a: '1' }, labels: { l: '2' } })).toBeUndefined()
    const bound = await plane.client.get(PODS, key)
    expect(bound.spec.nodeName).toBe('m')
    expect(bound.metadata).toMatchObject({ annotations: { a: '1' }, labels: { l: '2', for: key.name } })
    expect(bound.status?.nominatedNodeName).toBeUndefined()
    expect(bound.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }, { type: 'Other' }])
    expect(bound.status?.conditions?.[0]).not.toHaveProperty('reason')
    expect(await bind(bound)).toMatchObject({
      reason: 'Conflict',
      message: expect.stringContaining('already assigned'),
    })
  })

  it.each<[string, (pod: DeepReadonly<Pod>) => object, string | undefined]>([
    ['its uid', ({ metadata }) => ({ uid: metadata.uid }), undefined],
    ['its version', ({ metadata }) => ({ resourceVersion: metadata.resourceVersion }), undefined],
    ['another uid', () => ({ uid: 'other' }), 'Conflict'],
    ['another version', () => ({ resourceVersion: '1' }), 'Conflict'],
    ['its uid, another version', ({ metadata }) => ({ uid: metadata.uid, resourceVersion: '1' }), 'Conflict'],
    ['another name', () => ({ name: 'other' }), 'BadRequest'],
  ])('of a Pod with %s', async (_name, more, reason) => {
    const pod = await unbound()
    expect((await bind(pod, more(pod)))?.reason).toBe(reason)
    const { spec } = await plane.client.get(PODS, { namespace, name: pod.metadata.name ?? '' })
    expect(spec.nodeName ?? '').toBe(reason === undefined ? 'm' : '')
  })

  it('of a gated Pod, or of none, is refused', async () => {
    const gated = await unbound({ schedulingGates: [{ name: 'a.b/c' }] })
    expect(await bind(gated)).toMatchObject({ message: expect.stringContaining('non-empty .spec.schedulingGates') })
    expect(await bind({ ...gated, metadata: { name: 'none' } })).toMatchObject({ reason: 'NotFound' })
  })
})
