// Writes definitions.gen.json from the YAML files: node crds/generate.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const root = dirname(fileURLToPath(import.meta.url))
const files = readdirSync(root, { recursive: true })
  .filter((file) => file.endsWith('.yaml'))
  .sort()
const definitions = files.map((file) => parse(readFileSync(join(root, file), 'utf8')))
writeFileSync(join(root, 'definitions.gen.json'), `${JSON.stringify(definitions, null, 1)}\n`)
