// The controllers and the scheduler at size, on simulated nodes in the server's own process: how fast Pods are scheduled, how
// soon a watcher sees them run, a large rolling update, and what it all costs at rest.
// `npm run build && node bench/scale.mjs [nodes] [pods]`; figures are ratios of this machine.
import { readFileSync, rmSync } from 'node:fs'
import { mkdtempSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientOf, credentialsOf } from './product-phases.mjs'
import { rssMb, startServer, stop } from './server.mjs'

const NODES = Number(process.argv[2] ?? 500)
const PODS = Number(process.argv[3] ?? 10_000)
const PER_DEPLOYMENT = 100
const ROLLED = 1000
const PACED_PER_SECOND = 100
const PACED_SECONDS = 20
/** At rest: what a burst leaves behind, such as a last garbage collection, is over. */
const SETTLE_MS = 30_000
const IDLE_MS = 60_000
const NAMESPACE = 'scale'
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`
const POD_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const quantile = (values, at) => {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))] ?? Number.NaN)
}

const template = (app) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image: 'bench', resources: { requests: { cpu: '10m', memory: '10Mi' } } }] },
})

const deployment = (name, replicas) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) },
})

/** Calls `onEvent(type, pod)` for every change of a Pod from now on. Resolves once the watch is open. */
async function watchPods(kubeconfig, call, onEvent) {
  const { body } = await call('GET', `${POD_PATH}?limit=1`)
  const { base, ...tls } = credentialsOf(kubeconfig)
  const path = `${POD_PATH}?watch=1&resourceVersion=${body.metadata.resourceVersion}`
  return new Promise((resolve, reject) => {
    const request = https.request(new URL(path, base), { ...tls, agent: false }, (response) => {
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop()
        for (const line of lines) {
          const { type, object } = JSON.parse(line)
          onEvent(type, object)
        }
      })
      resolve(() => request.destroy())
    })
    request.on('error', reject)
    request.end()
  })
}

async function until(what, isTrue, timeoutMs = 300_000) {
  const endMs = performance.now() + timeoutMs
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`gave up waiting until ${what}`)
    await pause(20)
  }
}

/** Many Deployments at once: from the first request until every Pod is bound, and until every one runs. */
async function burst(call, kubeconfig) {
  const bound = new Set()
  const running = new Set()
  const times = {}
  const close = await watchPods(kubeconfig, call, (_type, { metadata, spec, status }) => {
    if (spec.nodeName !== undefined) bound.add(metadata.uid)
    if (status?.phase === 'Running') running.add(metadata.uid)
    if (bound.size >= PODS) times.bound ??= performance.now()
    if (running.size >= PODS) times.running ??= performance.now()
  })
  const startedMs = performance.now()
  for (let i = 0; i < PODS / PER_DEPLOYMENT; i++) {
    const { status, body } = await call('POST', DEPLOYMENTS, deployment(`app-${i}`, PER_DEPLOYMENT))
    if (status !== 201) throw new Error(JSON.stringify(body))
  }
  await until(`${PODS} Pods run`, () => times.running !== undefined)
  close()
  return {
    boundPerSecond: Math.round((PODS * 1000) / (times.bound - startedMs)),
    runningPerSecond: Math.round((PODS * 1000) / (times.running - startedMs)),
  }
}

/** Pods at a steady pace: from the request to the event that says Running. */
async function paced(call, kubeconfig) {
  const sentMs = new Map()
  const latencies = []
  const close = await watchPods(kubeconfig, call, (_type, { metadata, status }) => {
    const sent = sentMs.get(metadata.name)
    if (sent === undefined || status?.phase !== 'Running') return
    latencies.push(performance.now() - sent)
    sentMs.delete(metadata.name)
  })
  const count = PACED_PER_SECOND * PACED_SECONDS
  const startedMs = performance.now()
  const sent = []
  for (let i = 0; i < count; i++) {
    const dueMs = startedMs + (i * 1000) / PACED_PER_SECOND
    if (dueMs > performance.now()) await pause(dueMs - performance.now())
    const name = `paced-${i}`
    sentMs.set(name, performance.now())
    sent.push(call('POST', POD_PATH, { apiVersion: 'v1', kind: 'Pod', ...template('paced'), metadata: { name } }))
  }
  await Promise.all(sent)
  await until('the paced Pods run', () => sentMs.size === 0)
  close()
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
}

async function rollingUpdate(call) {
  const path = `${DEPLOYMENTS}/rolled`
  const isDone = async () => {
    const { metadata, status = {} } = (await call('GET', path)).body
    const { observedGeneration, updatedReplicas, availableReplicas, replicas } = status
    const isObserved = observedGeneration === metadata.generation
    return isObserved && [updatedReplicas, availableReplicas, replicas].every((counted) => counted === ROLLED)
  }
  await call('POST', DEPLOYMENTS, deployment('rolled', ROLLED))
  await until('the Deployment is up', isDone)
  const startedMs = performance.now()
  const body = { spec: { template: { metadata: { annotations: { version: '2' } } } } }
  await call('PATCH', path, body, { 'content-type': 'application/merge-patch+json' })
  await until('the Deployment is rolled out', isDone)
  return (performance.now() - startedMs) / 1000
}

/** Clock ticks of the process, user and system; 100 a second. */
function cpuTicks({ child }) {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return Number(fields[11]) + Number(fields[12])
}

async function idleCpuPercent(server) {
  const before = cpuTicks(server)
  await pause(IDLE_MS)
  return (((cpuTicks(server) - before) * 10) / IDLE_MS) * 100
}

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-scale-'))
  const rows = []
  const server = await startServer(directory, ['--node', 'simulated', '--simulated-nodes', String(NODES)])
  try {
    const call = clientOf(server.kubeconfig)
    await until(`${NODES} nodes are registered`, async () => {
      const { body } = await call('GET', '/api/v1/nodes?resourceVersion=0')
      return body.items.length >= NODES
    })
    await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
    await pause(3000)
    rows.push(['RSS with the nodes, MB', rssMb(server), ''])
    const { boundPerSecond, runningPerSecond } = await burst(call, server.kubeconfig)
    rows.push([`${PODS} Pods of Deployments: bound /s`, boundPerSecond, '>= 300'])
    rows.push([`${PODS} Pods of Deployments: running /s`, runningPerSecond, ''])
    await pause(SETTLE_MS)
    rows.push(['idle CPU, % of a core', (await idleCpuPercent(server)).toFixed(1), '< 2'])
    rows.push(['RSS, MB', rssMb(server), '< 700'])
    const { p50, p99 } = await paced(call, server.kubeconfig)
    rows.push([`create to Running at ${PACED_PER_SECOND}/s, p50 / p99 ms`, `${p50} / ${p99}`, '- / < 1000'])
    rows.push([`rolling update of ${ROLLED} replicas, s`, (await rollingUpdate(call)).toFixed(1), '< 20'])
    rows.push(['RSS after all, MB', rssMb(server), ''])
  } finally {
    await stop(server)
    rmSync(directory, { recursive: true, force: true })
  }
  console.log(`${NODES} simulated nodes, ${PODS} Pods, one process`)
  for (const [name, value, budget] of rows) console.log(`${name.padEnd(48)} ${String(value).padStart(14)}   ${budget}`)
}

await main()
