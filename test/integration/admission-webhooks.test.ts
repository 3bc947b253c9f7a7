import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import {
  MUTATING_WEBHOOK_CONFIGURATIONS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '#machinery/api/admissionregistration/v1/resources.gen.ts'
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import { DEPLOYMENTS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment } from '#machinery/api/apps/v1/types.gen.ts'
import {
  CONFIG_MAPS,
  NAMESPACES,
  NODES,
  PODS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { Status } from '#machinery/api/meta/v1.ts'
import { CLUSTER_ROLES } from '#machinery/api/rbac/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isStatusError } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { patchAnswer, startWebhookServer, type WebhookServer } from '#test/support/webhook-server.ts'

let plane: TestControlPlane
let client: Client
let hooks: WebhookServer
let configurations: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  plane = await startTestControlPlane()
  client = plane.client
  hooks = await startWebhookServer()
  await createNamespace('dev')
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'dev' } }
  await client.create(SERVICE_ACCOUNTS, account)
})
afterAll(async () => {
  await plane.stop()
  await hooks.close()
})
beforeEach(() => {
  hooks.received.length = 0
})
afterEach(async () => {
  for (const remove of configurations) await remove()
  configurations = []
})

const createNamespace = (name: string, labels: Record<string, string> = {}) =>
  client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels }, spec: {} })

const CREATE_CONFIG_MAPS = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }
const ALLOWED = { allowed: true }

function webhook(path: string, more: object = {}) {
  return {
    name: `${path.slice(1)}.example.com`,
    clientConfig: { url: hooks.url(path), caBundle: hooks.caBundle },
    rules: [CREATE_CONFIG_MAPS],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...more,
  }
}

async function mutating(name: string, ...webhooks: object[]) {
  const configuration = { metadata: { name }, webhooks } as unknown as MutatingWebhookConfiguration
  configurations.push(() => client.delete(MUTATING_WEBHOOK_CONFIGURATIONS, { name }))
  return client.create(MUTATING_WEBHOOK_CONFIGURATIONS, configuration)
}

async function validating(name: string, ...webhooks: object[]) {
  const configuration = { metadata: { name }, webhooks } as unknown as ValidatingWebhookConfiguration
  configurations.push(() => client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, { name }))
  return client.create(VALIDATING_WEBHOOK_CONFIGURATIONS, configuration)
}

let count = 0
const newConfigMap = (more: object = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `c${count++}`, namespace: 'dev', ...more },
  data: { base: 'x' },
})
const create = (more: object = {}) => client.create(CONFIG_MAPS, newConfigMap(more))

async function statusOf(failing: Promise<unknown>): Promise<Status> {
  const err: unknown = await failing.then(
    () => new Error('it succeeded'),
    (err: unknown) => err,
  )
  if (isStatusError(err)) return err.status
  throw err
}

describe('match conditions of webhooks', () => {
  const conditions = (...expressions: string[]) => ({
    matchConditions: expressions.map((expression, i) => ({ name: `c${i}`, expression })),
  })

  it('decide whether a validating webhook is called', async () => {
    hooks.on('/chosen', () => ({ allowed: false }))
    await validating('chosen', webhook('/chosen', conditions('object.metadata.?labels.tier.orValue("") == "strict"')))
    await create()
    expect(hooks.received).toEqual([])
    expect((await statusOf(create({ labels: { tier: 'strict' } }))).code).toBe(400)
    expect(hooks.received).toHaveLength(1)
  })

  it('see what the mutating webhook before has left, the request, and what its user may do', async () => {
    const labelled = patchAnswer([{ op: 'add', path: '/metadata/labels', value: { by: 'first' } }])
    hooks.on('/first', () => labelled)
    hooks.on('/second', () => ALLOWED)
    await mutating('a', webhook('/first'))
    const allowed = 'authorizer.group("").resource("secrets").namespace(request.namespace).check("delete").allowed()'
    await mutating('b', webhook('/second', conditions('object.metadata.labels.by == "first"', allowed)))
    await create()
    expect(hooks.at('/second')).toHaveLength(1)
    await configurations.pop()?.()
    await mutating('c', webhook('/second', conditions('request.operation == "DELETE" || request.dryRun')))
    await create()
    expect(hooks.at('/second')).toHaveLength(1)
  })

  it('refuse or let through what they cannot tell, as failurePolicy says', async () => {
    hooks.on('/lost', () => ({ allowed: false }))
    await validating('lost', webhook('/lost', conditions('object.data.nothing == "x"')))
    const { metadata } = newConfigMap()
    const refused = await statusOf(create({ name: metadata.name }))
    expect({ code: refused.code, message: refused.message }).toEqual({
      code: 403,
      message:
        `configmaps "${metadata.name}" is forbidden: ` +
        `expression 'object.data.nothing == "x"' resulted in error: no such key: nothing`,
    })
    await configurations.pop()?.()
    await validating('lost', webhook('/lost', { ...conditions('object.data.nothing == "x"'), failurePolicy: 'Ignore' }))
    await create()
    expect(hooks.received).toEqual([])
  })

  it('are compiled when they are written', async () => {
    const refused = await statusOf(validating('typo', webhook('/typo', conditions('objct.kind == "Pod"'))))
    configurations = []
    expect(refused.details?.causes).toEqual([
      {
        reason: 'FieldValueInvalid',
        field: 'webhooks[0].matchConditions[0].expression',
        message:
          'Invalid value: "objct.kind == \\"Pod\\"": compilation failed: ERROR: <input>:1:1: ' +
          "undeclared reference to 'objct' (in container '')\n | objct.kind == \"Pod\"\n | ^",
      },
    ])
  })
})

describe('a validating webhook', () => {
  it('is shown the object, who asks and how, and lets it through', async () => {
    hooks.on('/see', () => ALLOWED)
    await validating('see', webhook('/see'))
    const { metadata } = await create({ labels: { a: 'b' } })
    const [review] = hooks.received
    expect(review?.query).toBe('timeout=10s')
    expect(review?.body).toMatchObject({
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        kind: { group: '', version: 'v1', kind: 'ConfigMap' },
        resource: { group: '', version: 'v1', resource: 'configmaps' },
        requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
        name: metadata.name,
        namespace: 'dev',
        operation: 'CREATE',
        userInfo: { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] },
        object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: metadata.name, labels: { a: 'b' } } },
        oldObject: null,
        dryRun: false,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      },
    })
  })

  it.each([
    ['a message', { message: 'no' }, 400, '', 'admission webhook "deny.example.com" denied the request: no'],
    [
      'code and reason',
      { code: 403, reason: 'Forbidden', message: 'not you' },
      403,
      'Forbidden',
      'admission webhook "deny.example.com" denied the request: not you',
    ],
    [
      'a reason only',
      { reason: 'Because' },
      400,
      'Because',
      'admission webhook "deny.example.com" denied the request: Because',
    ],
    ['nothing', undefined, 400, '', 'admission webhook "deny.example.com" denied the request without explanation'],
    [
      'a code that is no failure',
      { code: 200, message: 'odd' },
      400,
      '',
      'admission webhook "deny.example.com" denied the request: odd',
    ],
  ])('denies with %s', async (_what, status, code, reason, message) => {
    hooks.on('/deny', () => ({ allowed: false, ...(status === undefined ? {} : { status }) }))
    await validating('deny', webhook('/deny'))
    const denied = await statusOf(create())
    expect({ code: denied.code, reason: denied.reason ?? '', message: denied.message }).toEqual({
      code,
      reason,
      message,
    })
  })

  it('takes effect with the next request, and ends with it', async () => {
    hooks.on('/now', () => ({ allowed: false }))
    await create()
    await validating('now', webhook('/now'))
    expect((await statusOf(create())).code).toBe(400)
    await configurations.pop()?.()
    await create()
  })

  it('sees the old object of an update and a delete, and the patch as an update', async () => {
    hooks.on('/change', () => ALLOWED)
    const { metadata } = await create()
    const key = { namespace: 'dev', name: metadata.name ?? '' }
    await validating('change', webhook('/change', { rules: [{ ...CREATE_CONFIG_MAPS, operations: ['*'] }] }))
    await client.patch(CONFIG_MAPS, key, { type: 'merge', body: { data: { a: 'b' } } })
    await client.delete(CONFIG_MAPS, key)
    const [patched, deleted] = hooks.received.map(({ body }) => body.request)
    expect([patched.operation, patched.options.kind, patched.object.data, patched.oldObject.data]).toEqual([
      'UPDATE',
      'UpdateOptions',
      { base: 'x', a: 'b' },
      { base: 'x' },
    ])
    expect([deleted.operation, deleted.options.kind, deleted.object, deleted.oldObject.data]).toEqual([
      'DELETE',
      'DeleteOptions',
      null,
      { base: 'x', a: 'b' },
    ])
  })

  it('is asked for every object of a deletecollection', async () => {
    hooks.on('/each', () => ALLOWED)
    await create({ labels: { batch: 'x' } })
    await create({ labels: { batch: 'x' } })
    await validating('each', webhook('/each', { rules: [{ ...CREATE_CONFIG_MAPS, operations: ['DELETE'] }] }))
    await client.raw({ method: 'DELETE', path: '/api/v1/namespaces/dev/configmaps?labelSelector=batch%3Dx' })
    // The request has no name; what goes is the old object.
    const shown = hooks
      .at('/each')
      .map(({ body: { request } }) => ['name' in request, request.oldObject.metadata.labels])
    expect(shown).toEqual([
      [false, { batch: 'x' }],
      [false, { batch: 'x' }],
    ])
  })

  it('warns', async () => {
    hooks.on('/warn', () => ({ ...ALLOWED, warnings: ['take care'] }))
    await validating('warn', webhook('/warn'))
    const response = await plane.server.dispatch({
      method: 'POST',
      path: '/api/v1/namespaces/dev/configmaps',
      query: '',
      headers: { authorization: `Bearer ${plane.adminToken}` },
      body: Buffer.from(JSON.stringify(newConfigMap())),
      remoteAddress: '127.0.0.1',
      peerCertificate: undefined,
      user: undefined,
      signal: new AbortController().signal,
    })
    expect([response.status, response.headers['warning']]).toEqual([201, ['299 - "take care"']])
  })

  it('may not patch', async () => {
    hooks.on('/sneaky', () => patchAnswer([{ op: 'add', path: '/data', value: {} }]))
    await validating('sneaky', webhook('/sneaky'))
    expect((await statusOf(create())).message).toBe(
      'Internal error occurred: failed calling webhook "sneaky.example.com": received invalid webhook response: validating webhook may not return response.patch',
    )
  })

  it('answers first when several deny, in the order of their configurations', async () => {
    hooks.on('/a', async () => ({ allowed: false, status: { message: 'a' } }))
    hooks.on('/b', () => ({ allowed: false, status: { message: 'b' } }))
    await validating('2-second', webhook('/b'))
    await validating('1-first', webhook('/a'))
    expect((await statusOf(create())).message).toContain('denied the request: a')
    expect(hooks.received).toHaveLength(2)
  })
})

describe('which requests webhooks see', () => {
  const asked = async (more: object, request: () => Promise<unknown> = () => create()): Promise<number> => {
    hooks.on('/match', () => ALLOWED)
    await validating('match', webhook('/match', more))
    await request()
    return hooks.received.length
  }
  const rule = (more: object) => ({ rules: [{ ...CREATE_CONFIG_MAPS, ...more }] })

  it.each([
    ['the operation', rule({ operations: ['UPDATE'] }), 0],
    ['the group', rule({ apiGroups: ['apps'] }), 0],
    ['the version', rule({ apiVersions: ['v2'] }), 0],
    ['everything', rule({ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }), 1],
    ['every subresource only', rule({ resources: ['*/status'] }), 0],
    ['*/*', rule({ resources: ['*/*'] }), 1],
    ['namespaced scope', rule({ scope: 'Namespaced' }), 1],
    ['cluster scope', rule({ scope: 'Cluster' }), 0],
    ['a namespace that matches', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'dev' } } }, 1],
    [
      'a namespace that does not',
      {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['dev'] }],
        },
      },
      0,
    ],
    ['an object that does not match', { objectSelector: { matchLabels: { a: 'b' } } }, 0],
  ])('match by %s', async (_what, more, times) => {
    expect(await asked(more)).toBe(times)
  })

  it('match by the labels a Namespace itself will have', async () => {
    const more = {
      rules: [{ ...CREATE_CONFIG_MAPS, resources: ['namespaces'], scope: 'Cluster' }],
      namespaceSelector: { matchLabels: { team: 'x' } },
    }
    expect(await asked(more, () => createNamespace('team-x', { team: 'x' }))).toBe(1)
  })

  it('match when only the old object has the labels', async () => {
    const { metadata } = await create({ labels: { a: 'b' } })
    const more = { ...rule({ operations: ['UPDATE'] }), objectSelector: { matchLabels: { a: 'b' } } }
    const key = { namespace: 'dev', name: metadata.name ?? '' }
    const remove = { type: 'merge', body: { metadata: { labels: null } } } as const
    expect(await asked(more, () => client.patch(CONFIG_MAPS, key, remove))).toBe(1)
  })

  it('never are about webhook configurations', async () => {
    const everything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }
    hooks.on('/self', () => ({ allowed: false }))
    await validating('self', webhook('/self', { rules: [everything] }))
    await mutating('other', webhook('/self', { rules: [everything] }))
    await configurations.pop()?.()
    expect(hooks.received).toEqual([])
  })

  const HPA = (name: string, version: string) => ({
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      maxReplicas: 3,
      ...(version === 'v1' ? { targetCPUUtilizationPercentage: 50 } : {}),
    },
  })
  const HPA_PATH = '/apis/autoscaling/v1/namespaces/dev/horizontalpodautoscalers'
  const HPA_RULE = { ...CREATE_CONFIG_MAPS, apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'] }

  it('come in the version the webhook knows', async () => {
    const more = { rules: [{ ...HPA_RULE, apiVersions: ['v2'] }] }
    const post = { method: 'POST', path: HPA_PATH, body: HPA('equivalent', 'v1') } as const
    expect(await asked(more, () => client.raw(post))).toBe(1)
    const { request } = hooks.received[0]?.body ?? {}
    expect([request.resource.version, request.requestResource.version]).toEqual(['v2', 'v1'])
    expect(request.kind).toEqual({ group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' })
    expect(request.object).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: { metrics: [{ type: 'Resource', resource: { target: { averageUtilization: 50 } } }] },
    })
  })

  it('are left alone in other versions when the match must be exact', async () => {
    const more = { rules: [{ ...HPA_RULE, apiVersions: ['v2'] }], matchPolicy: 'Exact' }
    const post = { method: 'POST', path: HPA_PATH, body: HPA('exact', 'v1') } as const
    expect(await asked(more, () => client.raw(post))).toBe(0)
  })

  const EVENT = {
    metadata: { name: 'e', namespace: 'dev' },
    reason: 'Made',
    action: 'Make',
    type: 'Normal',
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingInstance: 'i',
  }
  const REGARDING = { kind: 'Pod', namespace: 'dev', name: 'p' }
  const CORE_EVENT = {
    ...EVENT,
    apiVersion: 'v1',
    kind: 'Event',
    message: 'text',
    involvedObject: REGARDING,
    reportingComponent: 'c',
  }
  const NEW_EVENT = {
    ...EVENT,
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    note: 'text',
    regarding: REGARDING,
    reportingController: 'c',
  }

  it.each([
    ['events.k8s.io', '', '/api/v1', CORE_EVENT, NEW_EVENT, '/note'],
    ['', 'events.k8s.io', '/apis/events.k8s.io/v1', NEW_EVENT, CORE_EVENT, '/message'],
  ] as const)(
    'of group "%s" are found in group "%s", in both directions',
    async (group, from, root, sent, shown, field) => {
      hooks.on('/event', () => patchAnswer([{ op: 'replace', path: field, value: 'changed' }]))
      await mutating(
        'event',
        webhook('/event', { rules: [{ ...CREATE_CONFIG_MAPS, apiGroups: [group], resources: ['events'] }] }),
      )
      const path = `${root}/namespaces/dev/events`
      const { status, body } = await client.raw({ method: 'POST', path, body: sent })
      expect(status).toBe(201)
      const { request } = hooks.received[0]?.body ?? {}
      expect(request.resource).toEqual({ group, version: 'v1', resource: 'events' })
      expect(request.requestResource).toEqual({ group: from, version: 'v1', resource: 'events' })
      expect(request.kind).toEqual({ group, version: 'v1', kind: 'Event' })
      expect(request.requestKind).toEqual({ group: from, version: 'v1', kind: 'Event' })
      expect(request.object).toMatchObject(shown)
      const text = from === '' ? { message: 'changed' } : { note: 'changed' }
      expect(body).toMatchObject({ ...sent, ...text })
      await client.raw({ method: 'DELETE', path: `${path}/e` })
    },
  )

  it.each([
    ['when the match must be exact', { matchPolicy: 'Exact' }, ['events']],
    ['when the rule names another resource', {}, ['pods']],
  ])('are left alone in other groups %s', async (_, more, resources) => {
    const rules = [{ ...CREATE_CONFIG_MAPS, apiGroups: ['events.k8s.io'], resources }]
    const body = { ...CORE_EVENT, metadata: { generateName: 'e-', namespace: 'dev' } }
    const post = { method: 'POST', path: '/api/v1/namespaces/dev/events', body } as const
    expect(await asked({ rules, ...more }, () => client.raw(post))).toBe(0)
  })

  it('include subresources: scale as a Scale, bindings as a Binding', async () => {
    const labels = { app: 'x' }
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    }
    await client.create(DEPLOYMENTS, { metadata: { name: 'scaled', namespace: 'dev' }, spec } as unknown as Deployment)
    hooks.on('/sub', (review) =>
      review.body.request.subResource === 'scale'
        ? patchAnswer([{ op: 'replace', path: '/spec/replicas', value: 7 }])
        : ALLOWED,
    )
    const rules = [
      {
        ...CREATE_CONFIG_MAPS,
        operations: ['*'],
        apiGroups: ['', 'apps'],
        resources: ['deployments/scale', 'pods/binding'],
      },
    ]
    await mutating('sub', webhook('/sub', { rules }))
    await client.patch(
      DEPLOYMENTS,
      { namespace: 'dev', name: 'scaled' },
      { type: 'merge', body: { spec: { replicas: 3 } } },
      { subresource: 'scale' },
    )
    expect((await client.get(DEPLOYMENTS, { namespace: 'dev', name: 'scaled' })).spec?.replicas).toBe(7)
    const pod = { metadata: { name: 'p', namespace: 'dev' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    await client.create(PODS, pod as unknown as Pod)
    await client.raw({
      method: 'POST',
      path: '/api/v1/namespaces/dev/pods/p/binding',
      body: { target: { kind: 'Node', name: 'n' } },
    })
    const seen = hooks.received.map(({ body: { request } }) => [request.kind.kind, request.resource.resource])
    expect(seen).toEqual([
      ['Scale', 'deployments'],
      ['Binding', 'pods'],
    ])
    expect(hooks.received[0]?.body.request.object.spec).toEqual({ replicas: 3 })
  })

  it('include the Scale of a custom resource in another version', async () => {
    const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
    const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' }
    const versionOf = (name: string, storage: boolean) => ({
      name,
      served: true,
      storage,
      schema: { openAPIV3Schema },
      subresources: { scale },
    })
    const names = { plural: 'sizes', singular: 'size', kind: 'Size', listKind: 'SizeList' }
    const versions = [versionOf('v1', true), versionOf('v2', false)]
    const spec = { group: 'example.com', scope: 'Namespaced', names, versions }
    const definition = { metadata: { name: 'sizes.example.com' }, spec }
    await client.raw({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body: definition,
    })
    const path = '/apis/example.com/v2/namespaces/dev/sizes'
    const body = { apiVersion: 'example.com/v2', kind: 'Size', metadata: { name: 's' }, spec: { replicas: 1 } }
    await eventually(async () => expect((await client.raw({ method: 'POST', path, body })).status).toBe(201))
    const rules = [{ ...CREATE_CONFIG_MAPS, operations: ['*'], apiGroups: ['example.com'], resources: ['sizes/scale'] }]
    const put = { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 's' }, spec: { replicas: 2 } }
    expect(await asked({ rules }, () => client.raw({ method: 'PUT', path: `${path}/s/scale`, body: put }))).toBe(1)
    const { request } = hooks.received[0]?.body ?? {}
    expect([request.resource.version, request.requestResource.version]).toEqual(['v1', 'v2'])
    expect(request.kind).toEqual({ group: 'autoscaling', version: 'v1', kind: 'Scale' })
  })
})

describe('a mutating webhook', () => {
  const add = (path: string, value: unknown) => ({ op: 'add', path, value })

  it('changes what is stored, decoded and defaulted like a request', async () => {
    hooks.on('/pod', () =>
      patchAnswer([
        add('/spec/containers/-', { name: 'sidecar', image: 'proxy:1', nonsense: true }),
        add('/metadata/labels', { injected: 'yes' }),
      ]),
    )
    await mutating('pod', webhook('/pod', { rules: [{ ...CREATE_CONFIG_MAPS, resources: ['pods'] }] }))
    const pod = { metadata: { name: 'mutated', namespace: 'dev' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const { spec, metadata } = await client.create(PODS, pod as unknown as Pod)
    expect(metadata.labels).toEqual({ injected: 'yes' })
    expect(spec?.containers[1]).toMatchObject({ name: 'sidecar', imagePullPolicy: 'IfNotPresent' })
    expect(spec?.containers[1]).not.toHaveProperty('nonsense')
  })

  it('works on what the one before it has left; validation comes after both', async () => {
    hooks.on('/one', () => patchAnswer([add('/data/one', '1')]))
    hooks.on('/two', ({ body }) => patchAnswer([add('/data/two', `${body.request.object.data.one}2`)]))
    hooks.on('/last', ({ body }) => ({ allowed: body.request.object.data.two === '12' }))
    await validating('last', webhook('/last'))
    await mutating('b', webhook('/two'))
    await mutating('a', webhook('/one'))
    expect((await create()).data).toEqual({ base: 'x', one: '1', two: '12' })
  })

  it('is called again when something changed after it, and it asked for that', async () => {
    hooks.on('/again', ({ body }) =>
      body.request.object.data.late === 'x' ? patchAnswer([add('/data/saw', 'x')]) : ALLOWED,
    )
    hooks.on('/never', () => ALLOWED)
    hooks.on('/late', () => patchAnswer([add('/data/late', 'x')]))
    await mutating('order', webhook('/again', { reinvocationPolicy: 'IfNeeded' }), webhook('/never'), webhook('/late'))
    expect((await create()).data).toEqual({ base: 'x', late: 'x', saw: 'x' })
    expect(hooks.received.map(({ path }) => path)).toEqual(['/again', '/never', '/late', '/again'])
  })

  it('is not called again for its own change', async () => {
    hooks.on('/own', () => patchAnswer([add('/data/own', 'x')]))
    await mutating('own', webhook('/own', { reinvocationPolicy: 'IfNeeded' }))
    await create()
    expect(hooks.received).toHaveLength(1)
  })

  it.each([
    [
      'a patch without its type',
      { allowed: true, patch: 'W10=' },
      'failed calling webhook "bad.example.com": received invalid webhook response: webhook returned response.patch but not response.patchType',
    ],
    [
      'a type without a patch',
      { allowed: true, patchType: 'JSONPatch' },
      'failed calling webhook "bad.example.com": received invalid webhook response: webhook returned response.patchType but not response.patch',
    ],
    [
      'an unknown type',
      { allowed: true, patch: 'W10=', patchType: 'Merge' },
      'failed calling webhook "bad.example.com": unsupported patch type "Merge"',
    ],
    [
      'another uid',
      { allowed: true, uid: 'x' },
      /^failed calling webhook "bad\.example\.com": received invalid webhook response: expected response\.uid="[-0-9a-f]{36}", got "x"$/,
    ],
    ['a wrong type in the patch', patchAnswer([{ op: 'add', path: '/data', value: 5 }]), /ConfigMap/],
    ['a patch that does not apply', patchAnswer([{ op: 'remove', path: '/nothing' }]), /nothing/],
  ])('fails the request with %s', async (_what, answer, message) => {
    hooks.on('/bad', () => answer)
    await mutating('bad', webhook('/bad'))
    const status = await statusOf(create())
    expect(status.code).toBe(500)
    const text = (status.message ?? '').replace('Internal error occurred: ', '')
    if (typeof message === 'string') expect(text).toBe(message)
    else expect(text).toMatch(message)
  })

  it('may not change what is deleted', async () => {
    hooks.on('/delete', () => patchAnswer([add('/data', {})]))
    const { metadata } = await create()
    await mutating('delete', webhook('/delete', { rules: [{ ...CREATE_CONFIG_MAPS, operations: ['DELETE'] }] }))
    const status = await statusOf(client.delete(CONFIG_MAPS, { namespace: 'dev', name: metadata.name ?? '' }))
    expect(status.message).toContain('attempted to modify the object, which is not supported for this operation')
  })
})

describe('failures', () => {
  it('fail the request, or not, as failurePolicy says', async () => {
    hooks.on('/broken', () => ({ http: 500, text: 'oops' }))
    await validating('broken', webhook('/broken'))
    expect((await statusOf(create())).message).toBe(
      'Internal error occurred: failed calling webhook "broken.example.com": failed to call webhook: an error on the server ("oops") has prevented the request from succeeding',
    )
    await configurations.pop()?.()
    await validating('open', webhook('/broken', { failurePolicy: 'Ignore' }))
    await create()
    expect(hooks.received).toHaveLength(2)
  })

  it.each([
    ['404', { http: 404, text: '' }, 'the server could not find the requested resource'],
    [
      'a redirect',
      { http: 302, text: '' },
      'the server responded with the status code 302 but did not return more information',
    ],
    ['no review', { http: 200, text: '{}' }, 'webhook response was absent'],
    ['no JSON', { http: 200, text: 'hello' }, "couldn't get version/kind; json parse error"],
    ['another kind', { http: 200, text: '{"response":{}}' }, 'expected response.uid='],
  ])('name what was wrong with %s', async (_what, answer, text) => {
    hooks.on('/wrong', () => answer)
    await validating('wrong', webhook('/wrong'))
    expect((await statusOf(create())).message).toContain(text)
    expect(hooks.at('/elsewhere')).toEqual([])
  })

  it('say that nobody listens', async () => {
    const gone = await startWebhookServer()
    await gone.close()
    await validating('gone', webhook('/x', { clientConfig: { url: gone.url('/x') } }))
    expect((await statusOf(create())).message).toBe(
      `Internal error occurred: failed calling webhook "x.example.com": failed to call webhook: Post "${gone.url('/x')}?timeout=10s": dial tcp 127.0.0.1:${gone.port}: connect: connection refused`,
    )
  })

  it('say that the certificate is of nobody we know', async () => {
    await validating('unknown', webhook('/x', { clientConfig: { url: hooks.url('/x') } }))
    expect((await statusOf(create())).message).toContain('x509: certificate signed by unknown authority')
    expect(hooks.received).toEqual([])
  })

  it('end with the webhook’s timeout', async () => {
    hooks.on('/slow', () => new Promise(() => {}))
    await validating('slow', webhook('/slow', { timeoutSeconds: 1 }))
    expect((await statusOf(create())).message).toContain(
      `Post "${hooks.url('/slow')}?timeout=1s": context deadline exceeded`,
    )
  })

  it('are told what is left of the request’s time, when that is less', async () => {
    hooks.on('/told', () => ALLOWED)
    await validating('told', webhook('/told', { timeoutSeconds: 20 }))
    const path = '/api/v1/namespaces/dev/configmaps'
    const post = { method: 'POST', body: newConfigMap() } as const
    await client.raw({ ...post, path: `${path}?timeout=9s&dryRun=All` })
    await client.raw({ ...post, path: `${path}?timeout=25s&dryRun=All` })
    expect(hooks.at('/told').map(({ query }) => query)).toEqual(['timeout=9s', 'timeout=20s'])
  })

  it('say that a service is missing', async () => {
    const service = { namespace: 'hooks', name: 'hook', path: '/svc' }
    await validating('service', webhook('/svc', { clientConfig: { service, caBundle: hooks.caBundle } }))
    expect((await statusOf(create())).message).toContain(
      'Post "https://hook.hooks.svc:443/svc?timeout=10s": service "hook" not found',
    )
  })
})

it('a webhook on a simulated node fails at once, as failurePolicy says', async () => {
  const namespace = 'simulated'
  await createNamespace(namespace)
  const nodeInfo = { containerRuntimeVersion: 'simulated://1.36.0' }
  await client.create(NODES, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'sim' },
    spec: {},
    status: { nodeInfo },
  } as never)
  const spec = { clusterIP: 'None', ports: [{ port: 443 }] }
  await client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook', namespace }, spec })
  await client.create(ENDPOINT_SLICES, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'hook', namespace, labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 443 }],
    endpoints: [{ addresses: ['198.18.0.9'], nodeName: 'sim' }],
  })
  const clientConfig = { service: { namespace, name: 'hook' }, caBundle: hooks.caBundle }
  const open = { clientConfig, failurePolicy: 'Ignore', timeoutSeconds: 30 }
  await validating('simulated-open', webhook('/sim-open', open))
  await create()
  await validating('simulated', webhook('/sim', { ...open, failurePolicy: 'Fail' }))
  expect((await statusOf(create())).message).toContain('node "sim" is simulated and runs nothing: nobody listens on it')
})

describe('where webhooks are', () => {
  it('follows a service under the name its certificate must have', async () => {
    await createNamespace('hooks')
    await client.create(SERVICES, {
      metadata: { name: 'hook', namespace: 'hooks' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    } as never)
    hooks.on('/svc', () => ALLOWED)
    const service = { namespace: 'hooks', name: 'hook', path: '/svc', port: hooks.port }
    await validating('service', webhook('/svc', { clientConfig: { service, caBundle: hooks.caBundle } }))
    await create()
    expect(hooks.received.map(({ host }) => host)).toEqual([`hook.hooks.svc:${hooks.port}`])
  })

  it('speaks v1beta1 with who knows no better', async () => {
    hooks.on('/old', () => ({ ...ALLOWED, uid: 'whatever' }))
    await validating('old', webhook('/old', { admissionReviewVersions: ['v1beta1'] }))
    await create()
    expect(hooks.received[0]?.body.apiVersion).toBe('admission.k8s.io/v1beta1')
  })
})

describe('dry run', () => {
  const dryRun = () => client.create(CONFIG_MAPS, newConfigMap(), { dryRun: true })

  it('calls webhooks without side effects', async () => {
    hooks.on('/dry', () => ALLOWED)
    await validating('dry', webhook('/dry', { sideEffects: 'NoneOnDryRun' }))
    await dryRun()
    expect(hooks.received[0]?.body.request.dryRun).toBe(true)
  })
})

describe('metrics', () => {
  it('count calls, rejections and failures that were let through', async () => {
    hooks.on('/m-deny', () => ({ allowed: false, status: { code: 403 } }))
    hooks.on('/m-open', () => ({ http: 503, text: '' }))
    await validating('m', webhook('/m-deny'), webhook('/m-open', { failurePolicy: 'Ignore' }))
    await statusOf(create())
    const text = await plane.metrics.metrics()
    const prefix = 'apiserver_admission_webhook'
    const labels = (name: string) => `name="${name}.example.com",type="validating",operation="CREATE"`
    expect(text).toContain(`${prefix}_request_total{${labels('m-deny')},code="403",rejected="true"} 1`)
    expect(text).toContain(`${prefix}_request_total{${labels('m-open')},code="503",rejected="false"} 1`)
    expect(text).toContain(
      `${prefix}_rejection_count{${labels('m-deny')},error_type="no_error",rejection_code="403"} 1`,
    )
    expect(text).toContain(`${prefix}_fail_open_count{name="m-open.example.com",type="validating"} 1`)
    expect(text).toContain(`${prefix}_admission_duration_seconds_count{${labels('m-deny')},rejected="true"} 1`)
  })

  it('measure plugins and steps, by operation and outcome', async () => {
    hooks.on('/m-step', () => ({ allowed: false, status: { code: 403 } }))
    await validating('m-step', webhook('/m-step'))
    const count = async (metric: string): Promise<number> => {
      const lines = (await plane.metrics.metrics()).split('\n')
      return Number(
        lines
          .find((line) => line.startsWith(metric))
          ?.split(' ')
          .at(-1) ?? 0,
      )
    }
    const prefix = 'apiserver_admission'
    const labels = (rejected: boolean): string => `type="validate",operation="CREATE",rejected="${rejected}"`
    const plugin = `${prefix}_controller_admission_duration_seconds_count{name="ValidatingAdmissionWebhook",${labels(true)}}`
    const step = `${prefix}_step_admission_duration_seconds_count{${labels(true)}}`
    const before = [await count(plugin), await count(step)]
    await statusOf(create())
    expect([await count(plugin), await count(step)]).toEqual(before.map((value) => value + 1))
    const admitted = `${prefix}_controller_admission_duration_seconds_count{name="NamespaceLifecycle",type="admit"`
    expect(await count(admitted)).toBeGreaterThan(0)
    expect(await count(`${prefix}_step_admission_duration_seconds_count{type="admit"`)).toBeGreaterThan(0)
  })
})

it('a webhook that is down does not keep the server from starting', async () => {
  const storage = new MemoryStorage({ clock: systemClock })
  const first = await startTestControlPlane({ storage })
  await first.client.delete(CLUSTER_ROLES, { name: 'view' })
  const everything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }
  const down = webhook('/down', { rules: [everything], clientConfig: { url: 'https://127.0.0.1:1/' } })
  const configuration = { metadata: { name: 'down' }, webhooks: [down] } as unknown as ValidatingWebhookConfiguration
  await first.client.create(VALIDATING_WEBHOOK_CONFIGURATIONS, configuration)
  await first.stop()
  const second = await startTestControlPlane({ storage })
  expect((await second.client.get(CLUSTER_ROLES, { name: 'view' })).metadata.name).toBe('view')
  expect((await statusOf(second.client.delete(CLUSTER_ROLES, { name: 'view' }))).message).toContain(
    'connection refused',
  )
  await second.stop()
  await storage.close()
})
