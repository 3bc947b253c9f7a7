import { describe, expect, it } from 'vitest'
import { CONFIG_MAPS as CONFIG_MAPS_RESOURCE } from '#machinery/api/core/v1/resources.gen.ts'
import type { TestServerOptions } from '#test/contract/resource-server.ts'
import { ADMIN, openSchema, plainResource, startTestServer } from '#test/contract/resource-server.ts'
import { eventually } from '#test/support/eventually.ts'
import type { Authenticator } from '../authentication/interfaces.ts'
import type { Authorizer } from '../authorization/interfaces.ts'
import type { ApiServer } from './interfaces.ts'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const nobodyStops = new AbortController().signal

interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

async function ask(server: ApiServer, { method = 'GET', path, headers = {}, body }: Question) {
  const [bare = '', query = ''] = path.split('?')
  const response = await server.dispatch({
    method,
    path: bare,
    query,
    headers,
    body: body === undefined ? undefined : { decoded: body },
    remoteAddress: '',
    peerCertificate: undefined,
    user: undefined,
    signal: nobodyStops,
  })
  const bytes = response.body.type === 'bytes' ? Buffer.concat(response.body.chunks).toString() : ''
  const isJson = String(response.headers['content-type']).startsWith('application/json')
  const body_: unknown = isJson && bytes !== '' ? JSON.parse(bytes) : bytes
  return { status: response.status, headers: response.headers, body: body_ }
}

const start = (options?: TestServerOptions): ApiServer => startTestServer(options).server
const create = (server: ApiServer, name: string, extra: object = {}) =>
  ask(server, { method: 'POST', path: CONFIG_MAPS, body: { metadata: { name, ...extra } } })

describe('routing', () => {
  it.each([
    ['an unknown resource', 'GET', '/api/v1/namespaces/default/things', 404, 'NotFound'],
    ['an unknown group', 'GET', '/apis/nope/v1/things', 404, 'NotFound'],
    ['an unknown subresource', 'GET', `${CONFIG_MAPS}/a/status`, 404, 'NotFound'],
    ['a path that is too deep', 'GET', `${CONFIG_MAPS}/a/b/c`, 404, 'NotFound'],
    ['POST to an object', 'POST', `${CONFIG_MAPS}/a`, 405, 'MethodNotAllowed'],
    ['PUT to a collection', 'PUT', CONFIG_MAPS, 405, 'MethodNotAllowed'],
    ['POST across all namespaces', 'POST', '/api/v1/configmaps', 405, 'MethodNotAllowed'],
    ['POST to discovery', 'POST', '/apis', 405, 'MethodNotAllowed'],
    ['a path that cannot be decoded', 'GET', '/api/v1/%zz', 400, 'BadRequest'],
  ])('answers a Status for %s', async (_name, method, path, code, reason) => {
    expect(await ask(start(), { method, path })).toMatchObject({ status: code, body: { kind: 'Status', reason, code } })
  })

  it('lists across namespaces', async () => {
    const server = start()
    await create(server, 'a')
    const { body } = await ask(server, { path: '/api/v1/configmaps' })
    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', items: [{ metadata: { name: 'a' } }] })
  })
})

describe('authorization', () => {
  const denyAll: Authorizer = { authorize: () => ({ decision: 'NoOpinion', reason: '' }) }

  it.each([
    [
      CONFIG_MAPS,
      'configmaps is forbidden: User "admin" cannot list resource "configmaps" in API group "" in the namespace "default"',
    ],
    [
      `${CONFIG_MAPS}/x`,
      'configmaps "x" is forbidden: User "admin" cannot get resource "configmaps" in API group "" in the namespace "default"',
    ],
    [
      '/api/v1/nodes',
      'nodes is forbidden: User "admin" cannot list resource "nodes" in API group "" at the cluster scope',
    ],
    ['/metrics', 'forbidden: User "admin" cannot get path "/metrics"'],
  ])('says who may not do what: %s', async (path, message) => {
    expect(await ask(start({ authorizer: denyAll }), { path })).toMatchObject({
      status: 403,
      body: { reason: 'Forbidden', message },
    })
  })

  it('asks for the name that a field selector pins', async () => {
    const names: string[] = []
    const authorizer: Authorizer = {
      authorize({ name }) {
        names.push(name)
        return { decision: 'Allow', reason: '' }
      },
    }
    await ask(start({ authorizer }), { path: `${CONFIG_MAPS}?fieldSelector=metadata.name%3Dpinned` })
    expect(names).toEqual(['pinned'])
  })
})

describe('impersonation', () => {
  const recording = (allowed: (resource: string) => boolean) => {
    const seen: string[] = []
    const authorizer: Authorizer = {
      authorize({ user, verb, resource, name, namespace }) {
        seen.push(`${user.name} ${verb} ${resource} ${namespace} ${name}`.trim())
        return {
          decision:
            verb !== 'impersonate'
              ? verb.startsWith('impersonate')
                ? 'NoOpinion'
                : 'Allow'
              : allowed(resource)
                ? 'Allow'
                : 'NoOpinion',
          reason: '',
        }
      },
    }
    return { seen, authorizer }
  }

  it('acts as the other user once every part of the identity is allowed', async () => {
    const { seen, authorizer } = recording(() => true)
    const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'devs, ops' }
    expect(await ask(start({ authorizer }), { path: CONFIG_MAPS, headers })).toMatchObject({ status: 200 })
    expect(seen).toEqual([
      'admin impersonate-on:user-info:list configmaps default',
      'admin impersonate users  jane',
      'admin impersonate groups  devs',
      'admin impersonate groups  ops',
      'jane list configmaps default',
    ])
  })

  it('refuses when one part is not allowed', async () => {
    const { authorizer } = recording((resource) => resource === 'users')
    const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'devs' }
    expect(await ask(start({ authorizer }), { path: CONFIG_MAPS, headers })).toMatchObject({
      status: 403,
      body: {
        message:
          'configmaps is forbidden: User "admin" cannot impersonate-on:user-info:list resource "configmaps" in API group "" in the namespace "default"',
      },
    })
  })

  it('checks service accounts in their namespace', async () => {
    const { seen, authorizer } = recording(() => true)
    await ask(start({ authorizer }), {
      path: CONFIG_MAPS,
      headers: { 'impersonate-user': 'system:serviceaccount:ns:bot' },
    })
    expect(seen).toContain('admin impersonate serviceaccounts ns bot')
  })

  it('may be tied to what is done: listing as a node, for example', async () => {
    const allowed = [
      'impersonate-on:arbitrary-node:list configmaps',
      'impersonate:arbitrary-node nodes',
      'list configmaps',
    ]
    const users: string[][] = []
    const authorizer: Authorizer = {
      authorize({ user, verb, resource }) {
        if (!verb.startsWith('impersonate')) users.push([user.name, ...user.groups])
        return { decision: allowed.includes(`${verb} ${resource}`) ? 'Allow' : 'NoOpinion', reason: '' }
      },
    }
    const server = start({ authorizer })
    const headers = { 'impersonate-user': 'system:node:n1' }
    expect(await ask(server, { path: CONFIG_MAPS, headers })).toMatchObject({ status: 200 })
    expect(users).toEqual([['system:node:n1', 'system:nodes', 'system:authenticated']])
    expect(await ask(server, { path: `${CONFIG_MAPS}/x`, headers })).toMatchObject({ status: 403 })
    expect(await ask(server, { path: CONFIG_MAPS, headers: { ...headers, 'impersonate-group': 'g' } })).toMatchObject({
      status: 403,
    })
  })

  it('wants a user to impersonate', async () => {
    expect(await ask(start(), { path: CONFIG_MAPS, headers: { 'impersonate-group': 'devs' } })).toMatchObject({
      status: 400,
    })
  })
})

describe('errors', () => {
  it('hides what went wrong inside and logs it with the request id', async () => {
    const logged: object[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (fields: object) => logged.push(fields),
      child: () => logger,
    }
    const broken = plainResource({
      strategy: {
        prepareForCreate() {
          throw new TypeError('secret detail')
        },
      },
    })
    const server = start({ resources: [broken], logger })
    const answer = await ask(server, {
      method: 'POST',
      path: CONFIG_MAPS,
      headers: { 'audit-id': 'id-1' },
      body: { metadata: { name: 'a' } },
    })
    expect(answer).toMatchObject({ status: 500, body: { reason: 'InternalError' } })
    expect(JSON.stringify(answer.body)).not.toContain('secret detail')
    expect(logged).toMatchObject([{ requestId: 'id-1', stack: expect.stringContaining('secret detail') }])
  })

  it('turns requests away beyond the limit, administrators excepted', async () => {
    const userOf = (name: string) => ({
      name,
      uid: '',
      groups: name === 'root' ? ['system:masters'] : [],
      extra: new Map(),
    })
    const authenticator: Authenticator = {
      authenticate: (request) => ({ user: userOf(request.header('x-name') ?? 'jane') }),
    }
    // Answers only administrators: the others stay in flight.
    const authorizer: Authorizer = {
      authorize: ({ user }) => (user.name === 'root' ? { decision: 'Allow', reason: '' } : new Promise(() => {})),
    }
    const server = start({ maxReadOnlyInFlight: 1, authenticator, authorizer })
    void ask(server, { path: '/version' })
    const answer = await ask(server, { path: '/version' })
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '1' }, body: { reason: 'TooManyRequests' } })
    expect(await ask(server, { path: '/version', headers: { 'x-name': 'root' } })).toMatchObject({ status: 200 })
  })

  it('neither counts nor refuses what parts of this process ask, whoever they are', async () => {
    const jane = { name: 'jane', uid: '', groups: [], extra: new Map() }
    const release: (() => void)[] = []
    const authorizer: Authorizer = {
      authorize: () => new Promise((resolve) => release.push(() => resolve({ decision: 'Allow', reason: '' }))),
    }
    const server = start({
      maxMutatingInFlight: 1,
      authorizer,
      authenticator: { authenticate: () => ({ user: jane }) },
    })
    const client = server.clientFor(jane)
    const inside = ['a', 'b'].map((name) =>
      client.create(CONFIG_MAPS_RESOURCE, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'default', name },
      }),
    )
    const outside = create(server, 'c')
    await eventually(() => expect(release).toHaveLength(3))
    expect(await create(server, 'd')).toMatchObject({ status: 429 })
    for (const answer of release) answer()
    expect((await Promise.all(inside)).map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
    expect(await outside).toMatchObject({ status: 201 })
  })

  it('does not limit what is limited to 0', async () => {
    const authorizer: Authorizer = { authorize: () => new Promise(() => {}) }
    const server = start({ maxReadOnlyInFlight: 0, authorizer, requestTimeoutMs: 1 })
    const answers = await Promise.all([1, 2, 3].map(() => ask(server, { path: '/version' })))
    expect(answers.map(({ status }) => status)).toEqual([504, 504, 504])
  })

  it.each([
    ['1ms', 504, 'request did not complete within the allotted timeout'],
    ['soon', 400, 'invalid timeout specified in the request URL - time: invalid duration "soon"'],
  ])('heeds ?timeout=%s', async (timeout, code, message) => {
    const authorizer: Authorizer = { authorize: () => new Promise(() => {}) }
    const { body } = await ask(start({ authorizer }), { path: `/version?timeout=${timeout}` })
    expect(body).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('gives up on a request at its deadline', async () => {
    const authorizer: Authorizer = { authorize: () => new Promise(() => {}) }
    const answer = await ask(start({ authorizer, requestTimeoutMs: 1 }), { path: '/version' })
    expect(answer).toMatchObject({ status: 504, body: { reason: 'Timeout' } })
  })
})

describe('query options', () => {
  it.each([
    ['limit=abc', 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ['limit=', 400, 'strconv.ParseInt: parsing "": invalid syntax'],
    ['limit=9223372036854775808', 400, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    [
      'resourceVersionMatch=Exact',
      422,
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    ['resourceVersion=0&resourceVersionMatch=Exact', 422, 'forbidden for resourceVersion "0"'],
    [
      'resourceVersion=x',
      400,
      'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [
      'resourceVersion=99999999999999999999',
      400,
      'strconv.ParseUint: parsing "99999999999999999999": value out of range',
    ],
    ['resourceVersion=1&continue=x', 400, 'invalid continue token: continue key is not valid'],
    ['sendInitialEvents=true', 422, 'sendInitialEvents is forbidden for list'],
    ['watch=1&sendInitialEvents=true', 422, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    [
      'fieldSelector=spec.x%3D1',
      400,
      '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    ['labelSelector=a%20b%20c', 400, 'unable to parse requirement'],
  ])('of a list are validated: %s', async (query, code, message) => {
    const { body } = await ask(start(), { path: `${CONFIG_MAPS}?${query}` })
    expect(body).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it.each([
    ['dryRun=Some', 'dryRun: Unsupported value: ["Some"]: supported values: "All"'],
    ['fieldValidation=Perhaps', 'fieldValidation: Unsupported value: "Perhaps"'],
    [`fieldManager=${'m'.repeat(129)}`, 'fieldManager: Too long'],
    ['fieldManager=a%0Ab', 'invalid character U+000A (at position 1)'],
  ])('of a create are validated: %s', async (query, message) => {
    const { body } = await ask(start(), {
      method: 'POST',
      path: `${CONFIG_MAPS}?${query}`,
      body: { metadata: { name: 'a' } },
    })
    expect(body).toMatchObject({ code: 422, reason: 'Invalid', message: expect.stringContaining(message) })
  })

  it('of a delete may not contradict each other', async () => {
    const server = start()
    await create(server, 'a')
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', orphanDependents: true, propagationPolicy: 'Background' }
    const answer = await ask(server, { method: 'DELETE', path: `${CONFIG_MAPS}/a`, body })
    expect(answer).toMatchObject({ status: 422, body: { message: expect.stringContaining('cannot be both set') } })
  })

  it('select by label and field', async () => {
    const server = start()
    await create(server, 'a', { labels: { tier: 'x' } })
    await create(server, 'b', { labels: { tier: 'y' } })
    const names = async (query: string) => {
      const { body } = await ask(server, { path: `${CONFIG_MAPS}?${query}` })
      return (body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name)
    }
    expect(await names('labelSelector=tier%3Dx')).toEqual(['a'])
    expect(await names('fieldSelector=metadata.name!%3Da')).toEqual(['b'])
    expect(await names('limit=1')).toEqual(['a'])
  })
})

describe('owner references', () => {
  const owner = { apiVersion: 'v1', kind: 'X', name: 'x', uid: '1' }
  const other = { ...owner, blockOwnerDeletion: true }
  const promise =
    'API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: 1'

  it.each([
    ['POST', '', undefined],
    ['PUT', '/a', undefined],
    ['PATCH', '/a', 'application/merge-patch+json'],
  ])('that occur twice are stored once: %s', async (method, suffix, type) => {
    const server = start()
    if (method !== 'POST') await create(server, 'a')
    const body = { metadata: { name: 'a', ownerReferences: [owner, other, { ...owner }] } }
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    const answer = await ask(server, { method, path: `${CONFIG_MAPS}${suffix}`, headers, body })
    const when = method === 'PATCH' ? ' after mutating admission happens' : ''
    const warning = `.metadata.ownerReferences contains duplicate entries${when}; ${promise}`
    expect(String(answer.headers['warning'])).toContain(warning)
    expect(await ask(server, { path: `${CONFIG_MAPS}/a` })).toMatchObject({
      body: { metadata: { ownerReferences: [owner, other] } },
    })
  })
})

describe('patches', () => {
  it.each([
    ['application/apply-patch+cbor', 415, /accepted media types/],
    [
      'application/strategic-merge-patch+json',
      415,
      /include: application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml$/,
    ],
    ['application/json', 415, /accepted media types/],
  ])('of type %s are refused where there is no support', async (type, code, message) => {
    const server = start()
    await create(server, 'a')
    const answer = await ask(server, {
      method: 'PATCH',
      path: `${CONFIG_MAPS}/a`,
      headers: { 'content-type': type },
      body: {},
    })
    expect(answer).toMatchObject({ status: code, body: { message: expect.stringMatching(message) } })
  })

  const json = 'application/json-patch+json'
  const merge = 'application/merge-patch+json'
  it.each<[string, string, string, unknown, string, number, string]>([
    ['of nothing', 'gone', json, {}, '', 404, 'configmaps "gone" not found'],
    ['of nothing, with a bad query', 'gone', json, {}, 'force=true', 422, 'force: Forbidden'],
    [
      'that is no list',
      'a',
      json,
      {},
      '',
      400,
      'json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    ],
    [
      'that is no object',
      'a',
      merge,
      [],
      '',
      400,
      'error decoding patch: json: cannot unmarshal array into Go value of',
    ],
    ['to another kind', 'a', merge, { kind: 'Secret' }, '', 422, 'no kind "Secret" is registered for version "v1"'],
    ['to no kind', 'a', merge, { kind: null }, '', 422, "Object 'Kind' is missing in"],
    [
      'with operations of other members',
      'a',
      json,
      [{ op: 'test', path: '/kind', value: 'ConfigMap', foo: 1 }],
      'fieldValidation=Strict',
      422,
      'strict decoding error: json patch unknown field "[0].foo"',
    ],
  ])('%s are refused', async (_name, name, type, body, query, code, message) => {
    const server = start()
    await create(server, 'a')
    const headers = { 'content-type': type }
    const path = `${CONFIG_MAPS}/${name}`
    const answer = await ask(server, { method: 'PATCH', path: query === '' ? path : `${path}?${query}`, headers, body })
    expect(answer).toMatchObject({ status: code, body: { message: expect.stringContaining(message) } })
  })

  it.each([
    [{ name: 'b' }, 'the name of the object (b) does not match the name on the URL (a)'],
    [{ name: null }, 'the name of the object (a based on URL) was undeterminable: name must be provided'],
    [{ namespace: 'other' }, 'the namespace of the provided object does not match the namespace sent on the request'],
  ])('may not move an object: %j', async (metadata, message) => {
    const server = start()
    await create(server, 'a')
    const path = `${CONFIG_MAPS}/a`
    const patched = await ask(server, {
      method: 'PATCH',
      path,
      headers: { 'content-type': merge },
      body: { metadata },
    })
    expect(patched).toMatchObject({ status: 400, body: { reason: 'BadRequest', message } })
    const put = await ask(server, { method: 'PUT', path, body: { metadata: { name: 'a', ...metadata } } })
    expect(put).toMatchObject({ status: 400, body: { reason: 'BadRequest', message } })
  })
})

describe('scale', () => {
  const definition = plainResource({
    subresources: [
      {
        name: 'scale',
        type: 'scale',
        scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', selector: () => 'a=b' },
      },
    ],
  })

  it('reads and writes replicas without touching the rest', async () => {
    const server = start({ resources: [definition] })
    await ask(server, {
      method: 'POST',
      path: CONFIG_MAPS,
      body: { metadata: { name: 'a' }, spec: { replicas: 1, other: true } },
    })
    const path = `${CONFIG_MAPS}/a/scale`
    const put = await ask(server, {
      method: 'PUT',
      path,
      body: { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'a' }, spec: { replicas: 3 } },
    })
    expect(put).toMatchObject({
      status: 200,
      body: { kind: 'Scale', spec: { replicas: 3 }, status: { selector: 'a=b' } },
    })
    const headers = { 'content-type': 'application/merge-patch+json' }
    await ask(server, { method: 'PATCH', path, headers, body: { spec: { replicas: 5 } } })
    expect(await ask(server, { path: `${CONFIG_MAPS}/a` })).toMatchObject({
      body: { spec: { replicas: 5, other: true } },
    })
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    expect(await ask(server, { path, headers: { accept } })).toMatchObject({
      body: {
        kind: 'Table',
        columnDefinitions: [{ name: 'Name' }, { name: 'Created At' }],
        rows: [{ cells: ['a', expect.any(String)] }],
      },
    })
    const negative = await ask(server, { method: 'PATCH', path, headers, body: { spec: { replicas: -1 } } })
    expect(negative).toMatchObject({ status: 422 })
  })
})

describe('representations', () => {
  it('fall back from CBOR to JSON, and to 406 when nothing fits', async () => {
    const server = start()
    const accept = 'application/cbor,application/json'
    expect(await ask(server, { path: CONFIG_MAPS, headers: { accept } })).toMatchObject({
      status: 200,
      body: { kind: 'ConfigMapList' },
    })
    expect(await ask(server, { path: CONFIG_MAPS, headers: { accept: 'application/cbor' } })).toMatchObject({
      status: 406,
    })
  })

  it('are no Tables for what is answered without being stored', async () => {
    const review = plainResource({
      resource: 'reviews',
      kind: 'Review',
      namespaced: false,
      verbs: ['create'],
      virtualCreate: async (object) => object,
    })
    const server = start({ resources: [review] })
    const post = (accept: string) =>
      ask(server, { method: 'POST', path: '/api/v1/reviews', headers: { accept }, body: { spec: {} } })
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    expect(await post(table)).toMatchObject({ status: 406, body: { reason: 'NotAcceptable' } })
    expect(await post(`${table},application/json`)).toMatchObject({ status: 201, body: { kind: 'Review' } })
  })

  it('are YAML, partial metadata and tables on request', async () => {
    const server = start()
    await create(server, 'a')
    const as = (accept: string) => ask(server, { path: CONFIG_MAPS, headers: { accept } })
    expect((await as('application/yaml')).body).toContain('kind: ConfigMapList')
    expect((await as('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1')).body).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'a' } }],
    })
    expect((await as('application/json;as=Table;g=meta.k8s.io;v=v1beta1,application/json')).body).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1beta1',
      columnDefinitions: [{ name: 'Name' }, { name: 'Created At' }],
      rows: [{ cells: ['a', expect.any(String)] }],
    })
  })
})

describe('discovery', () => {
  const widgets = plainResource({
    group: 'example.com',
    resource: 'widgets',
    singular: 'widget',
    kind: 'Widget',
    listKind: 'WidgetList',
    shortNames: ['w'],
    versions: ['v1alpha1', 'v1', 'v1beta1'].map((version) => ({
      version,
      served: version !== 'v1alpha1',
      schema: openSchema(),
      table: undefined,
    })),
    subresources: [{ name: 'status', type: 'view', strategy: {}, verbs: ['get', 'update', 'patch'] }],
  })

  it('lists groups, versions and resources, and what is registered later at once', async () => {
    const server = start()
    expect((await ask(server, { path: '/apis' })).body).toMatchObject({ kind: 'APIGroupList', groups: [] })
    await server.registerResource(widgets)
    expect((await ask(server, { path: '/apis' })).body).toMatchObject({
      groups: [
        {
          name: 'example.com',
          versions: [{ version: 'v1' }, { version: 'v1beta1' }],
          preferredVersion: { groupVersion: 'example.com/v1' },
        },
      ],
    })
    expect((await ask(server, { path: '/apis/example.com/v1' })).body).toMatchObject({
      kind: 'APIResourceList',
      groupVersion: 'example.com/v1',
      resources: [
        { name: 'widgets', shortNames: ['w'], namespaced: true },
        { name: 'widgets/status', verbs: ['get', 'patch', 'update'] },
      ],
    })
    server.unregisterResource('example.com', 'widgets')
    expect(await ask(server, { path: '/apis/example.com' })).toMatchObject({ status: 404 })
  })

  it('is aggregated for clients that prefer it, with an ETag', async () => {
    const server = start({ resources: [plainResource(), widgets] })
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
    const first = await ask(server, { path: '/apis', headers: { accept } })
    expect(first.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')
    expect(first.body).toMatchObject({
      apiVersion: 'apidiscovery.k8s.io/v2',
      items: [
        {
          metadata: { name: 'example.com' },
          versions: [
            { version: 'v1', resources: [{ resource: 'widgets', scope: 'Namespaced' }] },
            { version: 'v1beta1' },
          ],
        },
      ],
    })
    const etag = String(first.headers['etag'])
    expect(await ask(server, { path: '/apis', headers: { accept, 'if-none-match': etag } })).toMatchObject({
      status: 304,
    })
  })

  it('leads from the OpenAPI v3 index to its documents', async () => {
    const server = start()
    const { body } = await ask(server, { path: '/openapi/v3' })
    const { serverRelativeURL = '' } =
      (body as { paths: Record<string, { serverRelativeURL: string }> }).paths['api/v1'] ?? {}
    expect(await ask(server, { path: serverRelativeURL })).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'public, immutable' },
      body: { openapi: '3.0.0' },
    })
    expect(await ask(server, { path: '/openapi/v3/apis/nope/v1' })).toMatchObject({ status: 404 })
  })
})

describe('health', () => {
  const sick = { name: 'sick', endpoints: ['readyz'] as const, check: () => 'database locked' }

  it('is ok, verbose and single-checked', async () => {
    const server = start()
    expect(await ask(server, { path: '/healthz' })).toMatchObject({ status: 200, body: 'ok' })
    expect((await ask(server, { path: '/readyz?verbose' })).body).toBe(
      '[+]ping ok\n[+]log ok\n[+]shutdown ok\nreadyz check passed\n',
    )
    expect(await ask(server, { path: '/livez/ping' })).toMatchObject({ status: 200 })
    expect(await ask(server, { path: '/livez/nope' })).toMatchObject({ status: 404 })
  })

  it('fails without telling why, unless the failing check is excluded', async () => {
    const server = start({ healthChecks: [sick] })
    const answer = await ask(server, { path: '/readyz' })
    expect(answer).toMatchObject({ status: 500, body: expect.stringContaining('[-]sick failed: reason withheld') })
    expect(answer.body).not.toContain('database locked')
    expect(await ask(server, { path: '/readyz/sick' })).toMatchObject({
      status: 500,
      body: 'internal server error: database locked\n',
    })
    expect(await ask(server, { path: '/readyz?exclude=sick' })).toMatchObject({ status: 200 })
    expect(await ask(server, { path: '/livez' })).toMatchObject({ status: 200 })
  })

  it('stops being ready when the shutdown begins', async () => {
    const server = start()
    server.beginShutdown()
    expect(await ask(server, { path: '/readyz/shutdown' })).toMatchObject({
      status: 500,
      body: 'internal server error: process is shutting down\n',
    })
    expect(await ask(server, { path: '/livez' })).toMatchObject({ status: 200 })
  })

  it('stops being ready when the server closes', async () => {
    const server = start()
    await server.close(0)
    expect(await ask(server, { path: '/readyz' })).toMatchObject({ status: 500 })
  })
})

it('counts requests and watches under upstream names', async () => {
  const server = start()
  await create(server, 'a')
  const stop = new AbortController()
  const configMaps = { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespaced: true }
  for await (const _event of server.clientFor(ADMIN).watch(configMaps, { signal: stop.signal })) stop.abort()
  const { body } = await ask(server, { path: '/metrics' })
  expect(body).toContain(
    'apiserver_request_total{verb="POST",dry_run="",group="",version="v1",resource="configmaps",subresource="",scope="resource",component="apiserver",code="201"} 1',
  )
  expect(body).toContain('apiserver_watch_events_total{group="",version="v1",resource="configmaps"} 1')
  expect(body).toContain(
    'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="configmaps",component="apiserver"} 0',
  )
})

it('warns of a deprecated API and counts it', async () => {
  const versions = [
    { version: 'v1', served: true, schema: openSchema(), table: undefined, deprecationWarning: 'v1 ConfigMap is old' },
  ]
  const server = start({ resources: [plainResource({ versions })] })
  const { headers } = await ask(server, { path: CONFIG_MAPS })
  expect(headers).toMatchObject({ warning: ['299 - "v1 ConfigMap is old"'] })
  const { body } = await ask(server, { path: '/metrics' })
  expect(body).toContain(
    'apiserver_requested_deprecated_apis{group="",version="v1",resource="configmaps",subresource="",removed_release=""} 1',
  )
})
