/**
 * `npm run generate [unpacked-sources]`: writes facts.gen.json and machinery/api/**\/*.gen.ts from the Kubernetes Go sources,
 * which are fetched from Debian sid unless a directory that fetch-sources.sh has filled is given. Development only.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildFacts, formatFacts } from './facts.ts'
import { readGoModel } from './go-model.ts'
import { PACKAGES, TYPED_PACKAGES } from './packages.ts'
import { resourceFiles } from './resources.ts'
import { typeScriptFile } from './typescript.ts'

const here = dirname(fileURLToPath(import.meta.url))

function main(given: string | undefined): void {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'knarr-generate-'))
  try {
    if (given === undefined) execFileSync(join(here, 'fetch-sources.sh'), [directory], { stdio: 'inherit' })
    generate(directory)
  } finally {
    if (given === undefined) rmSync(directory, { recursive: true })
  }
}

function generate(directory: string): void {
  const model = readGoModel(join(directory, 'root/usr/share/gocode/src'), PACKAGES)
  const schema = dirname(here)
  writeFileSync(join(schema, 'facts.gen.json'), formatFacts(buildFacts(model, kubernetesVersion(directory))))
  const api = join(dirname(schema), 'api')
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(api, path)), { recursive: true })
    writeFileSync(join(api, path), text)
  }
  for (const name of TYPED_PACKAGES) write(`${name}/types.gen.ts`, typeScriptFile(model, name))
  write('meta/v1.gen.ts', typeScriptFile(model, 'meta/v1'))
  for (const [path, text] of resourceFiles()) write(path, text)
}

/** golang-k8s-api-dev_0.36.4-1_all.deb holds Kubernetes 1.36.4. */
function kubernetesVersion(directory: string): string {
  const deb = readdirSync(join(directory, 'debs')).find((name) => name.startsWith('golang-k8s-api-dev_'))
  const version = /_0\.(\d+\.\d+)/.exec(deb ?? '')?.[1]
  if (version === undefined) throw new Error(`no golang-k8s-api-dev package in ${directory}/debs`)
  return `1.${version}`
}

main(process.argv[2])
