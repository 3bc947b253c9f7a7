import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseYamlDocuments, toYaml } from '#machinery/yaml/yaml.ts'
import { decodeProtobuf } from './decode.ts'
import { encodeProtobuf } from './encode.ts'

const FIXTURES = '../shared/data/kubernetes-1.36/fixtures'
const names = existsSync(FIXTURES)
  ? readdirSync(FIXTURES)
      .filter((name) => name.endsWith('.pb'))
      .map((name) => name.slice(0, -3))
      .filter((name) => !isKnownGap(name))
  : []

/** What is no kind any server registers. */
function isKnownGap(name: string): boolean {
  return /apiextensions\.k8s\.io\.v1beta1\.|^core\.v1\.WatchEvent$/.test(name)
}

describe.skipIf(names.length === 0)('fixtures of ../shared/data (absent: skipped)', () => {
  it.each(names)('%s encodes to its bytes', (name) => {
    const json = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')) as object
    const expected = readFileSync(join(FIXTURES, `${name}.pb`))
    const encoded = encodeProtobuf(json)
    expect(encoded?.toString('latin1')).toBe(expected.toString('latin1'))
  })

  it.each(names)('%s goes JSON, protobuf, YAML, JSON unchanged', (name) => {
    const json = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')) as object
    const decoded = decodeProtobuf(encodeProtobuf(json) ?? Buffer.alloc(0))
    const [document] = parseYamlDocuments(toYaml(decoded))
    expect(JSON.parse(JSON.stringify(document?.value))).toEqual(json)
  })
})
