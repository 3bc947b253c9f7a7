/**
 * Encodes a Swagger 2.0 document as gnostic's openapi.v2.Document, which old kubectls ask for. Vendor extensions, defaults and
 * enum values travel as JSON text (valid YAML) in `Any.yaml`. Upstream: google/gnostic-models openapiv2/OpenAPIv2.proto.
 */
import { isObject } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import { ProtoWriter } from './proto-writer.ts'

type Encode = (writer: ProtoWriter, value: JsonObject) => void

/** Media type application/com.github.proto-openapi.spec.v2@v1.0+protobuf. */
export function openApiV2ToProtobuf(document: JsonObject): Buffer {
  const writer = new ProtoWriter()
  writer.string(1, document['swagger'])
  message(writer, 2, document['info'], writeInfo)
  message(writer, 8, document['paths'], (paths, items) => {
    writeNamed(paths, 2, items, (key) => key.startsWith('/'), writePathItem)
    writeExtensions(paths, 1, items)
  })
  message(writer, 9, document['definitions'], (definitions, schemas) =>
    writeNamed(definitions, 1, schemas, () => true, writeSchema),
  )
  message(writer, 10, document['parameters'], (parameters, items) =>
    writeNamed(parameters, 1, items, () => true, writeParameterBody),
  )
  for (const requirement of objects(document['security'])) writer.message(12, () => writeSecurity(writer, requirement))
  message(writer, 13, document['securityDefinitions'], (definitions, items) =>
    writeNamed(
      definitions,
      1,
      items,
      () => true,
      (w, item) => w.message(2, () => writeApiKey(w, item)),
    ),
  )
  writeExtensions(writer, 16, document)
  return writer.finish()
}

function message(writer: ProtoWriter, field: number, value: JsonValue | undefined, encode: Encode): void {
  if (isObject(value)) writer.message(field, () => encode(writer, value as JsonObject))
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter((element): element is JsonObject => isObject(element)) : []
}

/** Named* messages: name = 1, value = 2. */
function writeNamed(
  writer: ProtoWriter,
  field: number,
  members: JsonObject,
  isIncluded: (key: string) => boolean,
  encode: Encode,
): void {
  for (const [key, value] of Object.entries(members)) {
    if (!isIncluded(key) || !isObject(value)) continue
    writer.message(field, () => {
      writer.string(1, key)
      writer.message(2, () => encode(writer, value as JsonObject))
    })
  }
}

function writeAny(writer: ProtoWriter, field: number, value: JsonValue | undefined): void {
  if (value !== undefined) writer.message(field, () => writer.string(2, JSON.stringify(value)))
}

function writeExtensions(writer: ProtoWriter, field: number, members: JsonObject): void {
  for (const [key, value] of Object.entries(members)) {
    if (!key.startsWith('x-')) continue
    writer.message(field, () => {
      writer.string(1, key)
      writeAny(writer, 2, value)
    })
  }
}

const writeInfo: Encode = (writer, info) => {
  writer.string(1, info['title'])
  writer.string(2, info['version'])
  writer.string(3, info['description'])
  writeExtensions(writer, 7, info)
}

const writeApiKey: Encode = (writer, item) => {
  writer.string(1, item['type'])
  writer.string(2, item['name'])
  writer.string(3, item['in'])
  writer.string(4, item['description'])
}

const writeSecurity: Encode = (writer, requirement) => {
  for (const [name, scopes] of Object.entries(requirement)) {
    writer.message(1, () => {
      writer.string(1, name)
      writer.message(2, () => writer.strings(1, scopes))
    })
  }
}

const METHODS: readonly [string, number][] = [
  ['get', 2],
  ['put', 3],
  ['post', 4],
  ['delete', 5],
  ['options', 6],
  ['head', 7],
  ['patch', 8],
]

const writePathItem: Encode = (writer, item) => {
  for (const [method, field] of METHODS) message(writer, field, item[method], writeOperation)
  for (const parameter of objects(item['parameters'])) writer.message(9, () => writeParameter(writer, parameter))
  writeExtensions(writer, 10, item)
}

const writeOperation: Encode = (writer, operation) => {
  writer.strings(1, operation['tags'])
  writer.string(3, operation['description'])
  writer.string(5, operation['operationId'])
  writer.strings(6, operation['produces'])
  writer.strings(7, operation['consumes'])
  for (const parameter of objects(operation['parameters'])) writer.message(8, () => writeParameter(writer, parameter))
  message(writer, 9, operation['responses'], (responses, codes) =>
    writeNamed(
      responses,
      1,
      codes,
      (key) => !key.startsWith('x-'),
      (w, response) => w.message(1, () => writeResponse(w, response)),
    ),
  )
  writer.strings(10, operation['schemes'])
  writeExtensions(writer, 13, operation)
}

const writeResponse: Encode = (writer, response) => {
  writer.string(1, response['description'])
  message(writer, 2, response['schema'], (w, schema) => w.message(1, () => writeSchema(w, schema)))
}

/** ParametersItem: written out, or a reference to one of the document's parameters. */
const writeParameter: Encode = (writer, parameter) => {
  if (typeof parameter['$ref'] === 'string') writer.message(2, () => writer.string(1, parameter['$ref']))
  else writer.message(1, () => writeParameterBody(writer, parameter))
}

const PARAMETER_FIELDS: ReadonlyMap<JsonValue | undefined, number> = new Map([
  ['header', 1],
  ['formData', 2],
  ['query', 3],
  ['path', 4],
])

/** Field numbers of query and form parameters differ from the others' by one from `type` on. */
const writeParameterBody: Encode = (writer, parameter) => {
  const { in: place } = parameter
  if (place === 'body') {
    writer.message(1, () => writeBodyParameter(writer, parameter))
    return
  }
  const shift = place === 'query' || place === 'formData' ? 1 : 0
  writer.message(2, () =>
    writer.message(PARAMETER_FIELDS.get(place) ?? 4, () => {
      writer.bool(1, parameter['required'])
      writer.string(2, place)
      writer.string(3, parameter['description'])
      writer.string(4, parameter['name'])
      writer.string(5 + shift, parameter['type'])
      writer.string(6 + shift, parameter['format'])
      writer.bool(19 + shift, parameter['uniqueItems'])
    }),
  )
}

const writeBodyParameter: Encode = (writer, parameter) => {
  writer.string(1, parameter['description'])
  writer.string(2, parameter['name'])
  writer.string(3, parameter['in'])
  writer.bool(4, parameter['required'])
  message(writer, 5, parameter['schema'], writeSchema)
}

const writeSchema: Encode = (writer, schema) => {
  writer.string(1, schema['$ref'])
  writer.string(2, schema['format'])
  writer.string(3, schema['title'])
  writer.string(4, schema['description'])
  writeAny(writer, 5, schema['default'])
  writeBounds(writer, schema)
  writer.strings(19, schema['required'])
  if (Array.isArray(schema['enum'])) for (const value of schema['enum']) writeAny(writer, 20, value)
  const additional = schema['additionalProperties']
  if (typeof additional === 'boolean') writer.message(21, () => writer.bool(2, additional))
  else message(writer, 21, additional, (w, value) => w.message(1, () => writeSchema(w, value)))
  const type = schema['type']
  if (typeof type === 'string') writer.message(22, () => writer.string(1, type))
  message(writer, 23, schema['items'], (w, items) => w.message(1, () => writeSchema(w, items)))
  for (const part of objects(schema['allOf'])) writer.message(24, () => writeSchema(writer, part))
  message(writer, 25, schema['properties'], (w, properties) => writeNamed(w, 1, properties, () => true, writeSchema))
  writeAny(writer, 30, schema['example'])
  writeExtensions(writer, 31, schema)
}

const writeBounds: Encode = (writer, schema) => {
  writer.double(6, schema['multipleOf'])
  writer.double(7, schema['maximum'])
  writer.bool(8, schema['exclusiveMaximum'])
  writer.double(9, schema['minimum'])
  writer.bool(10, schema['exclusiveMinimum'])
  writer.integer(11, schema['maxLength'])
  writer.integer(12, schema['minLength'])
  writer.string(13, schema['pattern'])
  writer.integer(14, schema['maxItems'])
  writer.integer(15, schema['minItems'])
  writer.bool(16, schema['uniqueItems'])
  writer.integer(17, schema['maxProperties'])
  writer.integer(18, schema['minProperties'])
}
