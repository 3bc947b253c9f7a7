// A thousand CustomResourceDefinitions: what they cost at start, in memory and in discovery. `npm run build && node bench/crds.mjs [count]`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientOf } from './product-phases.mjs'
import { rssMb, startServer, stop } from './server.mjs'

const COUNT = Number(process.argv[2] ?? 1000)
const GROUPS = 100
const AT_ONCE = 16

/** About as large as an operator's: a few dozen described fields. */
function definition(index) {
  const group = `g${index % GROUPS}.bench.example.org`
  const kind = `Bench${index}`
  const plural = `bench${index}s`
  const text = (name) => ({
    type: 'string',
    description: `What ${name} of a ${kind} is about, in a sentence of usual length.`,
  })
  const member = (depth) => ({
    type: 'object',
    description: 'A part of the object.',
    properties: {
      ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`field${i}`, text(`field${i}`)])),
      count: { type: 'integer', minimum: 0, default: 1 },
      ...(depth > 0 ? { part: member(depth - 1), parts: { type: 'array', items: member(depth - 1) } } : {}),
    },
  })
  const schema = { type: 'object', properties: { spec: member(2), status: member(1) } }
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    subresources: { status: {} },
    schema: { openAPIV3Schema: schema },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: { group, names: { kind, plural }, scope: 'Namespaced', versions: [version] },
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const AGGREGATED = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }

async function timed(call, path, headers) {
  const startedMs = performance.now()
  const { status } = await call('GET', path, undefined, headers)
  if (status !== 200) throw new Error(`${path}: ${status}`)
  return Math.round(performance.now() - startedMs)
}

const DOCUMENTS = [
  ['groups', '/apis'],
  ['aggregated discovery', '/apis', AGGREGATED],
  ['one group', '/apis/g1.bench.example.org/v1'],
  ['OpenAPI v3 index', '/openapi/v3'],
  ['OpenAPI v3 of one group', '/openapi/v3/apis/g1.bench.example.org/v1'],
]

async function install(call) {
  let next = 0
  const work = async () => {
    while (next < COUNT) {
      const { status, body } = await call(
        'POST',
        '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
        definition(next++),
      )
      if (status !== 201) throw new Error(JSON.stringify(body).slice(0, 500))
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const last = definition(COUNT - 1)
  for (;;) {
    const { status } = await call('GET', `/apis/${last.spec.group}/v1/${last.spec.names.plural}`)
    if (status === 200) return Math.round(performance.now() - startedMs)
    await pause(5)
  }
}

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-bench-crds-'))
  const figures = []
  try {
    const empty = await startServer(directory)
    await pause(1500)
    const emptyRss = rssMb(empty)
    figures.push(['ready without, ms', Math.round(empty.readyMs)], ['memory without, MB', emptyRss])
    const call = clientOf(empty.kubeconfig)
    figures.push([`install ${COUNT} until served, ms`, await install(call)], ['memory after install, MB', rssMb(empty)])
    await stop(empty)

    const full = await startServer(directory)
    figures.push([`ready with ${COUNT}, ms (< 3000)`, Math.round(full.readyMs)])
    await pause(1500)
    figures.push([`memory with ${COUNT}, MB (< +250)`, rssMb(full), `+${rssMb(full) - emptyRss}`])
    const again = clientOf(full.kubeconfig)
    await timed(again, '/version')
    for (const [what, path, headers] of DOCUMENTS) {
      figures.push([
        `${what}, first and again, ms (< 50)`,
        await timed(again, path, headers),
        await timed(again, path, headers),
      ])
    }
    figures.push(['create one more, served and in discovery, ms (< 1000)', await oneMore(again)])
    for (const [what, path, headers] of DOCUMENTS) {
      figures.push([`${what}, after that, ms (< 50)`, await timed(again, path, headers)])
    }
    figures.push(['memory after discovery, MB', rssMb(full)])
    await stop(full)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  for (const [name, ...values] of figures) console.log(`${name.padEnd(60)} ${values.join('  ')}`)
}

async function oneMore(call) {
  const more = definition(COUNT)
  const { group, names } = more.spec
  const startedMs = performance.now()
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', more)
  for (;;) {
    const { body } = await call('GET', `/apis/${group}/v1`)
    if (body.resources?.some(({ name }) => name === names.plural)) return Math.round(performance.now() - startedMs)
    await pause(5)
  }
}

await main()
