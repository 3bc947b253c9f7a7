// What users wait for: a dropped file to be applied, a HelmChart to be installed. Polled over HTTPS with the admin's certificate.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'

const POLL_MS = 2
const TIMEOUT_MS = 20_000

/** Where the server is and the admin's certificate, from the kubeconfig the server wrote. */
export function credentialsOf(kubeconfig) {
  const text = readFileSync(kubeconfig, 'utf8')
  const field = (name) => new RegExp(`${name}: (\\S+)`).exec(text)?.[1] ?? ''
  const pem = (name) => Buffer.from(field(name), 'base64')
  return {
    base: new URL(field('server')),
    ca: pem('certificate-authority-data'),
    cert: pem('client-certificate-data'),
    key: pem('client-key-data'),
  }
}

/** A tiny client. */
export function clientOf(kubeconfig) {
  const { base, ...tls } = credentialsOf(kubeconfig)
  const agent = new Agent({ keepAlive: true, ...tls })
  return (method, path, body, more = {}) =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body)
      // The length is said: node:http sends the body of a DELETE without any frame otherwise.
      const framed = payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }
      const typed = payload === undefined ? {} : { 'content-type': 'application/json' }
      const headers = { ...typed, ...framed, ...more }
      const outgoing = request({ host: base.hostname, port: base.port, path, method, agent, headers }, (answer) => {
        const chunks = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () => {
          const content = Buffer.concat(chunks).toString()
          resolve({ status: answer.statusCode, body: content.startsWith('{') ? JSON.parse(content) : content })
        })
      })
      outgoing.on('error', reject)
      outgoing.end(payload)
    })
}

/** Milliseconds until `isThere` of the answer is true. */
async function until(call, path, isThere) {
  const startedMs = performance.now()
  for (;;) {
    const answer = await call('GET', path)
    if (isThere(answer)) return Math.round(performance.now() - startedMs)
    if (performance.now() - startedMs > TIMEOUT_MS) throw new Error(`${path}: not there after ${TIMEOUT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata: { name: bench-file }
---
apiVersion: bench.example.org/v1
kind: Gauge
metadata: { name: g, namespace: bench-file }
spec: { size: 1 }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: bench-file }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: gauges.bench.example.org }
spec:
  group: bench.example.org
  names: { kind: Gauge, plural: gauges }
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { size: { type: integer } } } } } }
`

/** Namespace, CRD, its object and a Deployment, renamed into the folder as editors and CI do. */
export async function droppedFileMs(call, dataDirectory) {
  const folder = join(dataDirectory, 'server', 'manifests')
  writeFileSync(join(folder, '.bench.tmp'), MANIFEST)
  renameSync(join(folder, '.bench.tmp'), join(folder, 'bench.yaml'))
  return until(call, '/apis/apps/v1/namespaces/bench-file/deployments/web', ({ status }) => status === 200)
}

/** From the creation of the HelmChart to its Ready condition. Undefined where the chart is not there. */
export async function helmChartMs(call, archive) {
  if (!existsSync(archive)) return undefined
  const charts = '/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts'
  const name = 'bench'
  const chartContent = readFileSync(archive).toString('base64')
  const spec = { chartContent, targetNamespace: 'bench-chart', createNamespace: true }
  const started = performance.now()
  await call('POST', charts, { apiVersion: 'helm.cattle.io/v1', kind: 'HelmChart', metadata: { name }, spec })
  const isReady = ({ body }) =>
    body.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  await until(call, `${charts}/${name}`, isReady)
  const elapsed = Math.round(performance.now() - started)
  await call('DELETE', `${charts}/${name}`)
  await until(call, `${charts}/${name}`, ({ status }) => status === 404)
  return elapsed
}
