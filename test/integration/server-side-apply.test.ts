import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject, ManagedFieldsEntry, Status } from '#machinery/api/meta/v1.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { type Answer, dispatch } from '#test/support/dispatch.ts'
import { eventually } from '#test/support/eventually.ts'

const APPLY = 'application/apply-patch+yaml'
const NAMESPACE = '/api/v1/namespaces/ssa'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/ssa/deployments'
const THINGS = '/apis/example.com/v1/namespaces/ssa/things'

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane()
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'ssa' } })
})
afterAll(() => plane.stop())

/** As over a socket: bytes in, a token, a user agent. */
function send<T = KubeObject>(
  method: string,
  path: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  return dispatch<T>(plane.server, method, path, body, { authorization: `Bearer ${plane.adminToken}`, ...headers })
}

function apply<T = KubeObject>(path: string, config: object | string, query = 'fieldManager=a'): Promise<Answer<T>> {
  return send<T>('PATCH', `${path}?${query}`, config, { 'content-type': APPLY })
}

const configMap = (name: string, data: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

const path = (name: string): string => `${NAMESPACE}/configmaps/${name}`
const owners = ({ metadata }: KubeObject): ManagedFieldsEntry[] => metadata.managedFields ?? []
/** Sorted: by time they would depend on when a second ends. */
const ownersOf = (object: KubeObject): string[] =>
  owners(object)
    .map(({ manager, operation, subresource }) => [manager, operation, subresource].filter(Boolean).join(' '))
    .sort()
const fieldsOf = (object: KubeObject, manager: string): unknown =>
  owners(object).find((entry) => entry.manager === manager)?.fieldsV1

function deployment(name: string, spec: object = {}): object {
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { selector: { matchLabels: { app: 'x' } }, template, ...spec },
  }
}

describe('apply', () => {
  it('creates what is missing, from YAML', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: made\ndata:\n  k: v\n'
    const { status, body } = await apply<ConfigMap>(path('made'), yaml)
    expect(status).toBe(201)
    expect(body.data).toEqual({ k: 'v' })
    expect(owners(body)).toEqual([
      {
        manager: 'a',
        operation: 'Apply',
        apiVersion: 'v1',
        time: expect.stringMatching(/Z$/),
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:k': {} } },
      },
    ])
  })

  it('changes nothing when it is repeated, resourceVersion included', async () => {
    const first = await apply(path('twice'), configMap('twice', { k: 'v' }))
    const second = await apply(path('twice'), configMap('twice', { k: 'v' }))
    expect(second.status).toBe(200)
    expect(second.body).toEqual(first.body)
  })

  it('removes what its manager applied before and does not any more', async () => {
    await apply(path('shrinks'), configMap('shrinks', { a: '1', b: '2' }))
    await apply(path('shrinks'), configMap('shrinks', { c: '3' }), 'fieldManager=other')
    const { body } = await apply<ConfigMap>(path('shrinks'), configMap('shrinks', { a: '1' }))
    expect(body.data).toEqual({ a: '1', c: '3' })
  })

  it('answers conflicts with who owns what, and takes over by force', async () => {
    await send('POST', `${DEPLOYMENTS}?fieldManager=kubectl-create`, deployment('contested', { replicas: 1 }))
    const config = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'contested' }, spec: { replicas: 3 } }
    const refused = await apply<Status>(`${DEPLOYMENTS}/contested`, config)
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas',
      details: {
        causes: [
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "kubectl-create" using apps/v1',
            field: '.spec.replicas',
          },
        ],
      },
    })
    const forced = await apply(`${DEPLOYMENTS}/contested`, config, 'fieldManager=a&force=true')
    expect(forced.body).toMatchObject({ spec: { replicas: 3 } })
    expect(fieldsOf(forced.body, 'a')).toEqual({ 'f:spec': { 'f:replicas': {} } })
    const rest = fieldsOf(forced.body, 'kubectl-create') as Record<string, Record<string, unknown>>
    expect(rest['f:spec']).not.toHaveProperty('f:replicas')
  })

  it('conflicts over a value that is written out as what Go leaves out', async () => {
    const node = (unschedulable: boolean) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'cordoned' },
      spec: { unschedulable },
    })
    const target = '/api/v1/nodes/cordoned'
    await apply(target, node(true))
    const { status, body } = await apply<Status>(target, node(false), 'fieldManager=b')
    expect([status, body.details?.causes?.map(({ field }) => field)]).toEqual([409, ['.spec.unschedulable']])
    expect((await apply(target, node(false))).status).toBe(200)
  })

  it('lists several conflicts by manager', async () => {
    await apply(path('many'), configMap('many', { a: '1', b: '1' }), 'fieldManager=b')
    await apply(path('many'), configMap('many', { c: '1' }), 'fieldManager=c')
    const { body } = await apply<Status>(path('many'), configMap('many', { a: '2', b: '2', c: '2' }))
    expect(body.message).toBe(
      'Apply failed with 3 conflicts: conflicts with "b":\n- .data.a\n- .data.b\nconflicts with "c":\n- .data.c',
    )
  })

  const refusals: readonly [
    name: string,
    query: string,
    config: object | string,
    code: number,
    message: RegExp | string,
  ][] = [
    [
      'no manager',
      '',
      configMap('r', {}),
      422,
      /^PatchOptions.* fieldManager: Required value: is required for apply patch$/,
    ],
    [
      'another version',
      'fieldManager=a',
      { ...configMap('r', {}), apiVersion: 'v2' },
      400,
      /^invalid object type: \/v2, Kind=/,
    ],
    [
      'managedFields',
      'fieldManager=a',
      configMap('r', {}, { managedFields: [{}] }),
      400,
      /^metadata.managedFields must be nil$/,
    ],
    [
      'another name',
      'fieldManager=a',
      configMap('q', {}),
      400,
      /the name of the object \(q\) does not match the name on the URL \(r\)/,
    ],
    [
      'an unknown field',
      'fieldManager=a',
      { ...configMap('r', {}), oops: 1 },
      500,
      /\.oops: field not declared in schema$/,
    ],
    [
      'a uid of nothing',
      'fieldManager=a',
      configMap('r', {}, { uid: 'x' }),
      409,
      /uid mismatch: the provided object specified uid x/,
    ],
    [
      'broken YAML',
      'fieldManager=a',
      'a: [',
      400,
      /^error decoding YAML: error converting YAML to JSON: yaml: line 1: /,
    ],
    ['an unknown dry run', 'fieldManager=a&dryRun=Some', configMap('r', {}), 422, /Unsupported value/],
    [
      'a member twice',
      'fieldManager=a&fieldValidation=Strict',
      '{"kind":"ConfigMap","apiVersion":"v1","apiVersion":"v1","metadata":{"name":"r"}}',
      400,
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 1: key "apiVersion" already set in map',
    ],
    [
      'keys twice in YAML',
      'fieldManager=a&fieldValidation=Strict',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: r\ndata:\n  a: b\n  a: c\ndata: {}\n',
      400,
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key "a" already set in map\n  line 8: key "data" already set in map',
    ],
  ]
  it.each(refusals)('refuses %s', async (_name, query, config, code, message) => {
    const answer = await apply<Status>(path('r'), config, query)
    expect(answer).toMatchObject({ status: code, body: { message: expect.stringMatching(message) } })
  })

  it('leaves force to applies', async () => {
    await apply(path('forced'), configMap('forced', {}))
    const merge = { 'content-type': 'application/merge-patch+json' }
    const answer = await send<Status>('PATCH', `${path('forced')}?force=true`, {}, merge)
    expect(answer).toMatchObject({ status: 422, body: { message: expect.stringContaining('force: Forbidden') } })
  })

  it('is bound to the resourceVersion it names', async () => {
    const { body } = await apply(path('bound'), configMap('bound', { k: '1' }))
    const { resourceVersion = '' } = body.metadata
    expect((await apply(path('bound'), configMap('bound', { k: '2' }, { resourceVersion }))).status).toBe(200)
    expect((await apply(path('bound'), configMap('bound', { k: '3' }, { resourceVersion }))).status).toBe(409)
  })

  it('stores nothing on a dry run', async () => {
    const { body } = await apply<ConfigMap>(path('dry'), configMap('dry', { k: 'v' }), 'fieldManager=a&dryRun=All')
    expect(body.data).toEqual({ k: 'v' })
    expect((await send('GET', path('dry'))).status).toBe(404)
  })

  it('counts what was there before anybody was tracked as one owner', async () => {
    await send('POST', `${NAMESPACE}/configmaps`, configMap('old', { k: '1' }))
    await send(
      'PATCH',
      path('old'),
      { metadata: { managedFields: [{}] } },
      { 'content-type': 'application/merge-patch+json' },
    )
    const reset = await send('GET', path('old'))
    expect(owners(reset.body)).toEqual([])
    const refused = await apply<Status>(path('old'), configMap('old', { k: '2' }))
    expect(refused.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.k',
    )
    const agreed = await apply(path('old'), configMap('old', { k: '1' }))
    expect(ownersOf(agreed.body)).toEqual(['a Apply', 'before-first-apply Update'])
  })

  it('takes kubectl from client-side apply without conflicts, and keeps its annotation up to date', async () => {
    const config = configMap('migrated', { k: '1' })
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config) }
    const query = 'fieldManager=kubectl-client-side-apply'
    await send('POST', `${NAMESPACE}/configmaps?${query}`, { ...config, metadata: { name: 'migrated', annotations } })
    expect((await apply(path('migrated'), configMap('migrated', { k: '2' }))).status).toBe(409)
    const { status, body } = await apply(path('migrated'), configMap('migrated', { k: '2' }), 'fieldManager=kubectl')
    expect(status).toBe(200)
    const text = body.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? ''
    expect(JSON.parse(text)).toMatchObject({ data: { k: '2' } })
  })
})

describe('subresources', () => {
  it('keep their own fields: status by /status, spec by the object', async () => {
    await send('POST', DEPLOYMENTS, { ...deployment('parts'), status: { replicas: 7 } })
    const type = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'parts' } }
    const status = { ...type, spec: { replicas: 9 }, status: { readyReplicas: 0, replicas: 4 } }
    const { body } = await apply(`${DEPLOYMENTS}/parts/status`, status, 'fieldManager=s')
    expect(body).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 4 } })
    expect(ownersOf(body)).toEqual(['s Apply status', 'tester Update'])
    expect(fieldsOf(body, 's')).toEqual({ 'f:status': { 'f:readyReplicas': {}, 'f:replicas': {} } })
    expect(fieldsOf(body, 'tester')).not.toHaveProperty('f:status')
  })

  it('move replicas between owners through scale', async () => {
    await apply(`${DEPLOYMENTS}/scaled`, deployment('scaled', { replicas: 1 }))
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'scaled' }, spec: { replicas: 5 } }
    const refused = await apply<Status>(`${DEPLOYMENTS}/scaled/scale`, scale, 'fieldManager=hpa')
    expect(refused.body.message).toBe('Apply failed with 1 conflict: conflict with "a": .spec.replicas')
    expect((await apply(`${DEPLOYMENTS}/scaled/scale`, scale, 'fieldManager=hpa&force=true')).status).toBe(200)
    const { body } = await send('GET', `${DEPLOYMENTS}/scaled`)
    expect(body).toMatchObject({ spec: { replicas: 5 } })
    expect(ownersOf(body)).toEqual(['a Apply', 'hpa Apply scale'])
    expect(fieldsOf(body, 'hpa')).toEqual({ 'f:spec': { 'f:replicas': {} } })
    await send('PUT', `${DEPLOYMENTS}/scaled/scale`, { ...scale, spec: { replicas: 6 } })
    const after = await send('GET', `${DEPLOYMENTS}/scaled`)
    expect(ownersOf(after.body)).toEqual(['a Apply', 'tester Update scale'])
  })

  it('never create', async () => {
    expect((await apply(`${DEPLOYMENTS}/absent/status`, deployment('absent'))).status).toBe(404)
  })
})

describe('a kind whose versions differ', () => {
  const scaler = (version: string, spec: object) => ({
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h' },
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }, ...spec },
  })
  const at = (version: string): string => `/apis/autoscaling/${version}/namespaces/ssa/horizontalpodautoscalers/h`
  const cpu = (averageUtilization: number) => ({
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }],
  })

  it('finds conflicts in the version of the owner, and prunes across versions', async () => {
    await apply(at('v2'), scaler('v2', { ...cpu(50), minReplicas: 2 }))
    const refused = await apply<Status>(
      at('v1'),
      scaler('v1', { targetCPUUtilizationPercentage: 70 }),
      'fieldManager=b',
    )
    expect(refused.body.message).toBe('Apply failed with 1 conflict: conflict with "a": .spec.metrics')
    const shared = await apply(at('v1'), scaler('v1', { targetCPUUtilizationPercentage: 50 }), 'fieldManager=b')
    expect(ownersOf(shared.body)).toEqual(['a Apply', 'b Apply'])
    const moved = await apply(at('v1'), scaler('v1', { targetCPUUtilizationPercentage: 50 }))
    expect(moved).toMatchObject({ status: 200 })
    const { body } = await send('GET', at('v2'))
    expect(body).toMatchObject({ spec: { maxReplicas: 3, minReplicas: 1, ...cpu(50) } })
    expect(owners(body).map(({ apiVersion }) => apiVersion)).toEqual(['autoscaling/v1', 'autoscaling/v1'])
  })
})

describe('objects near the size limit', () => {
  const long = (i: number): string => `a-long-key-that-makes-the-set-of-fields-large-as-well-as-the-object-${i}`
  const large = (name: string) =>
    configMap(name, Object.fromEntries(Array.from({ length: 10_500 }, (_, i) => [long(i), 'x'])))

  it('are written without managedFields, but for applies, which are refused', async () => {
    const created = await send('POST', `${NAMESPACE}/configmaps`, large('large'))
    expect([created.status, owners(created.body)]).toEqual([201, []])
    const refused = await apply<Status>(path('large'), configMap('large', { a: 'b' }))
    expect([refused.status, refused.body.message]).toEqual([500, 'etcdserver: request is too large'])
    await send('POST', `${NAMESPACE}/configmaps`, configMap('grows', { a: 'b' }))
    const merge = { 'content-type': 'application/merge-patch+json' }
    const patched = await send('PATCH', path('grows'), { data: large('grows').data }, merge)
    expect([patched.status, owners(patched.body)]).toEqual([200, []])
  })
})

describe('writes that are no applies', () => {
  it('own what they change, named by fieldManager or user agent', async () => {
    const created = await send('POST', `${NAMESPACE}/configmaps`, configMap('plain', { a: '1', b: '1' }))
    expect(owners(created.body)).toMatchObject([
      { manager: 'tester', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } } },
    ])
    const merge = { 'content-type': 'application/merge-patch+json' }
    const patched = await send('PATCH', `${path('plain')}?fieldManager=p`, { data: { a: '2' } }, merge)
    expect(fieldsOf(patched.body, 'p')).toEqual({ 'f:data': { 'f:a': {} } })
    expect(fieldsOf(patched.body, 'tester')).toEqual({ 'f:data': { '.': {}, 'f:b': {} } })
    const replaced = await send('PUT', `${path('plain')}?fieldManager=u`, configMap('plain', { a: '2' }))
    expect(fieldsOf(replaced.body, 'tester')).toEqual({ 'f:data': {} })
    expect(ownersOf(replaced.body)).toEqual(['p Update', 'tester Update'])
  })

  it('own what every DaemonSet is shown with', async () => {
    const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const body = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'x' } }, template } }
    const created = await send('POST', '/apis/apps/v1/namespaces/ssa/daemonsets', body)
    const annotation = 'deprecated.daemonset.template.generation'
    expect(created.body.metadata.annotations).toEqual({ [annotation]: '1' })
    const metadata = { 'f:annotations': { '.': {}, [`f:${annotation}`]: {} } }
    expect(fieldsOf(created.body, 'tester')).toMatchObject({ 'f:metadata': metadata })
  })

  it('end the tracking with an empty list', async () => {
    await apply(path('untracked'), configMap('untracked', { a: '1' }))
    const replaced = await send('PUT', path('untracked'), configMap('untracked', { a: '2' }, { managedFields: [] }))
    expect(replaced.body.metadata).not.toHaveProperty('managedFields')
    const merge = { 'content-type': 'application/merge-patch+json' }
    const patched = await send('PATCH', path('untracked'), { data: { a: '3' } }, merge)
    expect(patched.body.metadata).not.toHaveProperty('managedFields')
  })

  it('may name another uid in no patch', async () => {
    await send('POST', `${NAMESPACE}/configmaps`, configMap('own', { a: '1' }))
    const merge = { 'content-type': 'application/merge-patch+json' }
    const { body } = await send<Status>('PATCH', path('own'), { metadata: { uid: 'other' } }, merge)
    expect([body.code, body.details?.causes?.[0]?.field]).toEqual([422, 'metadata.uid'])
  })

  it('that change nothing write nothing', async () => {
    const { body } = await send('POST', `${NAMESPACE}/configmaps`, configMap('calm', { a: '1' }))
    const again = await send('PUT', `${path('calm')}?fieldManager=other`, body)
    expect(again.body).toEqual(body)
  })

  it('leave the owners alone when a client sends none or broken ones, and take new ones', async () => {
    const { body } = await send('POST', `${NAMESPACE}/configmaps`, configMap('sent', { a: '1' }))
    const broken = configMap('sent', { a: '1' }, { managedFields: [{ manager: 'x', operation: 'Update' }] })
    expect(owners((await send('PUT', path('sent'), broken)).body)).toEqual(owners(body))
    const entry = {
      manager: 'x',
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:a': {} } },
    }
    const op = [{ op: 'replace', path: '/metadata/managedFields', value: [entry] }]
    const json = { 'content-type': 'application/json-patch+json' }
    expect(owners((await send('PATCH', path('sent'), op, json)).body)).toEqual([entry])
  })

  it('keep ten updaters, older ones together', async () => {
    await send('POST', `${NAMESPACE}/configmaps?fieldManager=m0`, configMap('crowd', { k0: '' }))
    const merge = { 'content-type': 'application/merge-patch+json' }
    for (let i = 1; i < 13; i++) {
      await send('PATCH', `${path('crowd')}?fieldManager=m${i}`, { data: { [`k${i}`]: '' } }, merge)
    }
    const { body } = await send('GET', path('crowd'))
    expect(owners(body)).toHaveLength(10)
    expect(fieldsOf(body, 'ancient-changes')).toMatchObject({ 'f:data': { 'f:k0': {}, 'f:k1': {} } })
  })

  it('of parts of this process carry their names', async () => {
    const { body } = await send('GET', '/api/v1/namespaces/kube-system')
    expect(ownersOf(body)).toEqual(['knarr Update'])
  })
})

describe('custom resources', () => {
  beforeAll(async () => {
    const spec = {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        kind: { type: 'string', default: 'plain' },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port'],
          items: {
            type: 'object',
            required: ['port'],
            properties: { port: { type: 'integer' }, name: { type: 'string' } },
          },
        },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    }
    const status = { type: 'object', properties: { ready: { type: 'boolean' } } }
    const openAPIV3Schema = { type: 'object', properties: { spec, status } }
    const version = (name: string, storage: boolean) => ({
      name,
      served: true,
      storage,
      schema: { openAPIV3Schema },
      subresources: { status: {} },
    })
    await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'things.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
        versions: [version('v1', true), version('v1beta1', false)],
      },
    })
    await eventually(async () => expect((await send('GET', THINGS)).status).toBe(200))
  })

  const thing = (name: string, spec: object, apiVersion = 'example.com/v1') => ({
    apiVersion,
    kind: 'Thing',
    metadata: { name },
    spec,
  })

  it('merge by their schema, defaults filled in', async () => {
    await apply(`${THINGS}/a`, thing('a', { size: 1, ports: [{ port: 1, name: 'x' }], free: { a: { b: 1 } } }))
    const second = thing('a', { ports: [{ port: 2 }], free: { a: { c: 2 } } })
    const { body } = await apply(`${THINGS}/a`, second, 'fieldManager=b')
    expect(body).toMatchObject({
      spec: { size: 1, kind: 'plain', ports: [{ port: 1, name: 'x' }, { port: 2 }], free: { a: { b: 1, c: 2 } } },
    })
    expect(fieldsOf(body, 'b')).toEqual({
      'f:spec': {
        'f:free': { 'f:a': { '.': {}, 'f:c': {} } },
        'f:ports': { 'k:{"port":2}': { '.': {}, 'f:port': {} } },
      },
    })
    const { body: smaller } = await apply(`${THINGS}/a`, thing('a', { free: { a: { b: 1 } } }))
    expect(smaller).toMatchObject({ spec: { ports: [{ port: 2 }], free: { a: { b: 1, c: 2 } } } })
    expect((smaller as unknown as { spec: object }).spec).not.toHaveProperty('size')
  })

  it('know their owners in other versions', async () => {
    await apply(`${THINGS}/v`, thing('v', { size: 1 }))
    const beta = '/apis/example.com/v1beta1/namespaces/ssa/things/v'
    const refused = await apply<Status>(beta, thing('v', { size: 2 }, 'example.com/v1beta1'), 'fieldManager=b')
    expect(refused.body.message).toBe('Apply failed with 1 conflict: conflict with "a": .spec.size')
    const moved = await apply(beta, thing('v', { size: 3 }, 'example.com/v1beta1'))
    expect(owners(moved.body)).toMatchObject([{ manager: 'a', apiVersion: 'example.com/v1beta1' }])
  })

  it('have a status that only /status owns', async () => {
    await apply(`${THINGS}/s`, thing('s', { size: 1 }))
    const config = { ...thing('s', { size: 5 }), status: { ready: true } }
    const { body } = await apply(`${THINGS}/s/status`, config, 'fieldManager=s')
    expect(body).toMatchObject({ spec: { size: 1 }, status: { ready: true } })
    expect(fieldsOf(body, 's')).toEqual({ 'f:status': { 'f:ready': {} } })
    expect(ownersOf(body)).toEqual(['a Apply', 's Apply status'])
  })

  it('are owned as a whole by who creates them', async () => {
    const { body } = await send('POST', THINGS, thing('c', { size: 1 }))
    expect(fieldsOf(body, 'tester')).toEqual({ 'f:spec': { '.': {}, 'f:kind': {}, 'f:size': {} } })
  })

  it('stop being tracked on demand', async () => {
    await send('POST', THINGS, thing('r', { size: 1 }))
    const merge = { 'content-type': 'application/merge-patch+json' }
    const { body } = await send('PATCH', `${THINGS}/r`, { metadata: { managedFields: [{}] } }, merge)
    expect(owners(body)).toEqual([])
  })
})
