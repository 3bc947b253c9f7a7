/**
 * From request body to a typed object in the storage version: content type, syntax, kind and apiVersion, unknown and
 * duplicate fields, defaults, conversion. Upstream: apiserver pkg/endpoints/handlers/{create,update,rest}.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newInvalid, newUnsupportedMediaType, StatusError } from '#machinery/meta/errors.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { FieldValidation, ObjectSchema } from '#machinery/schema/interfaces.ts'
import { fieldsInOrder } from '#machinery/schema/duplicate-fields.ts'
import type { KindDefault } from '#machinery/schema/protobuf/decode.ts'
import { decodeProtobuf } from '#machinery/schema/protobuf/decode.ts'
import { PROTOBUF_MEDIA_TYPE } from '#machinery/schema/protobuf/envelope.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, isObject } from '#machinery/util/json.ts'
import { parseYamlDocument, YamlError } from '#machinery/yaml/yaml.ts'
import type { ApiRequest } from '../../server/interfaces.ts'
import { assertDepth, parseJson } from './parse-json.ts'

/** What parseBody decodes to a JSON-shaped value: the seam for further codecs. */
const DECODABLE_MEDIA_TYPES = ['application/json', 'application/yaml', PROTOBUF_MEDIA_TYPE]

export interface RawBody {
  /** May be changed by who receives it. */
  readonly value: unknown
  readonly strictErrors: StrictErrors
}

/**
 * What Strict rejects and Warn reports: what a body says twice, and the fields found in its value that nobody knows
 * (`unknown field "spec.foo"`). `isTyped`: upstream finds both in one pass, not one after the other as with custom resources.
 */
export type StrictErrors = (unknownFields: readonly string[], isTyped: boolean) => readonly string[]

const NOTHING: readonly string[] = []

/** Nothing is there twice. */
export const NO_REPEATS: StrictErrors = (unknownFields) => unknownFields

/** What a body must be. */
export interface ExpectedKind extends GroupVersionKind {
  /** Of any kind until it is validated, as custom resources are. */
  readonly isCustom?: boolean
  readonly schema: ObjectSchema | undefined
  /** Further apiVersions it may be sent in, of the same shape. */
  readonly alsoAs?: readonly string[]
}

export function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined || contentType === '' || contentType === 'application/json') return 'application/json'
  const semicolon = contentType.indexOf(';')
  return (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
}

/** Undefined when the body is empty. Throws 415 for other media types, an Error for malformed text. */
export function parseBody(request: ApiRequest, mediaType: string, unnamed?: KindDefault): RawBody | undefined {
  const { body } = request
  if (body === undefined) return undefined
  if (!Buffer.isBuffer(body))
    return body.decoded === undefined ? undefined : { value: copyOf(body.decoded), strictErrors: NO_REPEATS }
  if (body.length === 0) return undefined
  if (mediaType === 'application/yaml') return parseYaml(body.toString('utf8'))
  if (mediaType === 'application/json') return readJson(body.toString('utf8'))
  const value = mediaType === PROTOBUF_MEDIA_TYPE ? decodeProtobuf(body, unnamed) : undefined
  if (value === undefined) throw newUnsupportedMediaType(DECODABLE_MEDIA_TYPES)
  // Embedded JSON may be nested deeper than the messages around it.
  assertDepth(value)
  return { value, strictErrors: NO_REPEATS }
}

function copyOf(value: unknown): unknown {
  assertDepth(value)
  return deepCopy(value)
}

function readJson(text: string): RawBody {
  const { value, duplicates } = parseJson(text)
  if (duplicates.length === 0) return { value, strictErrors: NO_REPEATS }
  const strictErrors: StrictErrors = (unknownFields, isTyped) => {
    if (!isTyped) return [...duplicates.map(duplicateText), ...unknownFields]
    const unknown = new Map(unknownFields.map((error) => [fieldOf(error), error]))
    return fieldsInOrder(text, new Set(unknown.keys())).map((field) => unknown.get(field) ?? duplicateText(field))
  }
  return { value, strictErrors }
}

/** Upstream reads YAML as JSON with sorted members, and once more for what is there twice. */
function parseYaml(text: string): RawBody {
  const json = jsonWithoutRepeats(text)
  if (json !== undefined) return { value: json, strictErrors: afterRepeats(NOTHING) }
  const { value, repeatedKeys } = parseYamlDocument(text)
  assertDepth(value)
  const repeats = repeatedKeys.length === 0 ? NOTHING : [`${YAML_ERRORS}${repeatedKeys.join('\n  ')}`]
  return { value, strictErrors: afterRepeats(repeats) }
}

const afterRepeats =
  (repeats: readonly string[]): StrictErrors =>
  (unknownFields, isTyped) => [...repeats, ...(isTyped ? [...unknownFields].sort() : unknownFields)]

/** Most YAML that clients send is JSON, which is read faster. */
function jsonWithoutRepeats(text: string): unknown {
  if (text.charCodeAt(0) !== OPENING_BRACE) return undefined
  try {
    const { value, duplicates } = parseJson(text)
    return duplicates.length === 0 ? value : undefined
  } catch {
    // A flow mapping, perhaps.
    return undefined
  }
}

const OPENING_BRACE = 123

const YAML_ERRORS = 'yaml: unmarshal errors:\n  '

export interface Decoded {
  /** In the version it was sent in, defaulted. */
  readonly object: KubeObject
  /** What Strict rejects and Warn reports. */
  readonly strictErrors: readonly string[]
}

export function decodeObject(request: ApiRequest, expected: ExpectedKind): Decoded {
  const raw = parseObjectBody(request, expected)
  const object = checkTypeMeta(raw.value, expected, request)
  return applySchema(object, expected, raw.strictErrors)
}

/** Also used for the outcome of a patch. `object` is changed in place. */
export function applySchema(object: KubeObject, expected: ExpectedKind, strictErrors = NO_REPEATS): Decoded {
  const meta: unknown = object.metadata
  if (meta === undefined || meta === null) object.metadata = {}
  else if (!isObject(meta))
    throw newBadRequest(
      cannotHandle(
        expected,
        expected,
        `json: cannot unmarshal ${jsonName(meta)} into Go struct field ${expected.kind}.metadata of type v1.ObjectMeta`,
      ),
    )
  if (expected.schema === undefined) return { object, strictErrors: strictErrors(NOTHING, false) }
  const { unknownFields } = expected.schema.decode(object)
  expected.schema.applyDefaults(object)
  // Custom resources have none.
  const isTyped = expected.schema.strategicMerge !== undefined
  return { object, strictErrors: strictErrors(unknownFields, isTyped) }
}

const fieldOf = (error: string): string => JSON.parse(error.slice(UNKNOWN_FIELD.length)) as string
const UNKNOWN_FIELD = 'unknown field '
const duplicateText = (field: string): string => `duplicate field "${field}"`
const jsonName = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value)

function parseObjectBody(request: ApiRequest, expected: ExpectedKind): RawBody {
  const { kind, alsoAs = NOTHING } = expected
  let raw: RawBody | undefined
  try {
    const unnamed = { apiVersion: apiVersionOf(expected), kind, alsoAs }
    raw = parseBody(request, mediaTypeOf(request.headers['content-type']), unnamed)
  } catch (err) {
    if (err instanceof StatusError) throw err
    const why = err instanceof YamlError ? err.goText : `couldn't get version/kind; ${errorMessage(err)}`
    throw newBadRequest(unrecognized(kind, why, request))
  }
  if (raw !== undefined) return raw
  const why = "couldn't get version/kind; json parse error: unexpected end of JSON input"
  throw newBadRequest(unrecognized(kind, why, request))
}

function checkTypeMeta(value: unknown, expected: ExpectedKind, request: ApiRequest): KubeObject {
  if (!isObject(value)) {
    const why = `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonName(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`
    throw newBadRequest(unrecognized(expected.kind, why, request))
  }
  const expectedVersion = apiVersionOf(expected)
  const { apiVersion = expectedVersion, kind = expected.kind } = value
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    const wrong = typeof kind === 'string' ? 'apiVersion' : 'kind'
    throw newBadRequest(
      unrecognized(
        expected.kind,
        `couldn't get version/kind; json parse error: json: cannot unmarshal into field .${wrong} of type string`,
        request,
      ),
    )
  }
  const sent = {
    version: apiVersion === '' ? expectedVersion : withoutEmptyGroup(apiVersion),
    kind: kind === '' ? expected.kind : kind,
  }
  if (sent.kind !== expected.kind) {
    if (expected.isCustom === true && sent.version === expectedVersion)
      throw wrongCustomKind(value, sent.kind, expected)
    const why = `converting (${sent.version}.${sent.kind}) to (${expectedVersion}.${expected.kind}): unknown conversion`
    throw newBadRequest(cannotHandle({ kind: sent.kind, version: versionPart(sent.version) }, expected, why))
  }
  if (sent.version !== expectedVersion && expected.alsoAs?.includes(sent.version) !== true) {
    throw newBadRequest(
      `the API version in the data (${sent.version}) does not match the expected API version (${expectedVersion})`,
    )
  }
  value['apiVersion'] = expectedVersion
  value['kind'] = expected.kind
  return value as unknown as KubeObject
}

/** `/v1` is the core group's v1 as well, which clients make that put the two together themselves. */
const withoutEmptyGroup = (apiVersion: string): string => apiVersion.replace(/^\/(?=[^/]+$)/, '')
function wrongCustomKind({ metadata }: Record<string, unknown>, kind: string, expected: ExpectedKind): StatusError {
  const name = isObject(metadata) ? metadata['name'] : undefined
  const error = fieldInvalid('kind', kind, `must be ${expected.kind}`)
  return newInvalid({ group: expected.group, kind }, typeof name === 'string' ? name : '', [error])
}

const versionPart = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1)

function cannotHandle(sent: { kind: string; version: string }, expected: ExpectedKind, why: string): string {
  return `${sent.kind} in version "${sent.version}" cannot be handled as a ${expected.kind}: ${why}`
}

function unrecognized(kind: string, why: string, request: ApiRequest): string {
  return `the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(request.body)})`
}

const SUMMARY_BYTES = 30

function summary(body: ApiRequest['body']): string {
  if (!Buffer.isBuffer(body) || body.length === 0) return '<empty>'
  const head = body.subarray(0, SUMMARY_BYTES)
  const text = body[0] === 123 ? head.toString('utf8') : head.toString('hex')
  return body.length > SUMMARY_BYTES ? `${text} ...` : text
}

/** Ignore drops them, Warn tells the client, Strict refuses. */
export function enforceFieldValidation(
  directive: FieldValidation,
  strictErrors: readonly string[],
  expected: ExpectedKind,
  warn: (message: string) => void,
): void {
  if (strictErrors.length === 0 || directive === 'Ignore') return
  if (directive === 'Warn') {
    for (const error of strictErrors) for (const text of warningTexts(error)) warn(text)
    return
  }
  throw newBadRequest(cannotHandle(expected, expected, strictDecodingError(strictErrors)))
}

/** Keys that YAML has twice are one error and a warning each. */
export function warningTexts(strictError: string): readonly string[] {
  const at = strictError.indexOf(YAML_ERRORS)
  return at === -1 ? [strictError] : strictError.slice(at + YAML_ERRORS.length).split('\n  ')
}

export function strictDecodingError(strictErrors: readonly string[]): string {
  return `strict decoding error: ${strictErrors.join(', ')}`
}
