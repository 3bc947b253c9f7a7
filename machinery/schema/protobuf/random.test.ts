import { describe, expect, it } from 'vitest'
import { randomObject, seededRandom } from '#test/support/random-object.ts'
import { schemaFacts } from '../facts.ts'
import { decodeProtobuf } from './decode.ts'
import { encodeProtobuf } from './encode.ts'
import { ProtobufError } from './wire-reader.ts'

const KINDS = schemaFacts()
  .file.kinds.filter(([, , kind]) => kind !== 'Table')
  .map(([group, version, kind, type]) => [group === '' ? version : `${group}/${version}`, kind, type] as const)

const SEEDS = [1, 2, 3]

function randomOf(apiVersion: string, kind: string, type: string, seed: number): object {
  return { kind, apiVersion, ...randomObject(type, seededRandom(seed)) }
}

function bytesOf(object: object): Buffer {
  const bytes = encodeProtobuf(object)
  if (bytes === undefined) throw new Error('no protobuf form')
  return bytes
}

describe.each(SEEDS)('random objects of seed %i', (seed) => {
  it.each(KINDS)('%s %s come back as they were', (apiVersion, kind, type) => {
    const object = randomOf(apiVersion, kind, type, seed)
    const bytes = bytesOf(object)
    const decoded = decodeProtobuf(bytes)
    expect(decoded).toEqual(object)
    expect(encodeProtobuf(decoded ?? {})?.equals(bytes)).toBe(true)
  })
})

it.each(KINDS)(
  '%s %s: bytes cut short, changed or repeated are decoded or refused, nothing else',
  (apiVersion, kind, type) => {
    const random = seededRandom(kind.length)
    const bytes = bytesOf(randomOf(apiVersion, kind, type, 7))
    for (let round = 0; round < 40; round++) {
      const garbled = garble(bytes, random)
      try {
        decodeProtobuf(garbled)
      } catch (err) {
        expect(err).toBeInstanceOf(ProtobufError)
      }
    }
  },
)

function garble(bytes: Buffer, random: () => number): Buffer {
  const at = 4 + Math.floor(random() * (bytes.length - 4))
  if (random() < 0.3) return bytes.subarray(0, at)
  const copy = Buffer.from(bytes)
  if (random() < 0.2) return Buffer.concat([copy, copy.subarray(at)])
  for (let i = 0; i < 1 + random() * 4; i++)
    copy[4 + Math.floor(random() * (copy.length - 4))] = Math.floor(random() * 256)
  return copy
}
