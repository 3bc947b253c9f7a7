// The garbage collector over 50,000 objects: what knowing them costs at a start, and what happens when the owner of 10,000
// is deleted, in each of the three ways. Needs a build (npm run build). node bench/garbage-collection.mjs [objects] [dependents]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientOf } from './product-phases.mjs'
import { createProbed, measuring, pause } from './responsiveness.mjs'
import { rssMb, withServer } from './server.mjs'

const OBJECTS = Number(process.argv[2] ?? 50_000)
const DEPENDENTS = Number(process.argv[3] ?? 10_000)
const AT_ONCE = 16
const NAMESPACE = '/api/v1/namespaces/default'
const COLLECTOR = 'garbage-collector-controller'

async function times(count, work) {
  let next = 0
  const worker = async () => {
    for (let i = next++; i < count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function create(call, plural, object) {
  const { status, body } = await call('POST', `${NAMESPACE}/${plural}`, object)
  if (status !== 201) throw new Error(JSON.stringify(body).slice(0, 500))
  return body
}

async function collector(call) {
  const { body } = await call('GET', '/debug/controllers')
  const all = Array.isArray(body) ? body : (body.controllers ?? Object.values(body))
  return all.flat().find(({ name }) => name === COLLECTOR)?.detail ?? {}
}

async function remaining(call, label) {
  const { body } = await call('GET', `${NAMESPACE}/configmaps?labelSelector=owner=${label}`)
  return body.items.length
}

async function isGone(call, path) {
  while ((await call('GET', path)).status !== 404) await pause(10)
}

/** An owner with dependents; deletes it and waits for what is promised. */
async function deletion(call, policy) {
  const label = policy.toLowerCase()
  const owner = await create(call, 'configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `owner-${label}` },
  })
  const { name, uid } = owner.metadata
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion: true }]
  await times(DEPENDENTS, (i) =>
    create(call, 'configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `${label}-${i}`, labels: { owner: label }, ownerReferences },
    }),
  )
  await pause(2000)
  const { nodes: before } = await collector(call)
  const result = await measuring(call, async () => {
    await call('DELETE', `${NAMESPACE}/configmaps/${name}`, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: policy,
    })
    await isGone(call, `${NAMESPACE}/configmaps/${name}`)
    if (policy === 'Orphan') return
    while ((await collector(call)).nodes > before - DEPENDENTS) await pause(20)
  })
  const left = await remaining(call, label)
  if (left !== (policy === 'Orphan' ? DEPENDENTS : 0)) throw new Error(`${policy}: ${left} dependents are left`)
  return result
}

async function fill(call) {
  await times(OBJECTS / 2, async (i) => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: `o-${i}` } }
    const { metadata } = await create(call, 'secrets', secret)
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Secret', name: metadata.name, uid: metadata.uid }]
    const dependent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `o-${i}`, ownerReferences } }
    await create(call, 'configmaps', dependent)
  })
}

async function measure(server) {
  const figures = []
  const call = clientOf(server.kubeconfig)
  const startedMs = performance.now()
  while (((await collector(call)).nodes ?? 0) < OBJECTS) await pause(10)
  figures.push([`ready with ${OBJECTS} objects, ms`, Math.round(server.readyMs), ''])
  figures.push(['graph complete after that, ms', Math.round(performance.now() - startedMs), ''])
  await pause(3000)
  figures.push(['memory, MB', rssMb(server), ''])
  await createProbed(call)
  for (const policy of ['Background', 'Foreground', 'Orphan']) {
    const [tookMs, felt] = await deletion(call, policy)
    figures.push([`${policy}: owner of ${DEPENDENTS} done, ms`, tookMs, ''], ...felt)
  }
  figures.push(['memory, MB', rssMb(server), ''])
  return figures
}

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-bench-collection-'))
  try {
    await withServer(directory, ({ kubeconfig }) => fill(clientOf(kubeconfig)))
    for (const [name, value, budget] of await withServer(directory, measure))
      console.log(`${name.padEnd(44)} ${String(value).padStart(22)}   ${budget}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

await main()
