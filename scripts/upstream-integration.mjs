// Upstream's integration tests (test/integration of Kubernetes and of its apiextensions-apiserver), unmodified, against knarr: a Go build
// overlay replaces only what starts the API server (test/upstream). docs/conformance.md says what they show.
// Usage: upstream-integration.mjs --source KUBERNETES --package test/integration/job [--run REGEX] [--skip REGEX] [--controllers NAME,...]
//   KUBERNETES: a source tree of v1.36 with its vendor folder; Go 1.26 in PATH
//   --controllers: knarr's own, kube-scheduler among them, instead of those the tests start
// Prints the tests that fail and the totals; all output and the servers' logs stay in --output (./upstream-integration).
import { execFileSync, spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const own = (name) => join(root, 'test/upstream', name)
const EXTENSIONS = 'staging/src/k8s.io/apiextensions-apiserver/pkg/cmd/server/testing'
/** Replaced or added: path in the source tree, ours. */
const OVERLAY = {
  [`${EXTENSIONS}/knarr.go`]: own('knarr.go'),
  [`${EXTENSIONS}/testserver.go`]: own('extensions.go'),
  'cmd/kube-apiserver/app/testing/testserver.go': own('kube.go'),
  'test/integration/framework/test_server.go': own('framework.go'),
}
/** How upstream's controllers and scheduler start. */
const RUN = /^func \(\w+ \*?\w+\) Run\(ctx context\.Context(, \w+ (int|time\.Duration))*(, \w+ time\.Duration)?\) \{\n/m
/** Parts of controllers, which their tests need. */
const NOT_CONTROLLERS = /resource_quota_monitor|graph_builder|desired_state_of_world|reconciler\.go|range_allocator/
const TIMEOUT = '20m'

function options() {
  const { values } = parseArgs({
    options: {
      source: { type: 'string' },
      package: { type: 'string' },
      run: { type: 'string', default: '.' },
      skip: { type: 'string' },
      controllers: { type: 'string', default: '' },
      output: { type: 'string', default: 'upstream-integration' },
    },
  })
  if (values.source === undefined || !existsSync(join(values.source, 'vendor')))
    throw new Error('--source: the folder of a Kubernetes source tree with its vendor folder')
  const folder = join(values.source, values.package ?? '')
  if (values.package === undefined || !existsSync(folder))
    throw new Error(`--package: a folder below --source, such as test/integration/job; ${folder} is not there`)
  return { ...values, source: resolve(values.source), output: resolve(values.output) }
}

function goFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.go') && !entry.name.endsWith('_test.go'))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Copies whose Run waits for the end: knarr's controllers do the work. */
function withoutControllers(source, output) {
  const replaced = {}
  for (const file of [...goFiles(join(source, 'pkg/controller')), join(source, 'pkg/scheduler/scheduler.go')]) {
    const text = readFileSync(file, 'utf8')
    if (NOT_CONTROLLERS.test(file) || !RUN.test(text)) continue
    const copy = join(output, 'controllers', file.slice(source.length + 1).replaceAll('/', '__'))
    mkdirSync(dirname(copy), { recursive: true })
    writeFileSync(copy, text.replace(RUN, '$&\tif ctx != nil {\n\t\t<-ctx.Done()\n\t\treturn\n\t}\n'))
    replaced[file] = copy
  }
  return replaced
}

function build({ source, output, controllers, package: name }) {
  const replaced = Object.fromEntries(Object.entries(OVERLAY).map(([path, file]) => [join(source, path), file]))
  if (controllers !== '') Object.assign(replaced, withoutControllers(source, output))
  const overlay = join(output, 'overlay.json')
  writeFileSync(overlay, JSON.stringify({ Replace: replaced }))
  const binary = join(output, `${name.replaceAll('/', '_')}.test`)
  const environment = { ...process.env, GOFLAGS: '-mod=vendor', CGO_ENABLED: '0' }
  const args = ['test', '-c', '-vet=off', '-overlay', overlay, '-o', binary, `./${name}`]
  execFileSync('go', args, { cwd: source, env: environment, stdio: 'inherit' })
  return binary
}

/** The tests look whether an etcd is there before they start one. */
async function standInForEtcd() {
  const server = createServer((socket) => socket.destroy())
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  server.unref()
  return `http://127.0.0.1:${server.address().port}`
}

/** With the servers that a panic leaves behind. */
function stopGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (err) {
    if (err.code !== 'ESRCH') throw err
  }
}

/** One process for these tests; a panic ends it early. Resolves to results by test, and the one that was under way. */
async function runTests(binary, tests, { source, output, package: name, controllers }, etcd) {
  const child = spawn(binary, ['-test.v', '-test.timeout', TIMEOUT, '-test.run', `^(${tests.join('|')})$`], {
    cwd: join(source, name),
    env: {
      ...process.env,
      KNARR_ROOT: root,
      KNARR_LOGS: join(output, 'logs'),
      KNARR_CONTROLLERS: controllers,
      KUBE_INTEGRATION_ETCD_URL: etcd,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const log = createWriteStream(join(output, `${basename(binary)}.log`), { flags: 'a' })
  child.stderr.pipe(log, { end: false })
  const results = new Map()
  let running
  for await (const line of createInterface({ input: child.stdout })) {
    log.write(`${line}\n`)
    running = /^=== RUN\s+(\w+)$/.exec(line)?.[1] ?? running
    const [, result, test] = /^--- (PASS|FAIL|SKIP): (\w+) /.exec(line) ?? []
    if (test !== undefined) results.set(test, result)
    // What follows looks for goroutines that knarr's part in the tests leaves behind.
    if (line === 'PASS' || line === 'FAIL') stopGroup(child)
  }
  stopGroup(child)
  log.end()
  return { results, running }
}

async function main() {
  const wanted = options()
  mkdirSync(join(wanted.output, 'logs'), { recursive: true })
  const binary = build(wanted)
  const listed = execFileSync(binary, ['-test.list', wanted.run], { encoding: 'utf8' }).split('\n')
  const isWanted = (test) =>
    /^Test\w+$/.test(test) && !(wanted.skip !== undefined && new RegExp(wanted.skip).test(test))
  const etcd = await standInForEtcd()
  const all = new Map()
  for (let left = listed.filter(isWanted); left.length > 0; ) {
    const { results, running } = await runTests(binary, left, wanted, etcd)
    for (const [test, result] of results) all.set(test, result)
    const [victim] =
      left.includes(running) && !results.has(running) ? [running] : left.filter((test) => !results.has(test))
    if (victim !== undefined) all.set(victim, 'PANIC')
    left = left.filter((test) => !all.has(test))
  }
  const count = (result) => [...all.values()].filter((one) => one === result).length
  for (const [test, result] of all) if (result === 'FAIL' || result === 'PANIC') console.log(`${result} ${test}`)
  const failed = count('FAIL') + count('PANIC')
  console.log(`${wanted.package}: ${count('PASS')} passed, ${failed} failed, ${count('SKIP')} skipped`)
  process.exitCode = failed > 0 ? 1 : 0
}

try {
  await main()
} catch (err) {
  console.error(err instanceof Error ? err.message : err)
  process.exitCode = 2
}
