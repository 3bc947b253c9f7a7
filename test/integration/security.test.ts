import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiRequest, ApiServer } from '#apiserver/server/interfaces.ts'
import { clusterRoleAggregationController } from '#controllers/clusterrole-aggregation/reconciler.ts'
import { TOKEN_REVIEWS } from '#machinery/api/authentication/v1/resources.gen.ts'
import type { TokenRequest } from '#machinery/api/authentication/v1/types.gen.ts'
import { NAMESPACES, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Status } from '#machinery/api/meta/v1.ts'
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from '#machinery/api/rbac/v1/resources.gen.ts'
import type { PolicyRule, RoleRef, Subject } from '#machinery/api/rbac/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { discoverPreferredResources } from '#machinery/client/discovery.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

const RBAC = 'rbac.authorization.k8s.io'
const RBAC_VERSION = `${RBAC}/v1`
const SEED = 20_261_121

let clock: FakeClock
let plane: TestControlPlane
let server: ApiServer
let client: Client

beforeAll(async () => {
  clock = new FakeClock()
  plane = await startTestControlPlane({ clock, controllers: [clusterRoleAggregationController] })
  server = plane.server
  client = plane.client
  resources = await readResources()
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dev' }, spec: {} })
  await eventually(async () =>
    expect(await client.raw({ method: 'GET', path: '/readyz' })).toMatchObject({ status: 200 }),
  )
})

afterAll(() => plane.stop())

interface Answer {
  readonly status: number
  readonly body: unknown
}

/** One request as it would come from a socket, with nothing but what the headers say. */
async function send(
  method: string,
  path: string,
  token: string | undefined,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const [pathname = '', query = ''] = path.split('?')
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const request: ApiRequest = {
    method,
    path: pathname,
    query,
    headers: {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': contentType }),
      ...headers,
    },
    body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    remoteAddress: '127.0.0.1',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  }
  const response = await server.dispatch(request)
  if (response.body.type !== 'bytes') return { status: response.status, body: undefined }
  const text = Buffer.concat([...response.body.chunks]).toString()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
}

async function createAccount(name: string): Promise<void> {
  await client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace: 'dev', name },
  })
}

async function tokenFor(name: string, spec: Partial<TokenRequest['spec']> = {}): Promise<string> {
  const request: TokenRequest = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: {},
    spec: { expirationSeconds: 600, ...spec },
  }
  const key = { namespace: 'dev', name }
  const answer = await client.createSubresource<TokenRequest>(SERVICE_ACCOUNTS, key, 'token', request)
  return answer.status?.token ?? ''
}

async function grant(name: string, account: string, rules: PolicyRule[]): Promise<void> {
  const metadata = { name, namespace: 'dev' }
  await client.create(ROLES, { apiVersion: RBAC_VERSION, kind: 'Role', metadata, rules })
  const subjects: Subject[] = [{ kind: 'ServiceAccount', name: account, namespace: 'dev' }]
  const roleRef: RoleRef = { apiGroup: RBAC, kind: 'Role', name }
  await client.create(ROLE_BINDINGS, { apiVersion: RBAC_VERSION, kind: 'RoleBinding', metadata, roleRef, subjects })
}

/** mulberry32: the same attempts every time. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface Attempt {
  readonly method: string
  readonly path: string
  readonly message: string
}

interface ServedResource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly namespaced: boolean
}

/** Everybody may ask about themselves. */
const SELF_REVIEWS = /^selfsubject\w*reviews$/
/** Everything that is served, and something that is not. */
let resources: readonly ServedResource[] = []

async function readResources(): Promise<readonly ServedResource[]> {
  const { resources: served } = await discoverPreferredResources(client)
  return [
    ...served.filter(({ resource }) => !SELF_REVIEWS.test(resource)),
    { group: 'nobody.example.com', version: 'v1', resource: 'things', namespaced: true },
  ]
}

const VERBS = [
  { verb: 'get', method: 'GET', named: true, query: '' },
  { verb: 'list', method: 'GET', named: false, query: '' },
  { verb: 'watch', method: 'GET', named: false, query: '?watch=true' },
  { verb: 'create', method: 'POST', named: false, query: '' },
  { verb: 'update', method: 'PUT', named: true, query: '' },
  { verb: 'patch', method: 'PATCH', named: true, query: '' },
  { verb: 'delete', method: 'DELETE', named: true, query: '' },
  { verb: 'deletecollection', method: 'DELETE', named: false, query: '' },
] as const

/** Every verb on every resource, in a seeded order, in a namespace or not, on the object or a subresource of it. */
function attempts(user: string): Attempt[] {
  const random = seeded(SEED)
  const all = resources.flatMap((resource) => VERBS.map((verb) => ({ resource, verb })))
  for (let i = all.length - 1; i > 0; i--) {
    const j = random(i + 1)
    const swapped = all[i]
    all[i] = all[j] as (typeof all)[number]
    all[j] = swapped as (typeof all)[number]
  }
  return all.map(({ resource, verb }) => {
    const { group, version } = resource
    const needsNamespace = resource.namespaced && (verb.named || verb.verb === 'create' || random(2) === 0)
    // A request for one Namespace is authorized in that namespace.
    const namespace = needsNamespace ? 'dev' : resource.resource === 'namespaces' && verb.named ? 'kube-system' : ''
    const subresource = verb.named && verb.verb !== 'delete' && random(3) === 0 ? '/status' : ''
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
    const name = verb.named ? '/kube-system' : ''
    const path = `${root}${needsNamespace ? '/namespaces/dev' : ''}/${resource.resource}${name}${subresource}${verb.query}`
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
    const what = `resource "${resource.resource}${subresource}" in API group "${group}"`
    return { method: verb.method, path, message: `User "${user}" cannot ${verb.verb} ${what} ${where}` }
  })
}

const describeAnswer = ({ method, path }: Attempt, { status, body }: Answer): string =>
  `${method} ${path}: ${status} ${JSON.stringify(body)}`

async function expectForbidden(
  user: string,
  token: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const attempt of attempts(user)) {
    const body = attempt.method === 'GET' ? undefined : {}
    const answer = await send(attempt.method, attempt.path, token, body, headers)
    const text = describeAnswer(attempt, answer)
    expect(answer.status, text).toBe(403)
    expect((answer.body as Status).reason, text).toBe('Forbidden')
    expect((answer.body as Status).message, text).toContain(attempt.message)
  }
}

async function expectUnauthorized(token: string): Promise<void> {
  const paths = ['/healthz', '/version', '/api', '/metrics'].map((path) => ({ method: 'GET', path, message: '' }))
  for (const attempt of [...attempts(''), ...paths]) {
    const answer = await send(attempt.method, attempt.path, token, attempt.method === 'GET' ? undefined : {})
    const text = describeAnswer(attempt, answer)
    expect(answer.status, text).toBe(401)
    expect(answer.body, text).toMatchObject({
      kind: 'Status',
      reason: 'Unauthorized',
      message: 'Unauthorized',
      code: 401,
    })
  }
}

describe('anonymous requests', () => {
  it(`may do nothing (seed ${SEED})`, () => expectForbidden('system:anonymous', undefined))

  it.each(['/healthz', '/livez', '/readyz', '/version'])('may read %s', async (path) => {
    expect((await send('GET', path, undefined)).status).toBe(200)
  })

  it.each([
    '/',
    '/api',
    '/apis',
    '/apis/apps/v1',
    '/openapi/v2',
    '/metrics',
    '/healthz/ping',
    '/logs',
    '/.well-known/openid-configuration',
  ])('may not read %s', async (path) => {
    const { status, body } = await send('GET', path, undefined)
    expect(status).toBe(403)
    expect((body as Status).message).toContain(`User "system:anonymous" cannot get path "${path}"`)
  })

  it('may not claim to be somebody in headers', async () => {
    const response = await server.dispatch({
      method: 'GET',
      path: '/api/v1/secrets',
      query: '',
      headers: {
        'x-remote-user': 'system:admin',
        'x-remote-group': 'system:masters',
        'impersonate-user': 'system:admin',
      },
      body: undefined,
      remoteAddress: '127.0.0.1',
      peerCertificate: undefined,
      user: undefined,
      signal: new AbortController().signal,
    })
    expect(response.status).toBe(403)
  })
})

describe('a service account without bindings', () => {
  it(`may do nothing to objects (seed ${SEED})`, async () => {
    await createAccount('bare')
    await expectForbidden('system:serviceaccount:dev:bare', await tokenFor('bare'))
  })

  it('may discover, and ask about itself', async () => {
    const token = await tokenFor('bare')
    for (const path of ['/api', '/apis', '/apis/apps/v1', '/openapi/v3', '/version', '/healthz']) {
      expect((await send('GET', path, token)).status, path).toBe(200)
    }
    expect((await send('GET', '/metrics', token)).status).toBe(403)
    const whoami = await send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', token, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
    })
    expect(whoami).toMatchObject({
      status: 201,
      body: {
        status: {
          userInfo: {
            username: 'system:serviceaccount:dev:bare',
            groups: ['system:serviceaccounts', 'system:serviceaccounts:dev', 'system:authenticated'],
          },
        },
      },
    })
    const canI = await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', token, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { namespace: 'dev', verb: 'list', resource: 'pods' } },
    })
    expect(canI).toMatchObject({ status: 201, body: { status: { allowed: false } } })
  })

  it('may not impersonate', async () => {
    const answer = await server.dispatch({
      method: 'GET',
      path: '/api/v1/secrets',
      query: '',
      headers: { authorization: `Bearer ${await tokenFor('bare')}`, 'impersonate-user': 'system:admin' },
      body: undefined,
      remoteAddress: '127.0.0.1',
      peerCertificate: undefined,
      user: undefined,
      signal: new AbortController().signal,
    })
    expect(answer.status).toBe(403)
  })
})

describe('a token that is no good opens nothing, not even health', () => {
  it.each([
    ['unknown', () => 'no-such-token'],
    ['of the shape of a token', () => 'e30.e30.e30'],
    ['changed', async () => (await tokenFor('bad')).replace(/\.[^.]+$/, `.${'A'.repeat(86)}`)],
    ['for another audience', () => tokenFor('bad', { audiences: ['vault'] })],
  ])('%s', async (_, makeToken) => {
    await createAccount('bad').catch(() => undefined)
    await expectUnauthorized(await makeToken())
  })

  it('of a deleted account', async () => {
    await createAccount('gone')
    const token = await tokenFor('gone')
    expect((await send('GET', '/api', token)).status).toBe(200)
    await client.delete(SERVICE_ACCOUNTS, { namespace: 'dev', name: 'gone' })
    await expectUnauthorized(token)
    await createAccount('gone')
    await expectUnauthorized(token)
  })

  it('expired', async () => {
    await createAccount('late')
    const token = await tokenFor('late')
    clock.advance(600_000)
    expect((await send('GET', '/api', token)).status).toBe(200)
    clock.advance(61_000)
    await expectUnauthorized(token)
  })
})

describe('bindings', () => {
  it('grant exactly what their role holds, and take it back', async () => {
    await createAccount('reader')
    await grant('read-pods', 'reader', [{ verbs: ['list'], apiGroups: [''], resources: ['pods'] }])
    const token = await tokenFor('reader')
    await eventually(async () => expect((await send('GET', '/api/v1/namespaces/dev/pods', token)).status).toBe(200))
    for (const path of ['/api/v1/pods', '/api/v1/namespaces/default/pods', '/api/v1/namespaces/dev/secrets']) {
      expect((await send('GET', path, token)).status, path).toBe(403)
    }
    const rules = await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', token, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace: 'dev' },
    })
    expect(rules.body).toMatchObject({
      status: {
        resourceRules: expect.arrayContaining([{ verbs: ['list'], apiGroups: [''], resources: ['pods'] }]),
        nonResourceRules: expect.arrayContaining([expect.objectContaining({ verbs: ['get'] })]),
        incomplete: false,
      },
    })
    await client.delete(ROLE_BINDINGS, { namespace: 'dev', name: 'read-pods' })
    await eventually(async () => expect((await send('GET', '/api/v1/namespaces/dev/pods', token)).status).toBe(403))
  })

  it('cannot be used to climb', async () => {
    await createAccount('climber')
    await grant('manage-rbac', 'climber', [
      { verbs: ['*'], apiGroups: [RBAC], resources: ['roles', 'rolebindings'], resourceNames: [] },
    ])
    await client.update(ROLES, {
      apiVersion: RBAC_VERSION,
      kind: 'Role',
      metadata: { name: 'manage-rbac', namespace: 'dev' },
      rules: [{ verbs: ['create', 'update', 'patch', 'get'], apiGroups: [RBAC], resources: ['roles', 'rolebindings'] }],
    })
    const token = await tokenFor('climber')
    const roles = `/apis/${RBAC_VERSION}/namespaces/dev/roles`
    const role = (name: string, rules: PolicyRule[]): object => ({
      apiVersion: RBAC_VERSION,
      kind: 'Role',
      metadata: { name },
      rules,
    })
    const own = { verbs: ['get'], apiGroups: [RBAC], resources: ['roles'] }
    await eventually(async () => expect((await send('POST', roles, token, role('own', [own]))).status).toBe(201))
    const secrets = { verbs: ['get'], apiGroups: [''], resources: ['secrets'] }
    const refused = [
      await send('POST', roles, token, role('loot', [secrets])),
      await send('PUT', `${roles}/own`, token, role('own', [secrets])),
      await send('PUT', `${roles}/loot`, token, role('loot', [secrets])),
      await send('PATCH', `${roles}/own`, token, { rules: [secrets] }),
      await send('POST', `${roles}?dryRun=All`, token, role('loot', [secrets])),
    ]
    for (const { status, body } of refused) {
      expect(status, JSON.stringify(body)).toBe(403)
      expect((body as Status).message).toContain(
        'is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
      )
    }
    const binding = {
      apiVersion: RBAC_VERSION,
      kind: 'RoleBinding',
      metadata: { name: 'loot' },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'climber', namespace: 'dev' }],
    }
    expect((await send('POST', `/apis/${RBAC_VERSION}/namespaces/dev/rolebindings`, token, binding)).status).toBe(403)
  })
})

describe('the bootstrap policy', () => {
  it('is there, and admin, edit and view collect their rules, also from others', async () => {
    const names = (await client.list(CLUSTER_ROLES)).items.map(({ metadata }) => metadata.name)
    expect(names).toEqual(expect.arrayContaining(['cluster-admin', 'admin', 'edit', 'view', 'system:node']))
    expect((await client.list(CLUSTER_ROLE_BINDINGS)).items.length).toBeGreaterThan(40)
    const rulesOf = async (name: string) => (await client.get(CLUSTER_ROLES, { name })).rules ?? []
    await eventually(async () => expect((await rulesOf('admin')).length).toBeGreaterThan(20))
    const mine = { verbs: ['get'], apiGroups: ['mine.example.com'], resources: ['things'] }
    await client.create(CLUSTER_ROLES, {
      apiVersion: RBAC_VERSION,
      kind: 'ClusterRole',
      metadata: { name: 'mine', labels: { [`${RBAC}/aggregate-to-view`]: 'true' } },
      rules: [mine],
    })
    for (const name of ['view', 'edit', 'admin']) {
      await eventually(async () => expect(await rulesOf(name)).toContainEqual(mine))
    }
  })
})

describe('TokenReview', () => {
  it('tells whose token it is', async () => {
    await createAccount('reviewed')
    const spec = { token: await tokenFor('reviewed') }
    const review = await client.create(TOKEN_REVIEWS, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {},
      spec,
    })
    expect(review.status).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:dev:reviewed' },
    })
  })
})

describe('forged headers', () => {
  const frontProxy = { 'x-remote-user': 'system:admin', 'x-remote-group': 'system:masters', 'x-remote-uid': '1' }

  it(`of a front proxy are worth nothing without its certificate (seed ${SEED})`, async () => {
    await expectForbidden('system:anonymous', undefined, frontProxy)
    await createAccount('proxied')
    await expectForbidden('system:serviceaccount:dev:proxied', await tokenFor('proxied'), frontProxy)
  })

  it.each<[string, Record<string, string>]>([
    ['a user', { 'impersonate-user': 'system:admin' }],
    ['administrators', { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' }],
    ['another account', { 'impersonate-user': 'system:serviceaccount:kube-system:garbage-collector-controller' }],
    ['a node', { 'impersonate-user': 'system:node:n1' }],
    ['a UID', { 'impersonate-user': 'jane', 'impersonate-uid': '1' }],
    ['extra values', { 'impersonate-user': 'jane', 'impersonate-extra-scopes': 'all' }],
  ])('that impersonate %s are refused, whatever is asked', async (_name, headers) => {
    await createAccount('forger').catch(() => undefined)
    const token = await tokenFor('forger')
    for (const { method, path } of attempts('')) {
      const { status, body } = await send(method, path, token, method === 'GET' ? undefined : {}, headers)
      expect(status, `${method} ${path}`).toBe(403)
      expect((body as Status).message, `${method} ${path}`).toMatch(/cannot impersonate/)
    }
  })
})

describe('a node', () => {
  /** What all nodes may do, or may try: NodeRestriction and the objects themselves have the last word. */
  const OPEN = new Set([
    'create tokenreviews',
    'create subjectaccessreviews',
    'create localsubjectaccessreviews',
    'create certificatesigningrequests',
    'get certificatesigningrequests',
    'list certificatesigningrequests',
    'watch certificatesigningrequests',
    'create events',
    'update events',
    'patch events',
    'get endpoints',
    'create nodes',
    'update nodes',
    'patch nodes',
    'update nodes/status',
    'patch nodes/status',
    'create pods',
    'delete pods',
    'update pods/status',
    'patch pods/status',
    'create csinodes',
    'create resourceslices',
    ...['services', 'csidrivers', 'runtimeclasses'].flatMap((resource) =>
      ['get', 'list', 'watch'].map((verb) => `${verb} ${resource}`),
    ),
  ])

  it(`may not touch what is not its own (seed ${SEED})`, async () => {
    const user = 'system:node:n1'
    // Admission waits for it, and this clock stands still.
    await createAccount('default')
    const dispatch = server.clientFor({
      name: user,
      uid: '',
      groups: ['system:nodes', 'system:authenticated'],
      extra: new Map(),
    })
    for (const { method, path, message } of attempts(user)) {
      const [, verb = '', what = ''] = /cannot (\w+) resource "([^"]*)"/.exec(message) ?? []
      if (verb === 'watch') continue
      const isWrite = method !== 'GET'
      const { status, body } = await dispatch
        .raw({
          method: method as 'GET',
          path,
          headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
          ...(isWrite ? { body: {} } : {}),
        })
        .catch((err: { status?: Status }) => ({ status: err.status?.code ?? 0, body: err.status }))
      const text = `${method} ${path}: ${status} ${JSON.stringify(body)}`
      if (OPEN.has(`${verb} ${what}`)) {
        if (isWrite) expect(status, text).toBeGreaterThanOrEqual(400)
      } else expect(status, text).toBe(403)
    }
  })
})
