// npm run bench: start time, memory and the request phases of ../shared/bench/apibench.mjs against a fresh server, printed as
// a table beside DESIGN.md's budgets. Figures are ratios of this machine: compare before and after, not across machines.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { clientOf, droppedFileMs, helmChartMs } from './product-phases.mjs'
import { rssMb, startServer, stop } from './server.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const load = join(root, '../shared/bench/apibench.mjs')
const tools =
  process.env.KNARR_TEST_TOOLS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'knarr-test-tools')
const kubectl = existsSync(join(tools, 'kubectl-1.36')) ? join(tools, 'kubectl-1.36') : 'kubectl'

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-bench-'))
  const figures = new Map()
  try {
    const first = await startServer(directory)
    figures.set('first start to ready, ms', [Math.round(first.readyMs), '< 600'])
    await stop(first)
    const server = await startServer(directory)
    figures.set('later start to ready, ms', [Math.round(server.readyMs), '< 400'])
    await pause(5000)
    figures.set('idle RSS, MB', [rssMb(server), '< 130'])
    const call = clientOf(server.kubeconfig)
    figures.set('file dropped to applied, ms', [await droppedFileMs(call, directory), '< 500'])
    for (const chart of ['metrics-server-3.13.1', 'ingress-nginx-4.15.1', 'cert-manager-v0.0.0']) {
      const elapsedMs = await helmChartMs(call, join(root, `../shared/data/charts/${chart}.tgz`))
      if (elapsedMs !== undefined) figures.set(`HelmChart ${chart} to Ready, ms`, [elapsedMs, '< 300'])
    }
    await stop(server)
    if (existsSync(load)) await phases(directory, figures)
    else console.log(`${load} is not there: request phases left out`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  for (const [name, [value, budget]] of figures)
    console.log(`${name.padEnd(36)} ${String(value).padStart(12)}   ${budget}`)
}

async function phases(directory, figures) {
  const server = await startServer(directory)
  const args = [load, '--kubeconfig', server.kubeconfig, '--kubectl', kubectl, '--pid', String(server.child.pid)]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 })
  if (stderr !== '') console.log(stderr)
  const rows = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((row) => [row.name, row]),
  )
  const rate = (name, budget) =>
    figures.set(`${name} /s (p50 / p99 ms)`, [
      `${rows.get(name).per_s} (${rows.get(name).p50_ms} / ${rows.get(name).p99_ms})`,
      budget,
    ])
  rate('create', '>= 6,000')
  rate('get', '>= 15,000')
  rate('update', '>= 6,000')
  rate('patch', '>= 5,000')
  rate('list', '>= 250')
  rate('list_label', '>= 500')
  rate('list_rv0', '')
  const fanout = rows.get('watch_fanout')
  figures.set('watch fan-out p50 / p99, ms', [`${fanout.p50_ms} / ${fanout.p99_ms}`, '< 1.5 / < 4'])
  figures.set('watch events delivered', [`${fanout.delivered} of ${fanout.of}`, 'all'])
  rate('delete', '')
  figures.set('RSS after the run, MB', [rows.get('after').rss_mb, '< 300'])
  await stop(server)
}

await main()
