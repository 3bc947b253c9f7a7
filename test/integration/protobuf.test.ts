/** Protobuf over the whole chain: what client-go sends and gets when its content type is protobuf. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiRequest, ApiResponse, StreamFrame } from '#apiserver/server/interfaces.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import { decodeProtobuf } from '#machinery/schema/protobuf/decode.ts'
import { encodeProtobuf } from '#machinery/schema/protobuf/encode.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { seededRandom } from '#test/support/random-object.ts'

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const NAMESPACE = '/api/v1/namespaces/default'

let plane: TestControlPlane

beforeAll(async () => {
  plane = await startTestControlPlane()
})

afterAll(() => plane.stop())

interface Ask {
  readonly method?: string
  readonly accept?: string
  /** Sent as protobuf. */
  readonly body?: object | Buffer
  readonly signal?: AbortSignal
}

async function dispatch(path: string, { method = 'GET', accept = PROTOBUF, body, signal }: Ask = {}) {
  const [pathname = '', query = ''] = path.split('?')
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : encodeProtobuf(body)
  const request: ApiRequest = {
    method,
    path: pathname,
    query,
    headers: { accept, authorization: `Bearer ${plane.adminToken}`, 'content-type': PROTOBUF },
    body: bytes,
    remoteAddress: '127.0.0.1',
    peerCertificate: undefined,
    user: undefined,
    signal: signal ?? new AbortController().signal,
  }
  return plane.server.dispatch(request)
}

function bytesOf({ body }: ApiResponse): Buffer {
  if (body.type !== 'bytes') throw new Error(`expected bytes, got ${body.type}`)
  return Buffer.concat(body.chunks)
}

async function ask(path: string, options: Ask = {}) {
  const response = await dispatch(path, options)
  const contentType = response.headers['content-type']
  const bytes = bytesOf(response)
  const object = contentType === PROTOBUF ? decodeProtobuf(bytes) : (JSON.parse(bytes.toString()) as object)
  return { status: response.status, contentType, object }
}

const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1' as const,
  kind: 'ConfigMap' as const,
  metadata: { name, namespace: 'default', labels },
  data,
})

describe('objects', () => {
  it('are created, read, replaced, patched and deleted', async () => {
    const created = await ask(`${NAMESPACE}/configmaps`, { method: 'POST', body: configMap('whole', { k: 'v' }) })
    expect(created).toMatchObject({
      status: 201,
      contentType: PROTOBUF,
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'whole' }, data: { k: 'v' } },
    })
    const read = await ask(`${NAMESPACE}/configmaps/whole`)
    const json = await ask(`${NAMESPACE}/configmaps/whole`, { accept: 'application/json' })
    expect(read.object).toEqual(json.object)
    const changed = { ...(read.object as ReturnType<typeof configMap>), data: { k: 'w' } }
    expect(await ask(`${NAMESPACE}/configmaps/whole`, { method: 'PUT', body: changed })).toMatchObject({
      status: 200,
      contentType: PROTOBUF,
      object: { data: { k: 'w' } },
    })
    const stale = await ask(`${NAMESPACE}/configmaps/whole`, { method: 'PUT', body: changed })
    expect(stale).toMatchObject({ status: 409, contentType: PROTOBUF, object: { kind: 'Status', reason: 'Conflict' } })
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'other' } }
    expect(await ask(`${NAMESPACE}/configmaps/whole`, { method: 'DELETE', body: options })).toMatchObject({
      status: 409,
    })
    const gone = await ask(`${NAMESPACE}/configmaps/whole`, {
      method: 'DELETE',
      body: { ...options, preconditions: undefined },
    })
    expect(gone).toMatchObject({ contentType: PROTOBUF, object: { kind: 'Status', status: 'Success' } })
  })

  it('come in the version that was asked for', async () => {
    const autoscaler = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'a' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 40,
      },
    }
    const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`
    expect(await ask(path('v1'), { method: 'POST', body: autoscaler })).toMatchObject({ status: 201 })
    for (const version of ['v1', 'v2']) {
      const json = await ask(`${path(version)}/a`, { accept: 'application/json' })
      const { object, contentType } = await ask(`${path(version)}/a`)
      expect(contentType).toBe(PROTOBUF)
      expect(object).toMatchObject({
        apiVersion: `autoscaling/${version}`,
        spec: (json.object as { spec: object }).spec,
      })
    }
  })
})

describe('lists', () => {
  beforeAll(async () => {
    for (let i = 0; i < 40; i++)
      await plane.client.create(CONFIG_MAPS, configMap(`l${i}`, { pad: 'x'.repeat(2_500) }, { of: 'lists' }))
  })

  it('hold what the JSON list holds, items without kind and apiVersion', async () => {
    const path = `${NAMESPACE}/configmaps?labelSelector=of%3Dlists`
    const json = await ask(path, { accept: 'application/json' })
    const list = await ask(path)
    expect(list.contentType).toBe(PROTOBUF)
    const { items, ...head } = json.object as { items: object[] }
    expect(list.object).toEqual({
      ...head,
      items: items.map((item) => ({ ...item, kind: undefined, apiVersion: undefined })),
    })
  })

  it('have pages', async () => {
    const page = await ask(`${NAMESPACE}/configmaps?limit=5`)
    expect(page.object).toMatchObject({ metadata: { continue: expect.stringMatching(/.+/) } })
    expect((page.object as { items: object[] }).items).toHaveLength(5)
  })

  it('share their bytes with equal lists of the same moment, not with those in JSON', async () => {
    const path = `${NAMESPACE}/configmaps?labelSelector=of%3Dlists`
    const chunk = async (accept: string) => {
      const { body } = await dispatch(path, { accept })
      return body.type === 'bytes' ? body.chunks[0] : undefined
    }
    expect(await chunk(PROTOBUF)).toBe(await chunk(PROTOBUF))
    expect((await chunk('application/json'))?.[0]).toBe('{'.charCodeAt(0))
  })

  it('are of metadata alone when that is asked for', async () => {
    const accept = `${PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json`
    expect(await ask(`${NAMESPACE}/configmaps?limit=1`, { accept })).toMatchObject({
      contentType: PROTOBUF,
      object: { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', items: [{ metadata: {} }] },
    })
  })
})

interface Frame {
  readonly type: string
  readonly object: Record<string, unknown> | undefined
}

/** Length (4 bytes), WatchEvent { type = 1, object { raw = 1 } = 2 }: every length in the test is below 2^14. */
function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    const event = bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at))
    const [type, rest] = delimited(event, 0x0a)
    const [extension] = delimited(rest, 0x12)
    const [raw] = delimited(extension, 0x0a)
    frames.push({ type: type.toString(), object: decodeProtobuf(raw) })
    at += 4 + event.length
  }
  return frames
}

function delimited(bytes: Buffer, tag: number): [Buffer, Buffer] {
  expect(bytes[0]).toBe(tag)
  const isLong = (bytes[1] ?? 0) >= 0x80
  const length = isLong ? ((bytes[1] ?? 0) & 0x7f) + (bytes[2] ?? 0) * 0x80 : (bytes[1] ?? 0)
  const start = isLong ? 3 : 2
  return [bytes.subarray(start, start + length), bytes.subarray(start + length)]
}

async function watch(path: string, accept = PROTOBUF) {
  const abort = new AbortController()
  const response = await dispatch(path, { accept, signal: abort.signal })
  const frames: Frame[] = []
  const raw: Buffer[] = []
  if (response.body.type !== 'stream') throw new Error(`no stream but ${response.status}`)
  response.body.start({
    write(frame: StreamFrame) {
      const bytes = frame.bytes()
      raw.push(bytes)
      if (response.headers['content-type'] !== 'application/json') frames.push(...readFrames(bytes))
      return true
    },
    end() {},
    onDrain() {},
  })
  return { headers: response.headers, frames, raw, stop: () => abort.abort() }
}

describe('watches', () => {
  const path = (query: string) => `${NAMESPACE}/configmaps?watch=1&fieldSelector=metadata.name%3Dw&${query}`

  it('send framed events of enveloped objects, bookmarks among them', async () => {
    const watching = await watch(path('allowWatchBookmarks=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'))
    const second = await watch(path('resourceVersion='))
    expect(watching.headers['content-type']).toBe(`${PROTOBUF};stream=watch`)
    await plane.client.create(CONFIG_MAPS, configMap('w', { a: 'b' }))
    await plane.client.delete(CONFIG_MAPS, { namespace: 'default', name: 'w' })
    await eventually(() => expect(watching.frames.map(({ type }) => type)).toEqual(['BOOKMARK', 'ADDED', 'DELETED']))
    await eventually(() => expect(second.raw).toHaveLength(2))
    expect(watching.frames[0]?.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
    })
    expect(watching.frames[1]?.object).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'w' }, data: { a: 'b' } })
    // One encoding for all who watch.
    expect(second.raw[1]).toBe(watching.raw[2])
    watching.stop()
    second.stop()
  })

  it('keep frames of JSON and of protobuf apart', async () => {
    const binary = await watch(path(''))
    const text = await watch(path(''), 'application/json')
    await plane.client.create(CONFIG_MAPS, configMap('w'))
    await plane.client.delete(CONFIG_MAPS, { namespace: 'default', name: 'w' })
    await eventually(() => expect([binary.raw.length, text.raw.length]).toEqual([2, 2]))
    expect(text.raw.map((bytes) => (JSON.parse(bytes.toString()) as Frame).type)).toEqual(['ADDED', 'DELETED'])
    expect(binary.frames.map(({ type }) => type)).toEqual(['ADDED', 'DELETED'])
    binary.stop()
    text.stop()
  })

  it('send metadata alone when that is asked for', async () => {
    const watching = await watch(path(''), `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`)
    await plane.client.create(CONFIG_MAPS, configMap('w', { a: 'b' }))
    await plane.client.delete(CONFIG_MAPS, { namespace: 'default', name: 'w' })
    await eventually(() => expect(watching.frames).toHaveLength(2))
    const [first] = watching.frames
    expect(first).toMatchObject({ type: 'ADDED', object: { kind: 'PartialObjectMetadata', metadata: { name: 'w' } } })
    expect(first?.object).not.toHaveProperty('data')
    watching.stop()
  })

  it('cannot be had in YAML', async () => {
    expect((await dispatch(path(''), { accept: 'application/yaml,application/json' })).status).toBe(406)
  })
})

describe('errors', () => {
  it.each([
    ['an object that is not there', `${NAMESPACE}/configmaps/absent`, 404, 'NotFound'],
    ['a path that is not there', '/api/v1/nothing', 404, 'NotFound'],
    ['a bad selector', `${NAMESPACE}/configmaps?fieldSelector=a%3Db`, 400, 'BadRequest'],
  ])('of %s are protobuf', async (_what, path, status, reason) => {
    expect(await ask(path)).toMatchObject({
      status,
      contentType: PROTOBUF,
      object: { kind: 'Status', apiVersion: 'v1', reason, code: status },
    })
  })

  it('are JSON where nothing is acceptable', async () => {
    expect(await ask(`${NAMESPACE}/configmaps`, { accept: 'application/cbor' })).toMatchObject({
      status: 406,
      contentType: 'application/json',
    })
  })

  it.each([
    ['no protobuf', Buffer.from('{"kind":"ConfigMap"}')],
    ['cut short', encodeProtobuf(configMap('x', { k: 'v' }))?.subarray(0, 40)],
    ['JSON nested beyond measure', deepRevision(100_000)],
    ['another kind', encodeProtobuf({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } })],
  ])('a body that is %s is a 400', async (_what, body = Buffer.alloc(0)) => {
    const path = body.includes('ControllerRevision')
      ? '/apis/apps/v1/namespaces/default/controllerrevisions'
      : `${NAMESPACE}/configmaps`
    expect(await ask(path, { method: 'POST', body })).toMatchObject({ status: 400, contentType: PROTOBUF })
  })
})

it("never answers garbled bodies with anything but a success or the client's error", async () => {
  const random = seededRandom(1)
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const bodies: readonly (readonly [string, object])[] = [
    [`${NAMESPACE}/configmaps`, configMap('g', { k: 'v' })],
    [`${NAMESPACE}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'g' }, spec: template.spec }],
    [
      '/apis/apps/v1/namespaces/default/deployments',
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'g' },
        spec: { selector: { matchLabels: { a: 'b' } }, template },
      },
    ],
  ]
  for (const [path, object] of bodies) {
    const whole = encodeProtobuf(object) ?? Buffer.alloc(0)
    for (let round = 0; round < 200; round++) {
      const body = Buffer.from(whole)
      for (let i = 0; i < 3; i++) body[Math.floor(random() * body.length)] = Math.floor(random() * 256)
      const cut = random() < 0.3 ? body.subarray(0, Math.floor(random() * body.length)) : body
      const { status } = await dispatch(`${path}?dryRun=All`, { method: 'POST', body: cut })
      expect([201, 400, 403, 404, 409, 415, 422]).toContain(status)
    }
  }
})

/** Built by hand: encoding it here would need as much stack as decoding it there. */
function deepRevision(depth: number): Buffer {
  const placeholder = 'x'.repeat(depth * 2)
  const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'x' }, data: placeholder }
  const bytes = encodeProtobuf(revision) ?? Buffer.alloc(0)
  const at = bytes.indexOf(`"${placeholder}"`)
  bytes.write(` ${'['.repeat(depth)}${']'.repeat(depth)} `, at, 'latin1')
  return bytes
}

describe('what is not stored', () => {
  it.each([
    [
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      'SelfSubjectAccessReview',
      { resourceAttributes: { verb: 'get', resource: 'pods' } },
      { status: { allowed: true } },
    ],
    [
      '/apis/authentication.k8s.io/v1/tokenreviews',
      'TokenReview',
      { token: 'admin-token' },
      { status: { authenticated: true } },
    ],
    [
      `${NAMESPACE}/serviceaccounts/default/token`,
      'TokenRequest',
      { expirationSeconds: 600, audiences: [] },
      { spec: { expirationSeconds: 600 } },
    ],
  ])('%s answers in protobuf', async (path, kind, spec, expected) => {
    if (kind === 'TokenRequest') {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
      await ask(`${NAMESPACE}/serviceaccounts`, { method: 'POST', body: account })
    }
    const group = kind === 'SelfSubjectAccessReview' ? 'authorization' : 'authentication'
    const body = { apiVersion: `${group}.k8s.io/v1`, kind, spec }
    expect(await ask(path, { method: 'POST', body })).toMatchObject({
      status: 201,
      contentType: PROTOBUF,
      object: { kind, ...expected },
    })
  })

  it('Bindings and Evictions are Statuses', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    }
    await ask(`${NAMESPACE}/pods`, { method: 'POST', body: pod })
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } }
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } }
    for (const [subresource, body] of Object.entries({ binding, eviction })) {
      expect(await ask(`${NAMESPACE}/pods/p/${subresource}`, { method: 'POST', body })).toMatchObject({
        status: 201,
        contentType: PROTOBUF,
        object: { kind: 'Status', status: 'Success' },
      })
    }
  })

  it('Scale is read and written', async () => {
    const labels = { app: 'd' }
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    }
    const path = '/apis/apps/v1/namespaces/default/deployments'
    expect(await ask(path, { method: 'POST', body: deployment })).toMatchObject({ status: 201 })
    const scale = await ask(`${path}/d/scale`)
    expect(scale).toMatchObject({ contentType: PROTOBUF, object: { kind: 'Scale', spec: { replicas: 2 } } })
    const body = { ...scale.object, spec: { replicas: 5 } }
    expect(await ask(`${path}/d/scale`, { method: 'PUT', body })).toMatchObject({ object: { spec: { replicas: 5 } } })
  })
})

describe('discovery', () => {
  it.each([
    ['/api', 'APIVersions', { versions: ['v1'] }],
    ['/apis', 'APIGroupList', { groups: expect.any(Array) }],
    ['/apis/apps', 'APIGroup', { name: 'apps' }],
    ['/apis/apps/v1', 'APIResourceList', { groupVersion: 'apps/v1', resources: expect.any(Array) }],
  ])('%s is %s', async (path, kind, expected) => {
    const json = await ask(path, { accept: 'application/json' })
    const { object, contentType } = await ask(path)
    expect(contentType).toBe(PROTOBUF)
    expect(object).toMatchObject({ kind, ...expected })
    expect(JSON.stringify(object).length).toBeGreaterThan(JSON.stringify(json.object).length * 0.9)
  })

  it('has the aggregated form, too', async () => {
    const accept = `${PROTOBUF};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`
    const response = await dispatch('/apis', { accept })
    expect(response.headers['content-type']).toBe(accept)
    expect(decodeProtobuf(bytesOf(response))).toMatchObject({ kind: 'APIGroupDiscoveryList' })
  })
})

describe('custom resources', () => {
  const path = '/apis/example.com/v1/namespaces/default/widgets'
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const

  beforeAll(async () => {
    await plane.client.create(CUSTOM_RESOURCE_DEFINITIONS, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    })
    await eventually(async () => expect((await ask(path, { accept: 'application/json' })).status).toBe(200))
    await plane.client.create(
      { group: 'example.com', version: 'v1', resource: 'widgets', kind: 'Widget', namespaced: true },
      { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'default' } },
    )
  })

  it('come in JSON where that is accepted, too, and not at all otherwise', async () => {
    expect(await ask(path, { accept: `${PROTOBUF},application/json` })).toMatchObject({
      status: 200,
      contentType: 'application/json',
    })
    expect(await ask(path)).toMatchObject({ status: 406, contentType: PROTOBUF, object: { reason: 'NotAcceptable' } })
  })

  it('have metadata and errors in protobuf', async () => {
    const accept = `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`
    expect(await ask(`${path}/w`, { accept })).toMatchObject({
      status: 200,
      contentType: PROTOBUF,
      object: { kind: 'PartialObjectMetadata', metadata: { name: 'w' } },
    })
    expect(await ask(`${path}/absent`, { accept: `${PROTOBUF},application/json` })).toMatchObject({
      status: 404,
      contentType: PROTOBUF,
    })
  })

  it('are not taken in protobuf', async () => {
    const typeMeta = Buffer.from('\x0a\x0eexample.com/v1\x12\x06Widget')
    const body = Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x0a, typeMeta.length]), typeMeta])
    expect(await ask(path, { method: 'POST', body, accept: 'application/json' })).toMatchObject({ status: 415 })
  })
})

it('costs those nothing who take decoded values', async () => {
  const response = await dispatch(`${NAMESPACE}/configmaps?limit=1`)
  const decoded = response.body.type === 'bytes' ? response.body.decoded : undefined
  expect(decoded).toMatchObject({ kind: 'ConfigMapList', items: [{ kind: 'ConfigMap' }] })
})
