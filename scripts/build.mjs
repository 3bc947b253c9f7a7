// Bundles knarr into dist/: one ESM file for the command, one per worker thread, and the data files they read at run time.
// A bundle starts several times faster than hundreds of separate modules, and a source map keeps stack traces readable.
// Usage: build.mjs [FOLDER], without it dist/.
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = process.argv[2] === undefined ? join(root, 'dist') : resolve(process.argv[2])

/** Files below `directory` whose name ends with `suffix`. */
function filesBelow(directory, suffix) {
  const found = []
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    if (statSync(path).isDirectory()) found.push(...filesBelow(path, suffix))
    else if (name.endsWith(suffix)) found.push(path)
  }
  return found
}

/** What GET /version says of the sources: their commit, its date (so builds are reproducible), whether they differ from it. */
function sourceFacts() {
  const git = (...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const [commit, seconds] = git('log', '-1', '--format=%H %ct').split(' ')
    const treeState = git('status', '--porcelain', '--untracked-files=no') === '' ? 'clean' : 'dirty'
    return { commit, treeState, date: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') }
  } catch {
    return undefined // No git, or no repository.
  }
}

const sources = ['machinery', 'apiserver', 'controllers', 'agent', 'addons', 'charts', 'cli'].map((folder) =>
  join(root, folder),
)
const existing = sources.filter((folder) => statSync(folder, { throwIfNoEntry: false }) !== undefined)
const workers = existing.flatMap((folder) => filesBelow(folder, '.worker.ts'))
// The command, and the two libraries of package.json's exports.
const entryPoints = {
  knarr: join(root, 'cli/main.ts'),
  sdk: join(root, 'controllers/sdk/index.ts'),
  helm: join(root, 'charts/engine/index.ts'),
}
for (const worker of workers) entryPoints[basename(worker, '.ts')] = worker

rmSync(dist, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints,
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Libraries come along: opening their hundred files takes longer than reading them from here. Not what is machine code.
  external: ['better-sqlite3'],
  // Less to read, the same names in a stack trace.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  sourcemap: true,
  define: { KNARR_SOURCE: JSON.stringify(sourceFacts()) ?? 'undefined' },
  // CommonJS libraries call require for Node's own modules.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url)",
  },
  logLevel: 'warning',
})

for (const folder of existing) {
  for (const file of filesBelow(folder, '.gen.json')) cpSync(file, join(dist, basename(file)))
}
