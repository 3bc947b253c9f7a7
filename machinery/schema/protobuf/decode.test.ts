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
  const header = Buffer.from('k8s\0')
  const configMap = (raw: string) => {
    const meta = Buffer.from('\x0a\x02v1\x12\x09ConfigMap')
    const body = Buffer.from(raw, 'latin1')
    return Buffer.concat([header, Buffer.from([0x0a, meta.length]), meta, Buffer.from([0x12, body.length]), body])
  }

  it.each([
    ['no magic', Buffer.from('{}')],
    ['a length past the end', configMap('\x0a\x7f')],
    ['an endless varint', configMap('\xff'.repeat(12))],
    ['an illegal wire type', configMap('\x0f')],
    ['field number zero', configMap('\x00')],
  ])('is refused: %s', (_what, body) => {
    expect(() => decodeProtobuf(body)).toThrow(ProtobufError)
  })

  it('takes the kind that is expected where the envelope names none', () => {
    const unnamed = Buffer.concat([header, Buffer.from([0x12, 0])])
    expect(decodeProtobuf(unnamed, { apiVersion: 'v1', kind: 'ConfigMap' })).toMatchObject({ kind: 'ConfigMap' })
    expect(decodeProtobuf(unnamed)).toBeUndefined()
  })

  it.each([
    ['another wire type than the field has', '\x08\x01'],
    ['a time after the year 9999', '\x0a\x0b\x42\x09\x08\xff\xff\xff\xff\xff\xff\xff\x7f'],
  ])('is refused: %s', (_what, raw) => {
    expect(() => decodeProtobuf(configMap(raw))).toThrow(ProtobufError)
  })

  it('knows the first second of 1970 from no time at all', () => {
    const metadata = (time: string) => decodeProtobuf(configMap(`\x0a${time}`))?.['metadata']
    expect(metadata('\x06\x42\x04\x08\x00\x10\x00')).toEqual({ creationTimestamp: '1970-01-01T00:00:00Z' })
    expect(metadata('\x02\x42\x00')).toEqual({})
  })

  it('has no form for kinds outside the facts', () => {
    const meta = Buffer.from('\x0a\x04x/v1\x12\x03Foo')
    expect(decodeProtobuf(Buffer.concat([header, Buffer.from([0x0a, meta.length]), meta]))).toBeUndefined()
    expect(decodeProtobuf(header)).toBeUndefined()
  })
})
