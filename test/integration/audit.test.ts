/** The audit events of requests against a real control plane: stages, levels, who, what, how it ended, annotations. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TokenIssuer } from '#apiserver/authentication/serviceaccount/token-issuer.ts'
import type { ApiRequest, ApiResponse } from '#apiserver/server/interfaces.ts'
import type { ControllerTools } from '#cli/server/control-plane.ts'
import { MUTATING_WEBHOOK_CONFIGURATIONS } from '#machinery/api/admissionregistration/v1/resources.gen.ts'
import type { MutatingWebhookConfiguration } from '#machinery/api/admissionregistration/v1/types.gen.ts'
import { CONFIG_MAPS, NAMESPACES, PODS, SECRETS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap, Pod, Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject, WatchEvent } from '#machinery/api/meta/v1.ts'
import type { LoggedEvent, RecordedAudit } from '../support/audit.ts'
import { recordAudit } from '../support/audit.ts'
import type { TestControlPlane } from '../support/control-plane.ts'
import { startTestControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { patchAnswer, startWebhookServer } from '../support/webhook-server.ts'

const POLICY = `
omitStages: [RequestReceived]
rules:
- { level: None, namespaces: [unseen] }
- { level: Metadata, resources: [{ group: "", resources: [secrets, serviceaccounts/token] }] }
- { level: Metadata, namespaces: [metadata] }
- { level: Request, namespaces: [request] }
- { level: RequestResponse, namespaces: [lean], omitManagedFields: true }
- { level: RequestResponse, omitStages: [], resources: [{ group: "*" }] }
- { level: RequestResponse, nonResourceURLs: ["/healthz*", "/version", "/nowhere"] }
- { level: Metadata }
`
const PLACES = ['unseen', 'metadata', 'request', 'lean', 'full']

let audit: RecordedAudit
let plane: TestControlPlane
let issuer: TokenIssuer
let count = 0

beforeAll(async () => {
  audit = recordAudit(POLICY)
  const controllers = ({ tokenIssuer }: ControllerTools) => {
    issuer = tokenIssuer
    return []
  }
  plane = await startTestControlPlane({ audit, controllers })
  for (const name of PLACES) await plane.client.create(NAMESPACES, namespaceObject(name))
})
afterAll(() => plane.stop())
beforeEach(() => {
  audit.events.length = 0
})

const namespaceObject = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
  spec: {},
})

const configMap = (namespace: string, more: object = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name: `map-${count++}` },
  data: { a: 'b' },
  ...more,
})

/** Without what a slow machine adds. */
const annotationsOf = (event: LoggedEvent | undefined): Record<string, string> => {
  const { 'apiserver.latency.k8s.io/total': _, ...annotations } = event?.annotations ?? {}
  return annotations
}

/** As an outside client sends it; as the administrator unless the headers say otherwise. */
function send(path: string, more: Partial<ApiRequest> = {}): Promise<ApiResponse> {
  const [plain = '', query = ''] = path.split('?')
  return plane.server.dispatch({
    method: 'GET',
    path: plain,
    query,
    body: undefined,
    remoteAddress: '10.1.2.3',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
    ...more,
    headers: { authorization: `Bearer ${plane.adminToken}`, ...more.headers },
  })
}

describe('one request', () => {
  it('is recorded with who, what, from where and how it ended', async () => {
    const headers = { 'audit-id': 'my-id', 'user-agent': 'tool/1.0', 'x-forwarded-for': '192.0.2.7, nonsense' }
    await send('/api/v1/namespaces/full/configmaps?limit=5', { headers })
    const [event, ...more] = audit.about('/configmaps')
    expect(more).toEqual([])
    expect(event).toMatchObject({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'RequestResponse',
      auditID: 'my-id',
      stage: 'ResponseComplete',
      requestURI: '/api/v1/namespaces/full/configmaps?limit=5',
      verb: 'list',
      user: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      sourceIPs: ['192.0.2.7', '10.1.2.3'],
      userAgent: 'tool/1.0',
      objectRef: { resource: 'configmaps', namespace: 'full', apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 200 },
      responseObject: { kind: 'ConfigMapList', items: [] },
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
    })
    expect(event?.requestReceivedTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect((event?.stageTimestamp ?? '') >= (event?.requestReceivedTimestamp ?? 'z')).toBe(true)
  })

  it('of this process is recorded as any other', async () => {
    await plane.client.get(NAMESPACES, { name: 'full' })
    expect(audit.about('/namespaces/full')).toMatchObject([
      { verb: 'get', user: { username: 'system:apiserver' }, stage: 'ResponseComplete' },
    ])
  })

  it('gets an ID of its own when it brings none', async () => {
    await plane.client.get(NAMESPACES, { name: 'full' })
    expect(audit.about('/namespaces/full')[0]?.auditID).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('has a long User-Agent cut', async () => {
    await send('/version', { headers: { 'user-agent': 'x'.repeat(2000) } })
    expect(audit.about('/version')[0]?.userAgent).toBe(`${'x'.repeat(1024)}...TRUNCATED`)
  })
})

describe('the level of the policy', () => {
  it('None leaves nothing', async () => {
    await plane.client.create(CONFIG_MAPS, configMap('unseen'))
    expect(audit.about('/unseen/')).toEqual([])
  })

  it.each([
    ['metadata', false, false],
    ['request', true, false],
    ['full', true, true],
  ])('of namespace %s decides what is recorded of a write', async (namespace, hasRequest, hasResponse) => {
    const map = configMap(namespace)
    await plane.client.create(CONFIG_MAPS, map)
    const [event] = audit.about('/configmaps')
    expect(event?.objectRef).toMatchObject({ name: map.metadata.name, namespace })
    expect([event?.requestObject !== undefined, event?.responseObject !== undefined]).toEqual([hasRequest, hasResponse])
    if (hasRequest) expect(event?.requestObject).toMatchObject({ kind: 'ConfigMap', data: { a: 'b' } })
    if (hasResponse) expect(event?.responseObject).toMatchObject({ metadata: { uid: expect.any(String) as string } })
  })

  it('keeps secrets and tokens out where it says Metadata', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'full', name: 's' },
      data: { k: 'c2VjcmV0' },
    }
    await plane.client.create(SECRETS, secret as Secret)
    await plane.client.list(SECRETS, { namespace: 'full' })
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'full', name: 'robot' } }
    await plane.client.create(SERVICE_ACCOUNTS, account)
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {},
    } as KubeObject
    await plane.client.createSubresource(SERVICE_ACCOUNTS, { namespace: 'full', name: 'robot' }, 'token', request)
    expect(JSON.stringify(audit.events)).not.toMatch(/c2VjcmV0|eyJ/)
    const issued = audit.events.find(({ objectRef }) => objectRef?.['subresource'] === 'token')
    expect(issued?.annotations?.['authentication.kubernetes.io/issued-credential-id']).toMatch(/^JTI=[0-9a-f-]{36}$/)
  })

  it('leaves managedFields out on request', async () => {
    await plane.client.create(CONFIG_MAPS, configMap('lean'))
    await plane.client.create(CONFIG_MAPS, configMap('full'))
    await plane.client.list(CONFIG_MAPS, { namespace: 'lean' })
    const [lean, full, list] = audit.about('/configmaps')
    expect(JSON.stringify(full?.responseObject)).toContain('managedFields')
    expect(JSON.stringify(lean?.responseObject)).not.toContain('managedFields')
    expect(list?.responseObject).toMatchObject({ items: [{ data: { a: 'b' } }] })
    expect(JSON.stringify(list?.responseObject)).not.toContain('managedFields')
  })

  it('records answers as JSON whatever the client reads', async () => {
    await plane.client.create(CONFIG_MAPS, configMap('full'))
    audit.events.length = 0
    for (const accept of [
      'application/vnd.kubernetes.protobuf',
      'application/yaml',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
    ]) {
      await send('/api/v1/namespaces/full/configmaps', { headers: { accept } })
    }
    const kinds = audit.about('/configmaps').map(({ responseObject }) => responseObject?.['kind'])
    expect(kinds).toEqual(['ConfigMapList', 'ConfigMapList', 'Table'])
  })
})

describe('the body of', () => {
  it('an update names the version it replaces', async () => {
    const created = await plane.client.create(CONFIG_MAPS, configMap('full'))
    await plane.client.update(CONFIG_MAPS, { ...created, data: { c: 'd' } })
    const { resourceVersion, uid } = created.metadata
    expect(audit.about('/configmaps').at(-1)).toMatchObject({
      verb: 'update',
      objectRef: { resourceVersion, uid },
      requestObject: { data: { c: 'd' } },
      responseObject: { data: { c: 'd' } },
    })
  })

  it('a patch is the patch', async () => {
    const map = configMap('full')
    await plane.client.create(CONFIG_MAPS, map)
    const { namespace = '', name = '' } = map.metadata
    const body = [{ op: 'add', path: '/data/x', value: 'y' }] as const
    await plane.client.patch(CONFIG_MAPS, { namespace, name }, { type: 'json', body })
    expect(audit.about('/configmaps').at(-1)).toMatchObject({ verb: 'patch', requestObject: body })
  })

  it('a delete is its options, and the answer a Status', async () => {
    const map = configMap('full')
    await plane.client.create(CONFIG_MAPS, map)
    const { namespace = '', name = '' } = map.metadata
    await plane.client.delete(CONFIG_MAPS, { namespace, name }, { propagationPolicy: 'Background' })
    expect(audit.about('/configmaps').at(-1)).toMatchObject({
      verb: 'delete',
      requestObject: { kind: 'DeleteOptions', propagationPolicy: 'Background' },
      responseStatus: { metadata: {}, status: 'Success', code: 200 },
      responseObject: { kind: 'Status', status: 'Success' },
    })
  })
})

describe('what fails', () => {
  it('for the object is recorded with its Status', async () => {
    await send('/api/v1/namespaces/full/configmaps/absent')
    expect(audit.about('/configmaps')).toMatchObject([
      {
        stage: 'ResponseComplete',
        responseStatus: {
          metadata: {},
          status: 'Failure',
          reason: 'NotFound',
          message: 'configmaps "absent" not found',
          code: 404,
        },
        responseObject: { kind: 'Status', code: 404 },
      },
    ])
  })

  it('for want of permission says so', async () => {
    const headers = { 'impersonate-user': 'nobody' }
    await send('/api/v1/namespaces/full/configmaps', { headers })
    expect(audit.about('/configmaps').at(-1)).toMatchObject({
      user: { username: 'admin' },
      impersonatedUser: { username: 'nobody', groups: ['system:authenticated'] },
      responseStatus: { reason: 'Forbidden', code: 403 },
      annotations: { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': '' },
    })
  })

  it('before anybody is known leaves one event without a user', async () => {
    await send('/api/v1/namespaces/full/configmaps', { headers: { authorization: 'Bearer wrong' } })
    await send('/api/v1/namespaces/full/configmaps?timeout=never')
    expect(audit.about('/configmaps')).toMatchObject([
      { stage: 'ResponseStarted', user: {}, responseStatus: { reason: 'Unauthorized', code: 401 } },
      { stage: 'ResponseStarted', user: {}, responseStatus: { reason: 'BadRequest', code: 400 } },
    ])
    expect(audit.about('/configmaps')[0]?.user).toEqual({})
  })

  it('in what is no resource is recorded, too', async () => {
    await send('/nowhere')
    expect(audit.about('/nowhere')).toMatchObject([{ verb: 'get', responseStatus: { code: 404 } }])
    expect(audit.about('/nowhere')[0]?.objectRef).toBeUndefined()
  })
})

describe('impersonation', () => {
  it('by the constrained mode names it', async () => {
    const binding = (name: string, role: string) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'User', name: 'clerk', apiGroup: 'rbac.authorization.k8s.io' }],
    })
    const path = '/apis/rbac.authorization.k8s.io/v1'
    const rules = [
      { apiGroups: ['authentication.k8s.io'], resources: ['users'], verbs: ['impersonate:user-info'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['impersonate-on:user-info:list'] },
    ]
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'clerks' },
      rules,
    }
    await plane.client.raw({ method: 'POST', path: `${path}/clusterroles`, body: role })
    await plane.client.raw({ method: 'POST', path: `${path}/clusterrolebindings`, body: binding('clerks', 'clerks') })
    const clerk = { name: 'clerk', uid: '', groups: ['system:authenticated'], extra: new Map() }
    await eventually(async () => {
      audit.events.length = 0
      await send('/api/v1/namespaces/full/configmaps', { user: clerk, headers: { 'impersonate-user': 'boss' } })
      expect(audit.about('/configmaps')).toMatchObject([
        {
          user: { username: 'clerk' },
          impersonatedUser: { username: 'boss' },
          authenticationMetadata: { impersonationConstraint: 'impersonate:user-info' },
        },
      ])
    })
  })

  it('leaves the reason that RBAC gave', async () => {
    const reader = { name: 'watcher', uid: '', groups: ['system:authenticated'], extra: new Map() }
    await send('/version/', { user: reader })
    await send('/openapi/v2', { user: reader })
    expect(annotationsOf(audit.about('/openapi')[0])).toEqual({
      'authorization.k8s.io/decision': 'allow',
      'authorization.k8s.io/reason':
        'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    })
  })
})

describe('a watch', () => {
  it('is recorded when it starts and when it ends', async () => {
    const stop = new AbortController()
    const events = plane.client.watch(CONFIG_MAPS, { namespace: 'full', signal: stop.signal })
    const reader = (async () => {
      const seen: unknown[] = []
      for await (const event of events) seen.push((event as WatchEvent).type)
      return seen
    })()
    await eventually(() => expect(audit.about('watch=')).toMatchObject([{ stage: 'ResponseStarted' }]))
    expect(audit.about('/configmaps')[0]?.responseObject).toBeUndefined()
    stop.abort()
    await reader
    await eventually(() =>
      expect(audit.about('watch=')).toMatchObject([
        { stage: 'ResponseStarted', verb: 'watch', responseStatus: { code: 200 } },
        { stage: 'ResponseComplete', verb: 'watch', responseStatus: { code: 200 } },
      ]),
    )
    const [started, complete] = audit.about('watch=')
    expect(started?.auditID).toBe(complete?.auditID)
  })

  it('that times out ends as well', async () => {
    const watched = plane.client.watch(CONFIG_MAPS, { namespace: 'metadata', timeoutSeconds: 1 })
    for await (const _ of watched) expect(_).toBeDefined()
    await eventually(() =>
      expect(audit.about('watch=').map(({ stage }) => stage)).toEqual(['ResponseStarted', 'ResponseComplete']),
    )
  })

  it('that is refused has both events, too', async () => {
    await send('/api/v1/namespaces/full/configmaps?watch=1&resourceVersion=nonsense')
    expect(audit.about('/configmaps')).toMatchObject([
      { stage: 'ResponseStarted', responseStatus: { code: 422 } },
      { stage: 'ResponseComplete', responseStatus: { code: 422 } },
    ])
  })
})

describe('annotations', () => {
  it('name the use of a deprecated API', async () => {
    await send('/api/v1/namespaces/full/endpoints')
    expect(audit.about('/endpoints')[0]?.annotations).toMatchObject({ 'k8s.io/deprecated': 'true' })
  })

  it('name the token Secret a request came with', async () => {
    const metadata = { namespace: 'full', name: 'old-robot' }
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata, secrets: [{ name: 'generated' }] }
    const { uid = '' } = (await plane.client.create(SERVICE_ACCOUNTS, account)).metadata
    for (const secretName of ['generated', 'own']) {
      const token = issuer.issueLegacy({ namespace: 'full', serviceAccount: { name: 'old-robot', uid }, secretName })
      const data = { token: Buffer.from(token).toString('base64') }
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'full', name: secretName }, data }
      await plane.client.create(SECRETS, secret)
      const { headers } = await send('/version', { headers: { authorization: `Bearer ${token}` } })
      expect(String(headers['warning'])).toMatch(
        secretName === 'generated' ? /Use tokens from the TokenRequest/ : 'undefined',
      )
    }
    const labels = { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' }
    const key = { namespace: 'full', name: 'own' }
    await plane.client.patch(SECRETS, key, { type: 'merge', body: { metadata: { labels } } })
    const { data = {} } = await plane.client.get(SECRETS, key)
    const invalid = Buffer.from(data['token'] ?? '', 'base64').toString()
    await send('/version', { headers: { authorization: `Bearer ${invalid}` } })
    const subject = 'system:serviceaccount:full:old-robot'
    expect(audit.about('/version').map(({ annotations }) => annotations)).toMatchObject([
      {
        'authentication.k8s.io/legacy-token': subject,
        'authentication.k8s.io/legacy-token-autogenerated-secret': 'generated',
      },
      { 'authentication.k8s.io/legacy-token': subject, 'authentication.k8s.io/legacy-token-manual-secret': 'own' },
      { 'authentication.k8s.io/legacy-token-invalidated': 'own/full' },
    ])
  })

  const pod = (namespace: string, spec: object = {}) =>
    ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name: `pod-${count++}` },
      spec: { containers: [{ name: 'a', image: 'b', ...spec }], serviceAccountName: 'default' },
    }) as unknown as Pod

  async function podPlace(name: string, labels: Record<string, string>): Promise<void> {
    await plane.client.create(NAMESPACES, namespaceObject(name, labels))
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: name, name: 'default' } }
    await plane.client.create(SERVICE_ACCOUNTS, account)
    audit.events.length = 0
  }

  it('of PodSecurity say what was enforced, and what would not do', async () => {
    await podPlace('watched-pods', {
      'pod-security.kubernetes.io/enforce': 'baseline',
      'pod-security.kubernetes.io/audit': 'restricted',
      'pod-security.kubernetes.io/audit-version': 'v1.30',
    })
    await plane.client.create(PODS, pod('watched-pods'))
    const refused = plane.client.create(PODS, pod('watched-pods', { securityContext: { privileged: true } }))
    await expect(refused).rejects.toThrow(/violates PodSecurity/)
    const [allowed, forbidden] = audit.about('/pods')
    expect(allowed?.annotations?.['pod-security.kubernetes.io/enforce-policy']).toBe('baseline:latest')
    expect(allowed?.annotations?.['pod-security.kubernetes.io/audit-violations']).toMatch(
      /^would violate PodSecurity "restricted:v1.30": allowPrivilegeEscalation != false \(container "a"/,
    )
    expect(forbidden?.annotations?.['pod-security.kubernetes.io/audit-violations']).toContain('privileged (container')
    expect(forbidden?.responseStatus?.['code']).toBe(403)
  })

  it('of PodSecurity are there without any policy, too', async () => {
    await podPlace('free-pods', {})
    await plane.client.create(PODS, pod('free-pods'))
    expect(audit.about('/pods')[0]?.annotations).toMatchObject({
      'pod-security.kubernetes.io/enforce-policy': 'privileged:latest',
    })
  })

  it('of webhooks are recorded, their patches where bodies are', async () => {
    const hooks = await startWebhookServer()
    const patch = [{ op: 'add', path: '/data/patched', value: 'yes' }]
    hooks.on('/mutate', () => ({ ...patchAnswer(patch), auditAnnotations: { note: 'seen', 'not/valid': 'x' } }))
    const configuration = {
      metadata: { name: 'notes' },
      webhooks: [
        {
          name: 'notes.example.com',
          clientConfig: { url: hooks.url('/mutate'), caBundle: hooks.caBundle },
          rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    } as unknown as MutatingWebhookConfiguration
    await plane.client.create(MUTATING_WEBHOOK_CONFIGURATIONS, configuration)
    audit.events.length = 0
    try {
      await plane.client.create(CONFIG_MAPS, configMap('metadata'))
      await plane.client.create(CONFIG_MAPS, configMap('request'))
    } finally {
      await plane.client.delete(MUTATING_WEBHOOK_CONFIGURATIONS, { name: 'notes' })
      await hooks.close()
    }
    const called = { configuration: 'notes', webhook: 'notes.example.com' }
    const notes = {
      'authorization.k8s.io/decision': 'allow',
      'authorization.k8s.io/reason': '',
      'mutation.webhook.admission.k8s.io/round_0_index_0': JSON.stringify({ ...called, mutated: true }),
      'notes.example.com/note': 'seen',
    }
    const [metadata, request] = audit.about('/configmaps')
    expect(annotationsOf(metadata)).toEqual(notes)
    const patched = JSON.stringify({ ...called, patch, patchType: 'JSONPatch' })
    expect(annotationsOf(request)).toEqual({ ...notes, 'patch.webhook.admission.k8s.io/round_0_index_0': patched })
    expect(request?.requestObject).not.toMatchObject({ data: { patched: 'yes' } })
  })
})

it('counts requests by level', async () => {
  const before = { ...audit.counts.levels }
  await plane.client.create(CONFIG_MAPS, configMap('unseen'))
  await plane.client.create(CONFIG_MAPS, configMap('request'))
  expect(audit.counts.levels.None).toBe(before.None + 1)
  expect(audit.counts.levels.Request).toBe(before.Request + 1)
})

it('records a body that cannot be read as a failure without it', async () => {
  const headers = { 'content-type': 'application/json' }
  await send('/api/v1/namespaces/full/configmaps', { method: 'POST', headers, body: Buffer.from('{"a":') })
  expect(audit.about('/configmaps')).toMatchObject([{ responseStatus: { code: 400 } }])
  expect(audit.about('/configmaps')[0]?.requestObject).toBeUndefined()
})
