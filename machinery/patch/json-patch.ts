/**
 * JSON patch (RFC 6902) with the API server's limits. Values that are inserted are copied, the document is never changed.
 * Upstream: evanphx/json-patch v4 patch.go (negative indices allowed, add creates no parents), apiserver
 * pkg/endpoints/handlers/patch.go for the statuses. The status text hides why an operation failed, as upstream's does;
 * the reason is the error's cause.
 */
import { newBadRequest, newRequestEntityTooLarge, StatusError } from '#machinery/meta/errors.ts'
import { deepCopy, deepEqual, isObject, setMember } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'

const MAX_OPERATIONS = 10_000
/** Bound on what `copy` operations may add up to: the request body limit, as upstream's JSONPatchMaxCopyBytes. */
const MAX_COPIED_BYTES = 3 * 1024 * 1024

interface Operation {
  readonly op: unknown
  readonly path: string
  readonly from: string | undefined
  readonly value: JsonValue
}

/** Throws BadRequest for a malformed patch, RequestEntityTooLarge past the limits, Invalid (422) when it does not apply. */
export function applyJsonPatch(document: JsonValue, operations: unknown): JsonValue {
  const decoded = decodeOperations(operations)
  if (decoded.length > MAX_OPERATIONS) {
    throw newRequestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${decoded.length}`,
    )
  }
  const holder: JsonObject = { root: deepCopy<JsonValue>(document) }
  const budget = { copiedBytes: 0 }
  try {
    for (const operation of decoded) applyOperation(holder, operation, budget)
  } catch (err) {
    throw err instanceof DoesNotApply ? rejected(err) : err
  }
  return holder['root'] as JsonValue
}

class DoesNotApply extends Error {}

function rejected(cause: Error): StatusError {
  const error = new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server rejected our request due to an error in our request',
    reason: 'Invalid',
    details: {},
    code: 422,
  })
  error.cause = cause
  return error
}

function decodeOperations(operations: unknown): Operation[] {
  if (!Array.isArray(operations)) {
    throw newBadRequest(`json: cannot unmarshal ${jsonTypeName(operations)} into Go value of type jsonpatch.Patch`)
  }
  return operations.map((operation: unknown) => {
    if (!isObject(operation)) {
      throw newBadRequest(`json: cannot unmarshal ${jsonTypeName(operation)} into Go value of type jsonpatch.Operation`)
    }
    const value = Object.hasOwn(operation, 'value') ? (operation['value'] as JsonValue) : null
    const from = operation['from']
    const path = operation['path']
    if (typeof path !== 'string') throw rejected(new Error('operation missing path field'))
    return { op: operation['op'], path, from: typeof from === 'string' ? from : undefined, value }
  })
}

function jsonTypeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
}

function applyOperation(holder: JsonObject, operation: Operation, budget: { copiedBytes: number }): void {
  const { op, path } = operation
  switch (op) {
    case 'add':
      add(holder, path, deepCopy<JsonValue>(operation.value))
      return
    case 'remove':
      remove(holder, path)
      return
    case 'replace':
      replace(holder, path, deepCopy<JsonValue>(operation.value))
      return
    case 'move':
      add(holder, path, remove(holder, fromOf(operation)))
      return
    case 'copy': {
      // What is not there is copied as null.
      const value = get(holder, fromOf(operation))
      budget.copiedBytes += JSON.stringify(value).length
      if (budget.copiedBytes > MAX_COPIED_BYTES) throw new DoesNotApply('the accumulated size of copies is too large')
      add(holder, path, deepCopy<JsonValue>(value))
      return
    }
    case 'test':
      test(holder, path, operation.value)
      return
    default:
      throw new DoesNotApply(`Unexpected kind: ${String(op)}`)
  }
}

function fromOf(operation: Operation): string {
  if (operation.from === undefined) throw new DoesNotApply(`${String(operation.op)} operation is missing from field`)
  return operation.from
}

/** The container a pointer's last token is looked up in, with that token. */
function locate(holder: JsonObject, pointer: string): { parent: JsonObject | JsonValue[]; token: string } {
  if (pointer === '') return { parent: holder, token: 'root' }
  const tokens = pointer.split('/')
  if (tokens[0] !== '') throw new DoesNotApply(`invalid JSON pointer: ${pointer}`)
  let parent = holder['root'] as JsonValue
  for (let i = 1; i < tokens.length - 1; i++) {
    const next = member(parent, unescapeToken(tokens[i] as string))
    if (next === undefined) throw new DoesNotApply(`doc is missing path: ${JSON.stringify(pointer)}: missing value`)
    parent = next
  }
  if (typeof parent !== 'object' || parent === null) {
    throw new DoesNotApply(`doc is missing path: ${JSON.stringify(pointer)}: missing value`)
  }
  return { parent, token: unescapeToken(tokens[tokens.length - 1] as string) }
}

function unescapeToken(token: string): string {
  return token.includes('~') ? token.replaceAll('~1', '/').replaceAll('~0', '~') : token
}

function member(container: JsonValue, token: string): JsonValue | undefined {
  if (Array.isArray(container)) return container[index(token, container.length)]
  if (!isObject(container)) return undefined
  return Object.hasOwn(container, token) ? (container as JsonObject)[token] : undefined
}

/** An array index below `limit`; negative ones count from the end. */
function index(token: string, limit: number): number {
  if (!/^[+-]?\d+$/.test(token))
    throw new DoesNotApply(`strconv.Atoi: parsing ${JSON.stringify(token)}: invalid syntax`)
  const parsed = Number(token)
  const position = parsed < 0 ? parsed + limit : parsed
  if (position < 0 || position >= limit) throw new DoesNotApply(`Unable to access invalid index: ${token}`)
  return position
}

function get(holder: JsonObject, path: string): JsonValue {
  const { parent, token } = locate(holder, path)
  return member(parent, token) ?? null
}

function add(holder: JsonObject, path: string, value: JsonValue): void {
  const { parent, token } = locate(holder, path)
  if (!Array.isArray(parent)) {
    setMember(parent, token, value)
  } else if (token === '-') {
    parent.push(value)
  } else {
    parent.splice(index(token, parent.length + 1), 0, value)
  }
}

function replace(holder: JsonObject, path: string, value: JsonValue): void {
  const { parent, token } = locate(holder, path)
  // Upstream relies on its library's way: a member that is not there is added.
  if (Array.isArray(parent)) parent[index(token, parent.length)] = value
  else setMember(parent, token, value)
}

function remove(holder: JsonObject, path: string): JsonValue {
  const { parent, token } = locate(holder, path)
  const removed = member(parent, token)
  if (removed === undefined) {
    throw new DoesNotApply(`remove operation does not apply: doc is missing path: ${path}: missing value`)
  }
  if (Array.isArray(parent)) parent.splice(index(token, parent.length), 1)
  else delete parent[token]
  return removed
}

function test(holder: JsonObject, path: string, expected: JsonValue): void {
  const { parent, token } = locate(holder, path)
  // An absent member equals null, as upstream has it.
  const actual = member(parent, token) ?? null
  if (!deepEqual(actual, expected)) throw new DoesNotApply(`testing value ${path} failed: test failed`)
}
