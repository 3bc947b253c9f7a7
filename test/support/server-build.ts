/**
 * The built server for tests that start it as a process: bundled by scripts/build.mjs into a folder of its own, named by what
 * the sources look like, so test files and other people share a build and nobody's running `dist/` is pulled away.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Below node_modules so that the bundle finds its packages. */
const BUILDS = join(PROJECT_ROOT, 'node_modules', '.cache', 'knarr-e2e')
const SOURCES = ['machinery', 'apiserver', 'controllers', 'agent', 'addons', 'charts', 'crds', 'cli', 'scripts']
const KEPT_MS = 3_600_000

let building: Promise<string> | undefined

/** Path of knarr.js; builds it when the sources have changed since the last build. */
export function builtServer(): Promise<string> {
  building ??= build()
  return building
}

async function build(): Promise<string> {
  const folder = join(BUILDS, fingerprint())
  const script = join(folder, 'knarr.js')
  if (exists(script)) return script
  removeOldBuilds()
  const draft = `${folder}.${process.pid}`
  await promisify(execFile)(process.execPath, [join(PROJECT_ROOT, 'scripts', 'build.mjs'), draft])
  try {
    renameSync(draft, folder)
  } catch (err: unknown) {
    rmSync(draft, { recursive: true, force: true })
    if (!exists(script)) throw err // Otherwise another test file was faster.
  }
  return script
}

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const folder of SOURCES) addFolder(join(PROJECT_ROOT, folder), hash)
  return hash.digest('hex').slice(0, 16)
}

function addFolder(folder: string, hash: ReturnType<typeof createHash>): void {
  if (!exists(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) addFolder(path, hash)
    else if (!entry.name.endsWith('.test.ts')) {
      const { mtimeMs, size } = statSync(path)
      hash.update(`${path} ${mtimeMs} ${size}\n`)
    }
  }
}

function removeOldBuilds(): void {
  if (!exists(BUILDS)) return
  for (const name of readdirSync(BUILDS)) {
    const path = join(BUILDS, name)
    const ageMs = performance.timeOrigin + performance.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    if (ageMs > KEPT_MS) rmSync(path, { recursive: true, force: true })
  }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined
