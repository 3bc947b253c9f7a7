// An operator on @kubernetes/client-node: informer, finalizer, status by server-side apply, leader lease, and admission
// webhooks served by itself. Takes its name, the CRD's file and a folder with ca.crt, tls.crt, tls.key; finds the cluster
// by KUBECONFIG.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  loadYaml,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
} from '@kubernetes/client-node'

const [, , identity, crdFile, certificates] = process.argv
const GROUP = { group: 'operators.example.com', version: 'v1', plural: 'banners' }
const FINALIZER = 'banners.operators.example.com/cleanup'
const LEASE = { namespace: 'default', name: 'banner-operator' }
const LEASE_SECONDS = 3
const MANAGER = 'banner-operator'

const config = new KubeConfig()
config.loadFromDefault()
const core = config.makeApiClient(CoreV1Api)
const custom = config.makeApiClient(CustomObjectsApi)
const leases = config.makeApiClient(CoordinationV1Api)
const objects = KubernetesObjectApi.makeApiClient(config)

const isCode = (err, code) => err instanceof ApiException && err.code === code
const ignoring = (code) => (err) => {
  if (!isCode(err, code)) throw err
}
const keyOf = ({ metadata: { namespace, name } }) => ({ ...GROUP, namespace, name })

async function reconcile(banner) {
  const { metadata, spec } = banner
  const key = { namespace: metadata.namespace, name: metadata.name }
  const finalizers = metadata.finalizers ?? []
  const withContentType = (type) => setHeaderOptions('Content-Type', type)
  if (metadata.deletionTimestamp !== undefined) {
    if (!finalizers.includes(FINALIZER)) return
    await core.deleteNamespacedConfigMap(key).catch(ignoring(404))
    const body = { metadata: { finalizers: finalizers.filter((name) => name !== FINALIZER) } }
    await custom.patchNamespacedCustomObject({ ...keyOf(banner), body }, withContentType(PatchStrategy.MergePatch))
    return
  }
  if (!finalizers.includes(FINALIZER)) {
    const body = { metadata: { resourceVersion: metadata.resourceVersion, finalizers: [...finalizers, FINALIZER] } }
    await custom.patchNamespacedCustomObject({ ...keyOf(banner), body }, withContentType(PatchStrategy.MergePatch))
    return
  }
  const shown = `${spec.text} in ${spec.color}`
  const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key, data: { shown } }
  await objects.patch(made, undefined, undefined, MANAGER, true, PatchStrategy.ServerSideApply)
  if (banner.status?.observedGeneration === metadata.generation) return
  const status = { shown, observedGeneration: metadata.generation }
  const body = { apiVersion: banner.apiVersion, kind: banner.kind, metadata: { name: metadata.name }, status }
  const options = { ...keyOf(banner), body, fieldManager: MANAGER, force: true }
  await custom.patchNamespacedCustomObjectStatus(options, withContentType(PatchStrategy.ServerSideApply))
}

/** One at a time, again when it fails: the newest state of each object. */
const waiting = new Map()
let working = Promise.resolve()
function enqueue(banner) {
  const key = `${banner.metadata.namespace}/${banner.metadata.name}`
  waiting.set(key, banner)
  working = working.then(async () => {
    const next = waiting.get(key)
    if (next === undefined) return
    waiting.delete(key)
    try {
      await reconcile(next)
    } catch (err) {
      if (isCode(err, 404)) return
      console.log(`again: ${err.message}`)
      const again = await custom.getNamespacedCustomObject(keyOf(next)).catch(() => undefined)
      if (again !== undefined) setTimeout(() => enqueue(again), 100)
    }
  })
}

async function follow() {
  const path = `/apis/${GROUP.group}/${GROUP.version}/${GROUP.plural}`
  const informer = makeInformer(config, path, () => custom.listClusterCustomObject(GROUP))
  informer.on('add', enqueue)
  informer.on('update', enqueue)
  informer.on('delete', ({ metadata }) => console.log(`gone: ${metadata.name}`))
  informer.on('error', () => setTimeout(() => informer.start(), 500))
  await informer.start()
}

/** Answers of the two webhooks: a color where there is none, and no shouting. */
const answers = {
  '/mutate'({ object }) {
    if (object.spec.color !== undefined) return { allowed: true }
    const patch = [{ op: 'add', path: '/spec/color', value: 'green' }]
    return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
  },
  '/validate'({ object }) {
    const { text } = object.spec
    if (text !== text.toUpperCase()) return { allowed: true, warnings: text === '' ? ['an empty banner'] : [] }
    return { allowed: false, status: { code: 422, message: `banners do not shout: ${text}` } }
  },
}

function serveWebhooks() {
  const file = (name) => readFileSync(join(certificates, name))
  const server = createServer({ cert: file('tls.crt'), key: file('tls.key') }, async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const review = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    const answer = answers[new URL(request.url, 'https://x').pathname](review.request)
    const { apiVersion, kind } = review
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ apiVersion, kind, response: { uid: review.request.uid, ...answer } }))
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)))
}

async function registerWebhooks(port) {
  const caBundle = readFileSync(join(certificates, 'ca.crt')).toString('base64')
  const webhook = (path) => ({
    name: `${path}.operators.example.com`,
    clientConfig: { url: `https://127.0.0.1:${port}/${path}`, caBundle },
    rules: [
      { apiGroups: [GROUP.group], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: [GROUP.plural] },
    ],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    failurePolicy: 'Fail',
  })
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const metadata = { name: MANAGER }
  for (const [kind, path] of [
    ['MutatingWebhookConfiguration', 'mutate'],
    ['ValidatingWebhookConfiguration', 'validate'],
  ]) {
    const configuration = { apiVersion, kind, metadata, webhooks: [webhook(path)] }
    await objects.patch(configuration, undefined, undefined, MANAGER, true, PatchStrategy.ServerSideApply)
  }
}

const ownLease = () => ({
  holderIdentity: identity,
  leaseDurationSeconds: LEASE_SECONDS,
  renewTime: new V1MicroTime(),
})

/** True: this process leads until the lease runs out. */
async function acquire() {
  const found = await leases.readNamespacedLease(LEASE).catch(ignoring(404))
  try {
    if (found === undefined) {
      const body = { metadata: { name: LEASE.name }, spec: ownLease() }
      await leases.createNamespacedLease({ namespace: LEASE.namespace, body })
      return true
    }
    const { holderIdentity = '', renewTime } = found.spec ?? {}
    const isExpired = renewTime === undefined || Date.now() - new Date(renewTime).getTime() > LEASE_SECONDS * 1000
    if (holderIdentity !== '' && holderIdentity !== identity && !isExpired) return false
    await leases.replaceNamespacedLease({ ...LEASE, body: { ...found, spec: ownLease() } })
    return true
  } catch (err) {
    if (!isCode(err, 409)) throw err
    return false
  }
}

async function lead() {
  const port = await serveWebhooks()
  const crd = loadYaml(readFileSync(crdFile, 'utf8'))
  await objects.patch(crd, undefined, undefined, MANAGER, true, PatchStrategy.ServerSideApply)
  await registerWebhooks(port)
  await follow()
  console.log(`webhooks are on port ${port}`)
  console.log('operator is running')
}

process.on('SIGTERM', async () => {
  const lease = await leases.readNamespacedLease(LEASE).catch(() => undefined)
  if (lease?.spec?.holderIdentity === identity) {
    const body = { ...lease, spec: { ...ownLease(), holderIdentity: '' } }
    await leases.replaceNamespacedLease({ ...LEASE, body }).catch(() => undefined)
  }
  process.exit(0)
})

let isLeading = false
for (;;) {
  const isHolder = await acquire()
  if (isLeading && !isHolder) process.exit(1)
  if (!isLeading) console.log(isHolder ? 'leading' : 'standing by')
  if (isHolder && !isLeading) await lead()
  isLeading = isHolder
  await new Promise((resolve) => setTimeout(resolve, 500))
}
