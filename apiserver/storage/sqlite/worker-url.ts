/**
 * Where the writer thread's code is. The product is bundled, and the worker lies beside the bundle. Tests and development
 * run the sources, which Node 20 cannot load in a worker: there the worker is bundled once per content into node_modules/
 * (where its imports resolve) and reused.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NAME = 'sqlite-writer.worker'

/** The bundle of this process's sources, once it has been made. */
let bundled: Promise<URL> | undefined

export async function writerWorkerUrl(): Promise<URL> {
  if (!import.meta.url.endsWith('.ts')) return new URL(`./${NAME}.js`, import.meta.url)
  bundled ??= bundleSource()
  return bundled
}

async function bundleSource(): Promise<URL> {
  // Not named in the import, so that no bundler follows it into the product.
  const bundler = 'esbuild'
  const { buildSync } = (await import(bundler)) as typeof import('esbuild')
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL(`./${NAME}.ts`, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    write: false,
  })
  const code = outputFiles[0]?.contents ?? new Uint8Array()
  const directory = fileURLToPath(new URL('../../../node_modules/.cache/knarr', import.meta.url))
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 16)
  const file = join(directory, `${NAME}-${digest}.mjs`)
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    mkdirSync(directory, { recursive: true })
    // Other test processes do the same at the same time: a rename shows them all of it or nothing.
    const partial = `${file}.${process.pid}`
    writeFileSync(partial, code)
    renameSync(partial, file)
  }
  return pathToFileURL(file)
}
