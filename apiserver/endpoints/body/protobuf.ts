/**
 * Kubernetes protobuf request bodies (`application/vnd.kubernetes.protobuf`), decoded to the JSON shape by the schema
 * facts: kubectl and client-go send built-in kinds this way. Answers stay JSON, which those clients accept.
 * Upstream: apimachinery pkg/runtime/serializer/protobuf, the types' generated.proto.
 */
import type { FactField, Facts } from '#machinery/schema/facts.ts'
import { schemaFacts } from '#machinery/schema/facts.ts'
import { setMember } from '#machinery/util/json.ts'
import { ProtoReader } from './proto-reader.ts'
import { decodeSpecialType, isSpecialType } from './protobuf-types.ts'

export const PROTOBUF_MEDIA_TYPE = 'application/vnd.kubernetes.protobuf'

const MAGIC = Buffer.from('k8s\0')
const MAX_DEPTH = 200

type Json = Record<string, unknown>

/** Throws an Error for malformed bytes. `undefined` when the kind has no protobuf form (custom resources). */
export function decodeProtobuf(body: Buffer): Json | undefined {
  if (body.length < MAGIC.length || !body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Error('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  }
  const { apiVersion, kind, raw } = readUnknown(body.subarray(MAGIC.length))
  const slash = apiVersion.indexOf('/')
  const group = slash === -1 ? '' : apiVersion.slice(0, slash)
  const facts = schemaFacts()
  const type = facts.typeOfKind(group, apiVersion.slice(slash + 1), kind) ?? facts.typeOfKind('', 'v1', kind)
  if (type === undefined) return undefined
  return { kind, apiVersion, ...decodeStruct(raw, type, facts, 0) }
}

/** runtime.Unknown: {typeMeta: {apiVersion, kind}, raw}. */
function readUnknown(body: Buffer): { apiVersion: string; kind: string; raw: Buffer } {
  let apiVersion = ''
  let kind = ''
  let raw: Buffer = Buffer.alloc(0)
  const reader = new ProtoReader(body)
  while (reader.next()) {
    if (reader.field === 2) raw = reader.bytes()
    else if (reader.field === 1) {
      const meta = new ProtoReader(reader.bytes())
      while (meta.next()) {
        if (meta.field === 1) apiVersion = meta.bytes().toString('utf8')
        else if (meta.field === 2) kind = meta.bytes().toString('utf8')
        else meta.skip()
      }
    } else reader.skip()
  }
  return { apiVersion, kind, raw }
}

/** A struct's members by protobuf number; an embedded struct is a message of its own whose members land in the outer one. */
interface Layout {
  readonly fields: ReadonlyMap<number, FactField>
  readonly embedded: ReadonlyMap<number, Layout>
}

const layouts = new Map<string, Layout>()

function layoutOf(type: string, facts: Facts): Layout {
  const known = layouts.get(type)
  if (known !== undefined) return known
  const fields = new Map<number, FactField>()
  const flattened = new Map<number, { readonly name: string; readonly fields: Map<number, FactField> }>()
  for (const field of facts.fieldsOf(type) ?? []) {
    const inline = field[4]?.inline
    if (inline === undefined) {
      if (field[2] !== 0) fields.set(field[2], field)
      continue
    }
    const [name, number] = inline
    const members = flattened.get(number) ?? { name, fields: new Map<number, FactField>() }
    members.fields.set(field[2], field)
    flattened.set(number, members)
  }
  const embedded = new Map<number, Layout>()
  for (const [number, members] of flattened) {
    // The facts flatten what is embedded in the embedded; the struct itself, where it is known, has the true numbers.
    const struct = embeddedType(type, members.name, facts)
    embedded.set(
      number,
      struct === undefined ? { fields: members.fields, embedded: new Map() } : layoutOf(struct, facts),
    )
  }
  const layout = { fields, embedded }
  layouts.set(type, layout)
  return layout
}

/** `RuleWithOperations` inside `admissionregistration/v1beta1.X`: of that version, or of v1. */
function embeddedType(outer: string, name: string, facts: Facts): string | undefined {
  const version = outer.slice(0, outer.indexOf('.'))
  const group = version.slice(0, version.indexOf('/'))
  return [`${version}.${name}`, `${group}/v1.${name}`].find((type) => facts.fieldsOf(type) !== undefined)
}

function decodeStruct(bytes: Buffer, type: string, facts: Facts, depth: number): Json {
  if (depth > MAX_DEPTH) throw new Error('proto: exceeded max depth')
  const target: Json = {}
  decodeInto(target, bytes, layoutOf(type, facts), facts, depth)
  return target
}

function decodeInto(target: Json, bytes: Buffer, layout: Layout, facts: Facts, depth: number): void {
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    const field = layout.fields.get(reader.field)
    const embedded = layout.embedded.get(reader.field)
    if (field !== undefined) readField(reader, field, target, facts, depth)
    else if (embedded !== undefined) decodeInto(target, reader.bytes(), embedded, facts, depth)
    else reader.skip()
  }
}

function readField(reader: ProtoReader, field: FactField, target: Json, facts: Facts, depth: number): void {
  const [name, type, , flags] = field
  if (type.startsWith('[]')) {
    const list = (Object.hasOwn(target, name) ? target[name] : []) as unknown[]
    for (const element of readElements(reader, type.slice(2), facts, depth)) list.push(element)
    target[name] = list
    return
  }
  if (type.startsWith('{}')) {
    const map = (Object.hasOwn(target, name) ? target[name] : {}) as Json
    readEntry(reader.bytes(), type.slice(2), map, facts, depth)
    target[name] = map
    return
  }
  const value = readValue(reader, type, facts, depth)
  // Go writes every non-pointer field; the empty ones stand for absent ones where JSON leaves them out.
  const isAbsent = value === undefined || (isEmptyScalar(value) && flags.includes('o') && !flags.includes('p'))
  if (!isAbsent) target[name] = value
}

const isEmptyScalar = (value: unknown): boolean => value === '' || value === 0 || value === false

function readElements(reader: ProtoReader, type: string, facts: Facts, depth: number): unknown[] {
  // Numbers may come packed.
  if (reader.isLengthDelimited && isVarintType(type)) {
    const packed = new ProtoReader(reader.bytes())
    const elements: unknown[] = []
    while (!packed.isAtEnd) elements.push(integer(packed, type))
    return elements
  }
  return [readValue(reader, type, facts, depth) ?? null]
}

function readEntry(bytes: Buffer, type: string, map: Json, facts: Facts, depth: number): void {
  let key = ''
  let value: unknown
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes().toString('utf8')
    else if (reader.field === 2)
      value = type.startsWith('[]')
        ? readWrappedList(reader.bytes(), type.slice(2), facts, depth)
        : readValue(reader, type, facts, depth)
    else reader.skip()
  }
  setMember(map, key, value ?? emptyValue(type))
}

/** Lists as map values are messages with the list in field 1. */
function readWrappedList(bytes: Buffer, type: string, facts: Facts, depth: number): unknown[] {
  const list: unknown[] = []
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) list.push(...readElements(reader, type, facts, depth))
    else reader.skip()
  }
  return list
}

function emptyValue(type: string): unknown {
  if (type === 'string' || type === 'bytes') return ''
  if (isVarintType(type)) return 0
  return isSpecialType(type) ? null : {}
}

const isVarintType = (type: string): boolean => /^(boolean|u?int(8|32|64))$/.test(type)

const integer = (reader: ProtoReader, type: string): unknown =>
  type === 'boolean' ? reader.varint() !== 0n : Number(BigInt.asIntN(64, reader.varint()))

function readValue(reader: ProtoReader, type: string, facts: Facts, depth: number): unknown {
  if (isVarintType(type)) return integer(reader, type)
  if (type === 'string') return reader.bytes().toString('utf8')
  if (type === 'bytes') return reader.bytes().toString('base64')
  if (type === 'double') return reader.double()
  if (type === 'float') return reader.float()
  if (isSpecialType(type))
    return decodeSpecialType(type, reader.bytes(), (bytes, struct) => decodeStruct(bytes, struct, facts, depth + 1))
  return decodeStruct(reader.bytes(), type, facts, depth + 1)
}
