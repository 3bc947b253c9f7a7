// Deletes a namespace with 5,000 mixed objects, custom ones among them, and says how long it took and what everybody else
// felt meanwhile: the server's own event-loop lag and requests of another client. Needs a build (npm run build).
// node bench/namespace-deletion.mjs [objects]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientOf } from './product-phases.mjs'
import { createProbed, measuring, pause } from './responsiveness.mjs'
import { rssMb, withServer } from './server.mjs'

const OBJECTS = Number(process.argv[2] ?? 5000)
const AT_ONCE = 16
const NAMESPACE = 'doomed'
const GROUP = 'bench.example.org'

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `gauges.${GROUP}` },
  spec: {
    group: GROUP,
    names: { kind: 'Gauge', plural: 'gauges' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
}

const POD_SPEC = { containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu: '10m' } } }] }

/** In the shares of a namespace in use: path below the namespace, and the object. */
const KINDS = [
  ['/api/v1', 'configmaps', (name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } })],
  ['/api/v1', 'secrets', (name) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { a: 'b' } })],
  ['/api/v1', 'pods', (name) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: POD_SPEC })],
  [
    `/apis/${GROUP}/v1`,
    'gauges',
    (name) => ({ apiVersion: `${GROUP}/v1`, kind: 'Gauge', metadata: { name }, spec: { size: 1 } }),
  ],
  [
    '/api/v1',
    'services',
    (name) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: `s-${name}` }, spec: { ports: [{ port: 80 }] } }),
  ],
]

async function fill(call) {
  let next = 0
  const work = async () => {
    for (let i = next++; i < OBJECTS; i = next++) {
      const [prefix, plural, make] = KINDS[i % KINDS.length]
      const { status, body } = await call('POST', `${prefix}/namespaces/${NAMESPACE}/${plural}`, make(`o-${i}`))
      if (status !== 201) throw new Error(JSON.stringify(body).slice(0, 500))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function measure(server) {
  const call = clientOf(server.kubeconfig)
  await createProbed(call)
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  await call('POST', crds, DEFINITION)
  while ((await call('GET', `/apis/${GROUP}/v1/gauges`)).status !== 200) await pause(20)
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  while ((await call('GET', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`)).status !== 200) await pause(20)
  await fill(call)
  await pause(3000)
  const [tookMs, felt] = await measuring(call, async () => {
    await call('DELETE', `/api/v1/namespaces/${NAMESPACE}`)
    while ((await call('GET', `/api/v1/namespaces/${NAMESPACE}`)).status !== 404) await pause(10)
  })
  return [[`namespace with ${OBJECTS} objects gone, ms`, tookMs, '< 5,000'], ...felt, ['memory, MB', rssMb(server), '']]
}

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-bench-namespace-'))
  try {
    const figures = await withServer(directory, measure)
    for (const [name, value, budget] of figures)
      console.log(`${name.padEnd(44)} ${String(value).padStart(22)}   ${budget}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

await main()
