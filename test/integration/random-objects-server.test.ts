/** Random objects of every built-in kind sent to a server: refused with a reason, or kept through every kind of write. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { NAMESPACES, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isStatusError } from '#machinery/meta/errors.ts'
import type { ObjectKey, Resource } from '#machinery/meta/resource.ts'
import { resourcePath } from '#machinery/meta/resource.ts'
import { applyMergePatch } from '#machinery/patch/merge-patch.ts'
import { decodeProtobuf } from '#machinery/schema/protobuf/decode.ts'
import { PROTOBUF_MEDIA_TYPE } from '#machinery/schema/protobuf/envelope.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import { mixed } from '#test/e2e/kubectl/apply.ts'
import { pod } from '#test/e2e/kubectl/scenario.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import type { Plain } from '#test/support/random-change.ts'
import { thinned, withoutEmpty } from '#test/support/random-change.ts'
import { seededRandom } from '#test/support/random-object.ts'
import type { Row } from './random-kinds.ts'
import { configOf, OBJECTS, ROWS, SEED } from './random-kinds.ts'

const NAMESPACE = 'fuzz'

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane()
  const metadata = { name: NAMESPACE }
  await plane.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata, spec: {} })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: NAMESPACE } }
  await plane.client.create(SERVICE_ACCOUNTS, account)
})
afterAll(() => plane.stop())

/** What the others need to live: a webhook that cannot be reached or a limit would refuse them. */
const DISTURBING = new Set([
  'Namespace',
  'APIService',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'LimitRange',
  'ResourceQuota',
])
const SENT = ROWS.filter(({ definition }) => definition.verbs.includes('create') && !DISTURBING.has(definition.kind))

/** One valid object of a kind, by API version and kind: random members come beside its own. */
const VALID = new Map(
  [...mixed(NAMESPACE).split('---\n'), pod('p')]
    .filter((text) => text !== '')
    .map((text) => parse(text) as KubeObject)
    .map((object) => [`${object.apiVersion} ${object.kind}`, object as unknown as JsonObject]),
)

/**
 * As upstream does, dropped on the way in (written under another name, or behind a gate that is closed by default), or judged
 * by updates only (a Node's configSource).
 */
const NOT_KEPT: Readonly<Record<string, readonly string[]>> = {
  Secret: ['stringData'],
  Lease: ['preferredHolder', 'strategy'],
  Node: ['configSource'],
  ServiceAccount: ['secrets'],
  EndpointSlice: ['endpoints'],
  CSIDriver: ['preventPodSchedulingIfMissing'],
}

/** Thin enough that validation lets many pass. */
function plausible(row: Row, random: () => number, name: string): KubeObject {
  const config = configOf(row, random)
  const { namespaced, kind } = row.definition
  const valid = VALID.get(`${config.apiVersion} ${kind}`)
  const chance = valid === undefined ? 0.6 : 0.9
  const thin = deepCopy(thinned(row.mergeType, config, random, chance)) as JsonObject & { spec?: Plain }
  for (const field of NOT_KEPT[kind] ?? []) {
    delete thin[field]
    delete thin.spec?.[field]
  }
  const whole = applyMergePatch(thin, valid ?? {}) as JsonObject
  const metadata = { name, ...(namespaced ? { namespace: NAMESPACE } : {}) }
  return withoutEmpty({ ...whole, apiVersion: config.apiVersion, kind, metadata }) as KubeObject
}

/** Undefined: refused, as a client's mistake. */
async function unlessRefused<T>(call: Promise<T>, where: string): Promise<T | undefined> {
  try {
    return await call
  } catch (err) {
    if (!isStatusError(err)) throw err
    expect([400, 403, 404, 405, 409, 422], `${where}: ${err.message}`).toContain(err.status.code)
    return undefined
  }
}

async function inProtobuf(resource: Resource, key: ObjectKey): Promise<unknown> {
  const response = await plane.server.dispatch({
    method: 'GET',
    path: resourcePath(resource, key),
    query: '',
    headers: { authorization: `Bearer ${plane.adminToken}`, accept: PROTOBUF_MEDIA_TYPE },
    body: undefined,
    remoteAddress: '127.0.0.1',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  })
  if (response.body.type !== 'bytes') throw new Error('not an object')
  return decodeProtobuf(Buffer.concat(response.body.chunks))
}

/** Reads show what was written; writes of what is there already write nothing. */
async function isKept(row: Row, config: KubeObject, created: DeepReadonly<KubeObject>, where: string): Promise<void> {
  const { client } = plane
  const resource: Resource = { ...row.definition, version: row.version.version }
  const { namespace = '', name = '' } = created.metadata
  const key = { namespace, name }
  const read = await client.get(resource, key)
  expect(read, where).toEqual(created)
  expect(read, where).toMatchObject(config as object)
  expect(withoutEmpty(await inProtobuf(resource, key)), where).toEqual(withoutEmpty(read))
  expect(await client.update(resource, read), where).toEqual(read)
  expect(await client.patch(resource, key, { type: 'merge', body: read }), where).toEqual(read)
  expect(await client.patch(resource, key, { type: 'strategic', body: config }), where).toEqual(read)
  const apply = (): Promise<DeepReadonly<KubeObject>> =>
    client.patch(resource, key, { type: 'apply', body: config, force: true }, { fieldManager: 'fuzz' })
  const applied = await apply()
  expect(applied, where).toMatchObject(config as object)
  expect(await apply(), where).toEqual(applied)
  await client.delete(resource, key)
}

it(`random objects of seed ${SEED} are refused with a reason or kept without loss`, async () => {
  const kinds = new Set<string>()
  let count = 0
  for (let i = 0; i < OBJECTS / 2; i++) {
    const row = SENT[i % SENT.length] as Row
    const { definition, version } = row
    const config = plausible(row, seededRandom(SEED * 1_000_003 + i), `f${i}`)
    const where = `object ${i} of seed ${SEED}: ${definition.kind} ${version.version}`
    const resource: Resource = { ...definition, version: version.version }
    const created = await unlessRefused(plane.client.create(resource, config), where)
    if (created === undefined || definition.virtualCreate !== undefined) continue
    await isKept(row, config, created, where)
    kinds.add(definition.kind)
    count++
  }
  expect(count).toBeGreaterThan(OBJECTS / 10)
  expect(kinds.size).toBeGreaterThan(20)
})
