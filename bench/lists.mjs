// Lists of many Pods in JSON and in protobuf. `npm run build && node bench/lists.mjs [pods] [lists]`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientOf } from './product-phases.mjs'
import { rssMb, startServer, stop } from './server.mjs'

const PODS = Number(process.argv[2] ?? 5000)
const LISTS = Number(process.argv[3] ?? 150)
const WRITERS = 32
const READERS = 4

const pod = (index) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-${index}`, labels: { app: 'bench', shard: `s${index % 10}` } },
  spec: {
    containers: ['web', 'sidecar'].map((name) => ({
      name,
      image: `registry.example.org/${name}:1`,
      ports: [{ containerPort: 8080 }],
      env: [{ name: 'INDEX', value: String(index) }],
      resources: { requests: { cpu: '10m', memory: '16Mi' } },
      readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
    })),
  },
})

async function inParallel(count, workers, run) {
  let next = 0
  const work = async () => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: workers }, work))
}

/** Bytes only: decoding them here would be this program's time. */
function reader(kubeconfig, accept) {
  const text = readFileSync(kubeconfig, 'utf8')
  const field = (name) => new RegExp(`${name}: (\\S+)`).exec(text)?.[1] ?? ''
  const pem = (name) => Buffer.from(field(name), 'base64')
  const base = new URL(field('server'))
  const agent = new Agent({
    keepAlive: true,
    ca: pem('certificate-authority-data'),
    cert: pem('client-certificate-data'),
    key: pem('client-key-data'),
  })
  const path = '/api/v1/namespaces/default/pods'
  return () =>
    new Promise((resolve, reject) => {
      const outgoing = request({ host: base.hostname, port: base.port, path, agent, headers: { accept } }, (answer) => {
        let size = 0
        answer.on('data', (chunk) => {
          size += chunk.length
        })
        answer.on('end', () => (answer.statusCode === 200 ? resolve(size) : reject(new Error(answer.statusCode))))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
}

async function measure(kubeconfig, name, accept) {
  const list = reader(kubeconfig, accept)
  const size = await list()
  const startedMs = performance.now()
  await inParallel(LISTS, READERS, list)
  const perSecond = Math.round(LISTS / ((performance.now() - startedMs) / 1000))
  return [`${name} lists of ${PODS} pods /s (${(size / 1e6).toFixed(1)} MB)`, perSecond]
}

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-bench-lists-'))
  try {
    const server = await startServer(directory)
    const call = clientOf(server.kubeconfig)
    for (;;) {
      const { status } = await call('GET', '/api/v1/namespaces/default/serviceaccounts/default')
      if (status === 200) break
    }
    await inParallel(PODS, WRITERS, async (index) => {
      const { status, body } = await call('POST', '/api/v1/namespaces/default/pods', pod(index))
      if (status !== 201) throw new Error(JSON.stringify(body).slice(0, 500))
    })
    const figures = [
      await measure(server.kubeconfig, 'protobuf', 'application/vnd.kubernetes.protobuf'),
      await measure(server.kubeconfig, 'JSON', 'application/json'),
      ['RSS after, MB', rssMb(server)],
    ]
    for (const [name, value] of figures) console.log(`${name.padEnd(56)} ${value}`)
    await stop(server)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

await main()
