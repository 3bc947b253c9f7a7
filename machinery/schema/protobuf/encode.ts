/**
 * JSON-shaped objects to Kubernetes protobuf, byte for byte as Go's generated marshallers write the same objects: fields by
 * ascending number, maps by key, members that are no pointers whether they are set or not. One encoder per type, put
 * together from the schema facts on its first use.
 * Upstream: the generated.pb.go files; apimachinery pkg/runtime/serializer/protobuf.
 */
import { tryParseApiVersion } from '#machinery/meta/resource.ts'
import { isObject } from '#machinery/util/json.ts'
import type { FactField } from '../facts.ts'
import { schemaFacts } from '../facts.ts'
import { envelopeOf } from './envelope.ts'
import type { ValueEncoder } from './scalar-encoders.ts'
import { scalarEncoder } from './scalar-encoders.ts'
import { WIRE } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** The protobuf form of one kind: the message alone, without the envelope that says which kind it is. */
export interface ProtobufKind {
  encode(object: object): Buffer
}

/** Undefined for kinds that have none: custom resources, Table. */
export function protobufKind(group: string, version: string, kind: string): ProtobufKind | undefined {
  const type = protobufTypeOf(group, version, kind)
  return type === undefined ? undefined : { encode: (object) => encodeMessage(messageOf(type), object) }
}

/** The message of a list's metadata. */
export function encodeListMeta(metadata: object): Buffer {
  return encodeMessage(messageOf('meta/v1.ListMeta'), metadata)
}

/** Any object with kind and apiVersion, in its envelope; undefined when its kind has no protobuf form. */
export function encodeProtobuf(object: object): Buffer | undefined {
  const { apiVersion = '', kind } = object as { readonly apiVersion?: unknown; readonly kind?: unknown }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined
  const type = protobufTypeNamed(apiVersion, kind)
  return type === undefined ? undefined : envelopeOf(apiVersion, kind, encodeMessage(messageOf(type), object))
}

/** The type behind an object's own words for it. Discovery's oldest documents have no apiVersion. */
export function protobufTypeNamed(apiVersion: string, kind: string): string | undefined {
  const groupVersion = apiVersion === '' ? { group: '', version: 'v1' } : tryParseApiVersion(apiVersion)
  return groupVersion && protobufTypeOf(groupVersion.group, groupVersion.version, kind)
}

/** Options, Status and the like are registered in every group. */
function protobufTypeOf(group: string, version: string, kind: string): string | undefined {
  const facts = schemaFacts()
  const own = facts.typeOfKind(group, version, kind)
  const shared = own === undefined ? facts.typeOfKind('', 'v1', kind) : undefined
  const type = own ?? (shared?.startsWith('meta/') ? shared : undefined)
  return type === 'meta/v1.Table' ? undefined : type
}

/** Encoding is synchronous and never calls out: one writer serves everybody. */
const writer = new WireWriter()

function encodeMessage(message: MessageEncoder, object: object): Buffer {
  writer.reset()
  message.write(writer, object as Source)
  return writer.finish()
}

type Source = Readonly<Record<string, unknown>>
/** Writes the field of an object, tag and all, or nothing. */
type FieldEncoder = (writer: WireWriter, source: Source) => void

const EMPTY: Source = Object.freeze({})

class MessageEncoder {
  /** By descending number, as the writer goes from end to beginning. */
  readonly #fields: readonly FieldEncoder[]

  constructor(fields: ReadonlyMap<number, FieldEncoder>) {
    this.#fields = [...fields].sort(([a], [b]) => b - a).map(([, encoder]) => encoder)
  }

  write(target: WireWriter, source: Source): void {
    for (const field of this.#fields) field(target, source)
  }
}

const messages = new Map<string, MessageEncoder>()

function messageOf(type: string): MessageEncoder {
  let message = messages.get(type)
  if (message === undefined) {
    const fields = schemaFacts().fieldsOf(type)
    if (fields === undefined) throw new Error(`the schema facts have no type ${type}`)
    message = new MessageEncoder(fieldEncoders(fields))
    messages.set(type, message)
  }
  return message
}

/** An embedded struct is a message of its own on the wire, though its fields stand in the same JSON object. */
function fieldEncoders(fields: readonly FactField[]): Map<number, FieldEncoder> {
  const encoders = new Map<number, FieldEncoder>()
  for (const field of fields) {
    const [, , number, , extra] = field
    if (number === 0) continue
    if (extra?.inline === undefined) encoders.set(number, fieldEncoder(field))
    else encoders.set(extra.inline[1], embeddedEncoder(extra.inline[1], structEncoder(extra.inline[2])))
  }
  return encoders
}

const tagOf = (number: number, wire: number): number => number * 8 + wire

function embeddedEncoder(number: number, value: ValueEncoder): FieldEncoder {
  const tag = tagOf(number, value.wire)
  return (target, source) => {
    value.write(target, source)
    target.varint(tag)
  }
}

function fieldEncoder([name, type, number, flags, extra]: FactField): FieldEncoder {
  if (type.startsWith('{}')) return mapEncoder(name, number, type.slice(2))
  if (type.startsWith('[]')) {
    const element = type.slice(2)
    return extra?.goType === 'v1.Verbs'
      ? singleEncoder(name, number, namedListEncoder(element), true)
      : listEncoder(name, number, element)
  }
  return singleEncoder(name, number, valueEncoder(type), flags.includes('p') || type === 'bytes')
}

/** `isOptional`: nothing is written for what is absent, where a member that is no pointer shows its zero value. */
function singleEncoder(name: string, number: number, value: ValueEncoder, isOptional: boolean): FieldEncoder {
  const tag = tagOf(number, value.wire)
  return (target, source) => {
    const member = source[name]
    if (isOptional && (member === undefined || member === null)) return
    value.write(target, member)
    target.varint(tag)
  }
}

function valueEncoder(type: string): ValueEncoder {
  if (type === 'SchemaOrArray' || type === 'SchemaOrBool' || type === 'SchemaOrStrings') return schemaEncoder(type)
  return scalarEncoder(type) ?? structEncoder(type)
}

function structEncoder(type: string): ValueEncoder {
  let message: MessageEncoder | undefined
  return {
    wire: WIRE.bytes,
    write(target, value) {
      message ??= messageOf(type)
      writeStruct(target, message, isObject(value) ? value : EMPTY)
    },
  }
}

function writeStruct(target: WireWriter, message: MessageEncoder, source: Source): void {
  const before = target.length
  message.write(target, source)
  target.varint(target.length - before)
}

function listEncoder(name: string, number: number, element: string): FieldEncoder {
  const value = valueEncoder(element)
  const tag = tagOf(number, value.wire)
  return (target, source) => {
    const list = source[name]
    if (!Array.isArray(list)) return
    for (let i = list.length - 1; i >= 0; i--) {
      value.write(target, list[i])
      target.varint(tag)
    }
  }
}

/** A named slice type is a message of its own: `items` = 1. */
function namedListEncoder(element: string): ValueEncoder {
  const items = listEncoder('items', 1, element)
  return {
    wire: WIRE.bytes,
    write(target, value) {
      const before = target.length
      items(target, { items: value })
      target.varint(target.length - before)
    },
  }
}

/** Entries are messages: key = 1, value = 2. */
function mapEncoder(name: string, number: number, valueType: string): FieldEncoder {
  const value = valueType.startsWith('[]') ? namedListEncoder(valueType.slice(2)) : valueEncoder(valueType)
  const tag = tagOf(number, WIRE.bytes)
  const keyTag = tagOf(1, WIRE.bytes)
  const valueTag = tagOf(2, value.wire)
  const isBytes = valueType === 'bytes'
  return (target, source) => {
    const map = source[name]
    if (!isObject(map)) return
    const keys = sortedKeys(map)
    for (let i = keys.length - 1; i >= 0; i--) {
      const key = keys[i] ?? ''
      const before = target.length
      const member = map[key]
      if (!isBytes || (member !== null && member !== undefined)) {
        value.write(target, member)
        target.varint(valueTag)
      }
      const keyBefore = target.length
      target.text(key)
      target.varint(target.length - keyBefore)
      target.varint(keyTag)
      target.varint(target.length - before)
      target.varint(tag)
    }
  }
}

/** By bytes, as Go sorts strings: JavaScript's order differs where surrogates are involved. */
function sortedKeys(map: object): string[] {
  const keys = Object.keys(map)
  if (keys.length < 2) return keys
  keys.sort()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
  if (keys.some((key) => /[^\x00-\x7f]/.test(key))) keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return keys
}

const SCHEMA = 'apiextensions/v1.JSONSchemaProps'

/** The unions of JSONSchemaProps: schema or list, boolean or schema, schema or strings. */
function schemaEncoder(type: 'SchemaOrArray' | 'SchemaOrBool' | 'SchemaOrStrings'): ValueEncoder {
  const allows: FactField = ['allows', 'boolean', 1, '']
  const message =
    type === 'SchemaOrBool'
      ? new MessageEncoder(fieldEncoders([allows, ['schema', SCHEMA, 2, 'p']]))
      : new MessageEncoder(
          fieldEncoders([
            ['schema', SCHEMA, 1, 'p'],
            ['list', type === 'SchemaOrArray' ? `[]${SCHEMA}` : '[]string', 2, ''],
          ]),
        )
  return { wire: WIRE.bytes, write: (target, value) => writeStruct(target, message, unionOf(value)) }
}

function unionOf(value: unknown): Source {
  if (Array.isArray(value)) return { list: value }
  return isObject(value) ? { schema: value, allows: true } : { allows: value === true }
}
