/**
 * What a rule may say of a part of a custom resource: its type in CEL, and how large it can be.
 * Upstream: apiserver pkg/cel/common/schemas.go, apiextensions-apiserver pkg/apiserver/schema/cel/model/schemas.go.
 */
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listType,
  mapType,
  objectType,
  STRING,
  TIMESTAMP,
} from '#machinery/cel/types.ts'
import type { SchemaNode } from '../schema/node.ts'
import { escapeProperty } from './escape.ts'

/** Bytes of the largest request. */
export const REQUEST_MAX_BYTES = 3 * 1024 * 1024
const NAME_MAX = 253
const DURATION_MAX = 32
const DATE_MAX = 12
const DATE_TIME_MAX = 32

export interface DeclaredType {
  readonly kind:
    | 'dyn'
    | 'list'
    | 'map'
    | 'object'
    | 'string'
    | 'bytes'
    | 'duration'
    | 'date-time'
    | 'date'
    | 'plain'
    | 'double'
  readonly cel: CelType
  /** Of a list or map: elements; of a string: bytes. At most. */
  readonly maxElements: number
  /** Bytes of JSON, at least. */
  readonly minSize: number
  /** Of a list or map. */
  readonly element?: DeclaredType
  /** Of an object, by the names expressions use. */
  readonly fields?: ReadonlyMap<string, DeclaredField>
  readonly listType?: string | undefined
  readonly listMapKeys?: readonly string[]
}

export interface DeclaredField {
  readonly property: string
  readonly type: DeclaredType
}

/** Undefined: expressions cannot see it. `name` makes the types of different objects different ones. */
export function declareType(node: SchemaNode, isResource: boolean, name = 'self'): DeclaredType | undefined {
  // int-or-string.
  if (node.types.length > 1) return { kind: 'dyn', cel: DYN, minSize: 1, maxElements: textMax(node) }
  switch (node.types[0]) {
    case 'array':
      return declareList(node, name)
    case 'object':
      return node.additional?.node === undefined || isResource
        ? declareObject(node, isResource, name)
        : declareMap(node, name)
    case 'string':
      return declareString(node)
    case 'boolean':
      return { kind: 'plain', cel: BOOL, minSize: 4, maxElements: 1 }
    case 'number':
      return { kind: 'double', cel: DOUBLE, minSize: 1, maxElements: 1 }
    case 'integer':
      return { kind: 'plain', cel: INT, minSize: 1, maxElements: 1 }
    default:
      return undefined
  }
}

/** maxLength counts code points, of up to four bytes. */
const textMax = ({ maxLength }: SchemaNode): number =>
  maxLength === undefined ? REQUEST_MAX_BYTES - 2 : Math.max(0, maxLength) * 4

function declareList(node: SchemaNode, name: string): DeclaredType | undefined {
  if (node.items === undefined) return undefined
  const element = declareType(node.items, node.items.embedded, `${name}.@items`)
  if (element === undefined) return undefined
  const fitting = Math.floor((REQUEST_MAX_BYTES - 2) / (element.minSize + 1))
  return {
    kind: 'list',
    cel: listType(element.cel),
    minSize: 2,
    maxElements: node.maxItems === undefined ? fitting : Math.max(0, node.maxItems),
    element,
    listType: node.listType,
    listMapKeys: node.listMapKeys,
  }
}

function declareMap(node: SchemaNode, name: string): DeclaredType | undefined {
  const values = node.additional?.node
  const element = values === undefined ? undefined : declareType(values, values.embedded, `${name}.@values`)
  if (element === undefined) return undefined
  const fitting = Math.floor((REQUEST_MAX_BYTES - 2) / (element.minSize + 6))
  const maxElements = node.maxProperties === undefined ? fitting : Math.max(0, node.maxProperties)
  return { kind: 'map', cel: mapType(STRING, element.cel), minSize: 2, maxElements, element }
}

function declareObject(node: SchemaNode, isResource: boolean, name: string): DeclaredType {
  const fields = new Map<string, DeclaredField>()
  let minSize = 2
  for (const [property, child] of node.properties ?? []) {
    const type = declareType(child, child.embedded, `${name}.${property}`)
    if (type === undefined) continue
    const escaped = escapeProperty(property)
    if (escaped !== undefined) fields.set(escaped, { property, type })
    if (node.required.includes(property) && child.defaultValue === undefined) {
      minSize += Buffer.byteLength(property) + type.minSize + 4
    }
  }
  if (isResource) for (const field of resourceFields(node, name)) fields.set(field.property, field)
  const types = Object.fromEntries([...fields].map(([field, { type }]) => [field, type.cel]))
  return { kind: 'object', cel: objectType(name, types), minSize, maxElements: 1, fields }
}

/** What every resource has, whether its schema says so or not; of its metadata nothing else can be seen. */
function resourceFields(node: SchemaNode, name: string): DeclaredField[] {
  const metadata = node.properties?.get('metadata')?.properties
  const capped = (property: string, max: number): DeclaredField => ({
    property,
    type: string(Math.min(max, metadata?.get(property)?.maxLength ?? max) * 4),
  })
  const parts = [capped('name', NAME_MAX), capped('generateName', NAME_MAX - 1)]
  const fields = new Map(parts.map((field) => [field.property, field]))
  const cel = objectType(`${name}.metadata`, { name: STRING, generateName: STRING })
  const plain = string(REQUEST_MAX_BYTES - 2)
  return [
    { property: 'kind', type: plain },
    { property: 'apiVersion', type: plain },
    { property: 'metadata', type: { kind: 'object', cel, minSize: 2, maxElements: 1, fields } },
  ]
}

const string = (maxElements: number): DeclaredType => ({ kind: 'string', cel: STRING, minSize: 2, maxElements })

function declareString(node: SchemaNode): DeclaredType {
  switch (node.format) {
    case 'byte':
      return { kind: 'bytes', cel: BYTES, minSize: 2, maxElements: node.maxLength ?? REQUEST_MAX_BYTES - 2 }
    case 'duration':
      return { kind: 'duration', cel: DURATION, minSize: 3, maxElements: DURATION_MAX }
    case 'date':
      return { kind: 'date', cel: TIMESTAMP, minSize: DATE_MAX, maxElements: DATE_MAX }
    case 'date-time':
      return { kind: 'date-time', cel: TIMESTAMP, minSize: 21, maxElements: DATE_TIME_MAX }
    default:
      return string(
        node.maxLength === undefined && node.enumValues !== undefined ? longest(node.enumValues) : textMax(node),
      )
  }
}

const longest = (values: readonly unknown[]): number =>
  Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)))
