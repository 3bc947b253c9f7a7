import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeProtobuf } from './decode.ts'
import { ProtobufError } from './wire-reader.ts'

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
  it.each(names)('%s decodes to its JSON', (name) => {
    const expected: unknown = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'))
    expect(decodeProtobuf(readFileSync(join(FIXTURES, `${name}.pb`)))).toEqual(expected)
  })
})

describe('malformed protobuf', () => {
  it.each([
    ['no magic', Buffer.from('hello')],
    ['no envelope', Buffer.from('k8s\0')],
    ['a cut envelope', Buffer.from('k8s\0\x0a\x10v')],
    ['an endless varint', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(12, 0xff)])],
  ])('is refused: %s', (_what, body) => {
    expect(() => decodeProtobuf(body)).toThrow(ProtobufError)
  })
})
