import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeProtobuf } from './protobuf.ts'

/** Kinds nobody serves: not in the facts. */
const UNKNOWN = new Set([
  'apiextensions.k8s.io.v1beta1.ConversionReview.pb',
  'apiextensions.k8s.io.v1beta1.CustomResourceDefinition.pb',
  'core.v1.WatchEvent.pb',
])
const FIXTURES = '../shared/data/kubernetes-1.36/fixtures'

// Upstream's round-trip fixtures; they are not part of the repository.
describe.skipIf(!existsSync(FIXTURES))('decoding of the upstream protobuf fixtures', () => {
  const names = existsSync(FIXTURES)
    ? readdirSync(FIXTURES).filter((name) => name.endsWith('.pb') && !UNKNOWN.has(name))
    : []

  it.each(names)('%s equals its JSON', (name) => {
    const json: unknown = JSON.parse(readFileSync(join(FIXTURES, name.replace(/\.pb$/, '.json')), 'utf8'))
    expect(decodeProtobuf(readFileSync(join(FIXTURES, name)))).toEqual(json)
  })
})

describe('malformed protobuf', () => {
  const header = Buffer.from('k8s\0')
  const unknown = (raw: string) => {
    const meta = Buffer.from('\x0a\x02v1\x12\x09ConfigMap')
    const body = Buffer.from(raw, 'latin1')
    return Buffer.concat([header, Buffer.from([0x0a, meta.length]), meta, Buffer.from([0x12, body.length]), body])
  }

  it.each([
    ['no prefix', Buffer.from('{}')],
    ['a length past the end', unknown('\x0a\x7f')],
    ['an endless varint', unknown('\xff'.repeat(12))],
    ['an illegal wire type', unknown('\x07')],
    ['field number zero', unknown('\x00')],
  ])('is refused: %s', (_name, bytes) => {
    expect(() => decodeProtobuf(bytes)).toThrow()
  })

  it('has no form for kinds outside the facts', () => {
    const meta = Buffer.from('\x0a\x04x/v1\x12\x03Foo')
    expect(decodeProtobuf(Buffer.concat([header, Buffer.from([0x0a, meta.length]), meta]))).toBeUndefined()
  })
})
