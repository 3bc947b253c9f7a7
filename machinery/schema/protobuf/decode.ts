/**
 * Kubernetes protobuf to JSON-shaped objects, driven by the schema facts. Values come out as Go's JSON would show the decoded
 * struct: empty members that are `omitempty` are absent, times and quantities are text.
 * Upstream: apimachinery pkg/runtime/serializer/protobuf, the generated.pb.go files.
 */
import { setMember } from '#machinery/util/json.ts'
import type { FactField } from '../facts.ts'
import { schemaFacts } from '../facts.ts'
import { protobufTypeNamed } from './encode.ts'
import { MAGIC } from './envelope.ts'
import { scalarDecoder, wireOf } from './scalars.ts'
import { ProtobufError, WIRE, WireReader } from './wire-reader.ts'

/** Deeper nesting than any API type has: only CustomResourceDefinition schemas recurse. */
const DEPTH_MAX = 64

/** What an object is whose envelope does not say it. */
export interface KindDefault {
  readonly apiVersion: string
  readonly kind: string
  /** Further apiVersions of the same shape. */
  readonly alsoAs?: readonly string[]
}

/**
 * The body of a request: envelope, then the object it names, with kind and apiVersion set. Undefined for a kind that has no
 * protobuf form (custom resources). Throws ProtobufError for malformed bytes.
 */
export function decodeProtobuf(body: Buffer, unnamed?: KindDefault): Record<string, unknown> | undefined {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC))
    throw new ProtobufError('provided data does not appear to be a protobuf message')
  const envelope = readEnvelope(body.subarray(MAGIC.length))
  const apiVersion = envelope.apiVersion === '' ? (unnamed?.apiVersion ?? '') : envelope.apiVersion
  const kind = envelope.kind === '' ? (unnamed?.kind ?? '') : envelope.kind
  const isSameShape = unnamed?.alsoAs?.includes(apiVersion) ?? false
  const type = protobufTypeNamed(isSameShape ? (unnamed?.apiVersion ?? '') : apiVersion, kind)
  if (type === undefined) return undefined
  const object: Record<string, unknown> = { kind, apiVersion }
  messageOf(type).readInto(object, envelope.raw, 0)
  return object
}

interface Envelope {
  readonly apiVersion: string
  readonly kind: string
  readonly raw: Buffer
}

/** runtime.Unknown: typeMeta = 1, raw = 2, contentEncoding = 3, contentType = 4. */
function readEnvelope(bytes: Buffer): Envelope {
  const parts: Record<number, Buffer> = readBytesFields(bytes)
  const typeMeta = readBytesFields(parts[1] ?? Buffer.alloc(0))
  return {
    apiVersion: typeMeta[1]?.toString('utf8') ?? '',
    kind: typeMeta[2]?.toString('utf8') ?? '',
    raw: parts[2] ?? Buffer.alloc(0),
  }
}

const ENVELOPE_FIELD_MAX = 4

function readBytesFields(bytes: Buffer): Record<number, Buffer> {
  const fields: Record<number, Buffer> = {}
  const reader = new WireReader(bytes)
  while (!reader.isAtEnd) {
    const { field, wire } = reader.tag()
    if (wire === WIRE.bytes && field <= ENVELOPE_FIELD_MAX) fields[field] = reader.bytes()
    else reader.skip(wire)
  }
  return fields
}

function expectWire(wire: number, expected: number): void {
  if (wire !== expected) throw new ProtobufError(`wrong wire type ${wire}, expected ${expected}`)
}

/** Reads one field's value into the object; called again for each element of a list or map. */
type FieldReader = (target: Record<string, unknown>, reader: WireReader, wire: number, depth: number) => void

class Message {
  readonly #fields: ReadonlyMap<number, FieldReader>

  constructor(fields: ReadonlyMap<number, FieldReader>) {
    this.#fields = fields
  }

  readInto(target: Record<string, unknown>, bytes: Buffer, depth: number): void {
    if (depth > DEPTH_MAX) throw new ProtobufError('message is nested too deeply')
    const reader = new WireReader(bytes)
    while (!reader.isAtEnd) {
      const { field, wire } = reader.tag()
      const read = this.#fields.get(field)
      if (read === undefined) reader.skip(wire)
      else read(target, reader, wire, depth)
    }
  }
}

const messages = new Map<string, Message>()

function messageOf(type: string): Message {
  let message = messages.get(type)
  if (message === undefined) {
    const fields = schemaFacts().fieldsOf(type)
    if (fields === undefined) throw new ProtobufError(`unknown type ${type}`)
    message = new Message(fieldReaders(fields))
    messages.set(type, message)
  }
  return message
}

/** An embedded struct is a message of its own on the wire, though its fields stand in the same JSON object. */
function fieldReaders(fields: readonly FactField[]): Map<number, FieldReader> {
  const readers = new Map<number, FieldReader>()
  for (const field of fields) {
    const [, , number, , extra] = field
    if (number === 0) continue
    if (extra?.inline === undefined) readers.set(number, fieldReader(field))
    else readers.set(extra.inline[1], embeddedReader(extra.inline[2]))
  }
  return readers
}

function embeddedReader(type: string): FieldReader {
  let message: Message | undefined
  return (target, reader, wire, depth) => {
    expectWire(wire, WIRE.bytes)
    message ??= messageOf(type)
    message.readInto(target, reader.bytes(), depth + 1)
  }
}

function fieldReader([name, type, , flags, extra]: FactField): FieldReader {
  if (type.startsWith('{}')) return mapReader(name, type.slice(2))
  if (type.startsWith('[]')) {
    const element = type.slice(2)
    return extra?.goType === 'v1.Verbs' ? wrappedListReader(name, element) : listReader(name, element)
  }
  const isOmittedWhenEmpty = flags.includes('o') && !flags.includes('p')
  const read = valueReader(type)
  const expected = wireOf(type)
  return (target, reader, wire, depth) => {
    expectWire(wire, expected)
    const value = read(reader, depth)
    if (value === undefined || (isOmittedWhenEmpty && isEmpty(value))) return
    target[name] = value
  }
}

const isEmpty = (value: unknown): boolean => value === '' || value === 0 || value === false

/** Undefined = the zero of a type whose JSON is null (Time). */
type ValueReader = (reader: WireReader, depth: number) => unknown

function valueReader(type: string): ValueReader {
  if (type === 'SchemaOrArray' || type === 'SchemaOrBool' || type === 'SchemaOrStrings') return schemaReader(type)
  const scalar = scalarDecoder(type)
  if (scalar !== undefined) return scalar
  let message: Message | undefined
  return (reader, depth) => {
    message ??= messageOf(type)
    const value: Record<string, unknown> = {}
    message.readInto(value, reader.bytes(), depth + 1)
    return value
  }
}

function listReader(name: string, element: string): FieldReader {
  const read = valueReader(element)
  const expected = wireOf(element)
  return (target, reader, wire, depth) => {
    const list = ownList(target, name)
    if (expected === WIRE.varint && wire === WIRE.bytes) {
      const packed = new WireReader(reader.bytes())
      while (!packed.isAtEnd) list.push(read(packed, depth))
      return
    }
    expectWire(wire, expected)
    list.push(read(reader, depth) ?? null)
  }
}

/** A named slice type is a message of its own: `items` = 1. */
function wrappedListReader(name: string, element: string): FieldReader {
  const message = new Message(new Map([[1, listReader('items', element)]]))
  return (target, reader, wire, depth) => {
    expectWire(wire, WIRE.bytes)
    const holder: Record<string, unknown> = {}
    message.readInto(holder, reader.bytes(), depth + 1)
    target[name] = holder['items'] ?? []
  }
}

function mapReader(name: string, valueType: string): FieldReader {
  const readValue = valueType.startsWith('[]')
    ? wrappedListReader('value', valueType.slice(2))
    : fieldReader(['value', valueType, 2, ''])
  const entry = new Message(
    new Map([
      [1, fieldReader(['key', 'string', 1, ''])],
      [2, readValue],
    ]),
  )
  return (target, reader, wire, depth) => {
    expectWire(wire, WIRE.bytes)
    const holder: Record<string, unknown> = {}
    entry.readInto(holder, reader.bytes(), depth + 1)
    const map = (Object.hasOwn(target, name) ? target[name] : {}) as Record<string, unknown>
    target[name] = map
    setMember(
      map,
      String(holder['key'] ?? ''),
      holder['value'] ?? (valueType === 'string' || valueType === 'bytes' ? '' : null),
    )
  }
}

function ownList(target: Record<string, unknown>, name: string): unknown[] {
  const present = target[name]
  if (Array.isArray(present)) return present
  const list: unknown[] = []
  target[name] = list
  return list
}

const SCHEMA = 'apiextensions/v1.JSONSchemaProps'

/** The unions of JSONSchemaProps: schema or list, boolean or schema, schema or strings. */
function schemaReader(type: 'SchemaOrArray' | 'SchemaOrBool' | 'SchemaOrStrings'): ValueReader {
  const fields: Map<number, FieldReader> =
    type === 'SchemaOrBool'
      ? new Map([
          [1, fieldReader(['allows', 'boolean', 1, ''])],
          [2, fieldReader(['schema', SCHEMA, 2, 'p'])],
        ])
      : new Map([
          [1, fieldReader(['schema', SCHEMA, 1, 'p'])],
          [2, listReader('list', type === 'SchemaOrArray' ? SCHEMA : 'string')],
        ])
  const message = new Message(fields)
  return (reader, depth) => {
    const holder: Record<string, unknown> = {}
    message.readInto(holder, reader.bytes(), depth + 1)
    return holder['schema'] ?? holder['list'] ?? holder['allows'] ?? null
  }
}
