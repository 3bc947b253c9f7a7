import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import { createWebhookMetrics } from './metrics.ts'
import { createMutatingWebhook } from './mutating.ts'

const RULE = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }

function pluginWith(webhook: object, post: (body: string) => Promise<unknown>) {
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'conf' },
    webhooks: [
      {
        name: 'w.example.com',
        clientConfig: {},
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        rules: [RULE],
        ...webhook,
      },
    ],
  }
  let calls = 0
  const client = {
    post(_target: object, body: string) {
      calls++
      return post(body)
    },
    close() {},
  }
  const metrics = createWebhookMetrics(new Registry())
  const webhooks = { client, metrics, logger: discardLogger, mutating: () => [configuration], validating: () => [] }
  const deps = { webhooks, clock: systemClock, random: systemRandom, namespace: () => undefined }
  return { plugin: createMutatingWebhook(deps as unknown as AdmissionDeps), calls: () => calls }
}

function attributesOf(notes: Map<string, string>): AdmissionAttributes {
  const kind = { group: '', version: 'v1', kind: 'ConfigMap' }
  const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
  return {
    operation: 'CREATE',
    kind,
    group: '',
    version: 'v1',
    resource: 'configmaps',
    subresource: '',
    namespace: 'ns',
    name: 'a',
    user: { name: 'u', uid: '', groups: [], extra: new Map() },
    isDryRun: false,
    object,
    oldObject: undefined,
    options: {},
    warn() {},
    request: { signal: new AbortController().signal, annotate: (key, value) => void notes.set(key, value) },
    view: {
      versions: ['v1'],
      kindIn: () => kind,
      show: (shown) => shown,
      replace: (draft, patched) => void Object.assign(draft, patched),
    },
  }
}

const answer = (body: string, response: object): object => {
  const { request } = JSON.parse(body) as { request: { uid: string } }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: request.uid, ...response } }
}

describe('what a mutating webhook leaves for the audit event', () => {
  it('is its own annotations, that it was called, and its patch', async () => {
    const operations = [{ op: 'add', path: '/data', value: { a: 'b' } }]
    const patch = Buffer.from(JSON.stringify(operations)).toString('base64')
    const response = { allowed: true, patch, patchType: 'JSONPatch', auditAnnotations: { why: 'because' } }
    const notes = new Map<string, string>()
    await pluginWith({}, async (body) => answer(body, response)).plugin.admit?.(attributesOf(notes))
    const who = '{"configuration":"conf","webhook":"w.example.com",'
    expect([...notes]).toEqual([
      ['w.example.com/why', 'because'],
      [
        'patch.webhook.admission.k8s.io/round_0_index_0',
        `${who}"patch":${JSON.stringify(operations)},"patchType":"JSONPatch"}`,
      ],
      ['mutation.webhook.admission.k8s.io/round_0_index_0', `${who}"mutated":true}`],
    ])
  })

  it('is that it failed and the request went on', async () => {
    const notes = new Map<string, string>()
    const { plugin } = pluginWith({ failurePolicy: 'Ignore' }, () => Promise.reject(new Error('down')))
    await plugin.admit?.(attributesOf(notes))
    expect([...notes]).toEqual([
      [
        'mutation.webhook.admission.k8s.io/round_0_index_0',
        '{"configuration":"conf","webhook":"w.example.com","mutated":false}',
      ],
      ['failed-open.mutation.webhook.admission.k8s.io/round_0_index_0', 'w.example.com'],
    ])
  })
})

it('a webhook for other operations costs no promise', () => {
  const { plugin, calls } = pluginWith({ rules: [{ ...RULE, operations: ['DELETE'] }] }, async () => ({}))
  expect(plugin.admit?.(attributesOf(new Map()))).toBeUndefined()
  expect(calls()).toBe(0)
})

it('a selector nobody can read fails the request', async () => {
  const objectSelector = { matchExpressions: [{ key: 'a', operator: 'Like', values: [] }] }
  const { plugin } = pluginWith({ objectSelector }, async () => ({}))
  await expect(plugin.admit?.(attributesOf(new Map()))).rejects.toMatchObject({ status: { code: 500 } })
})
