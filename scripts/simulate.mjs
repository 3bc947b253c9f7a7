// Many seeds of the whole-cluster simulation (test/simulation), faster than as tests: bundled once, in several processes.
// Usage: simulate.mjs --from N --count M [--jobs J]. Prints what each failing seed broke and what was done in it, and a
// summary. Exits with 0 when all seeds passed, 1 when some failed, 2 when it was called wrongly.
import { fork } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
/** A process is replaced after so many seeds, so that what one leaves behind cannot add up. */
const SEEDS_PER_PROCESS = 100
/** A seed takes about a second. */
const SEED_MAX_MS = 300_000
const PROGRESS_MS = 60_000
const HEAP = ['--max-semi-space-size=64', '--min-semi-space-size=64']

function options() {
  const { values } = parseArgs({
    options: { from: { type: 'string' }, count: { type: 'string' }, jobs: { type: 'string' } },
  })
  const { from = '0', count, jobs = `${Math.max(1, availableParallelism() - 1)}` } = values
  const numbers = { from: Number(from), count: Number(count), jobs: Number(jobs) }
  const isRight = ({ from, count, jobs }) =>
    [from, count, jobs].every(Number.isSafeInteger) && from >= 0 && count > 0 && jobs > 0
  if (!isRight(numbers)) throw new Error('--from N (0), --count M and --jobs J (cores less one) are whole numbers')
  return numbers
}

/** Inside the repository, as packages are not bundled; of this process alone, as sources may change while it runs. */
async function bundle(folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, 'child.mjs')
  await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'test/simulation/child.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  const data = join(root, 'machinery/schema/facts.gen.json')
  copyFileSync(data, join(folder, basename(data)))
  return outfile
}

/** Takes seeds as long as there are any; a process that dies fails the seed it was at. */
async function work(program, nextSeed, report) {
  for (let seed = nextSeed(); seed !== undefined; ) {
    const child = fork(program, { execArgv: [...HEAP, '--enable-source-maps'] })
    for (let i = 0; i < SEEDS_PER_PROCESS && seed !== undefined && child.connected; i++) {
      report(await verdictOf(child, seed))
      seed = nextSeed()
    }
    child.kill()
  }
}

function verdictOf(child, seed) {
  return new Promise((resolve) => {
    const onExit = (code, signal) =>
      settle({ seed, violations: [`the process ended with ${signal ?? code}`], history: [] })
    const limit = setTimeout(() => child.kill('SIGKILL'), SEED_MAX_MS)
    const settle = (verdict) => {
      clearTimeout(limit)
      child.off('message', settle).off('exit', onExit)
      resolve(verdict)
    }
    child.on('message', settle).on('exit', onExit)
    child.send(seed, (err) => err !== null && child.kill())
  })
}

async function main({ from, count, jobs }) {
  const folder = join(root, 'node_modules/.cache/knarr-simulation', `${process.pid}`)
  const program = await bundle(folder)
  const startMs = performance.now()
  const failed = []
  let next = from
  let done = 0
  let isStopping = false
  const summary = () => {
    const seconds = (performance.now() - startMs) / 1_000
    return `${done} of ${count} seeds from ${from}, ${failed.length} failed, ${(done / seconds).toFixed(2)} per second`
  }
  const report = ({ seed, violations, history }) => {
    done++
    if (violations.length === 0) return
    failed.push(seed)
    const indented = (lines) => lines.map((line) => `    ${line}\n`).join('')
    process.stdout.write(`seed ${seed} failed\n${indented(violations)}  history\n${indented(history)}`)
  }
  const nextSeed = () => (isStopping || next >= from + count ? undefined : next++)
  // What is under way is finished then.
  process.once('SIGINT', () => {
    isStopping = true
  })
  const progress = setInterval(() => process.stdout.write(`${summary()}\n`), PROGRESS_MS)
  try {
    await Promise.all(Array.from({ length: Math.min(jobs, count) }, () => work(program, nextSeed, report)))
  } finally {
    clearInterval(progress)
    rmSync(folder, { recursive: true, force: true })
  }
  process.stdout.write(`${summary()}${failed.length > 0 ? `: ${failed.sort((a, b) => a - b).join(' ')}` : ''}\n`)
  return failed.length > 0 ? 1 : 0
}

let wanted
try {
  wanted = options()
} catch (err) {
  process.stderr.write(`${err.message}\n`)
  process.exit(2)
}
process.exitCode = await main(wanted)
