/**
 * Which verb on which resource a method and path mean. Computed once, first.
 * Upstream: apiserver pkg/endpoints/request/requestinfo.go.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'
import { parseFieldSelector } from '#machinery/selectors/field.ts'
import type { Query, RequestInfo } from './interfaces.ts'

const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(['status', 'finalize'])

export function parseRequestInfo(method: string, rawPath: string, query: Query): RequestInfo {
  const path = decodePath(rawPath)
  const parts = splitPath(path)
  const isLegacy = parts[0] === 'api'
  if ((!isLegacy && parts[0] !== 'apis') || parts.length < (isLegacy ? 3 : 4)) return nonResource(method, path)
  let at = 1
  const apiGroup = isLegacy ? '' : (parts[at++] ?? '')
  const apiVersion = parts[at++] ?? ''
  let verb = verbOf(method)
  if (parts[at] === 'watch' && parts.length > at + 1) {
    verb = 'watch'
    at++
  }
  let namespace = ''
  if (parts[at] === 'namespaces' && parts.length > at + 1) {
    namespace = parts[at + 1] ?? ''
    const next = parts[at + 2]
    if (next !== undefined && !NAMESPACE_SUBRESOURCES.has(next)) at += 2
  }
  const name = parts[at + 1] ?? ''
  const isCollection = name === ''
  const info = {
    isResourceRequest: true,
    path,
    verb,
    apiGroup,
    apiVersion,
    namespace,
    resource: parts[at] ?? '',
    subresource: parts[at + 2] ?? '',
    name,
    depth: parts.length - at,
    isCollection,
  }
  return isCollection || verb === 'watch' ? collectionInfo(info, query) : info
}

function collectionInfo(info: RequestInfo, query: Query): RequestInfo {
  if (info.verb === 'delete') return { ...info, verb: 'deletecollection' }
  if (info.verb === 'watch') return { ...info, isCollection: true }
  if (info.verb !== 'get') return info
  const verb = isTrue(query, 'watch') ? 'watch' : 'list'
  return { ...info, verb, name: nameFromFieldSelector(query.get('fieldSelector')) }
}

/** Go's boolean query parameters: present means true unless the value is `false` or `0`. */
export function isTrue(query: Query, name: string): boolean {
  if (!query.has(name)) return false
  const value = query.get(name)
  return value !== '0' && value.toLowerCase() !== 'false'
}

/** Read exactly as the list will read it: a name that is only inside another term's value must not count for authorization. */
function nameFromFieldSelector(selector: string): string {
  if (selector === '') return ''
  try {
    const exact = parseFieldSelector(selector).find(
      ({ field, operator }) => field === 'metadata.name' && operator === '=',
    )
    return exact === undefined || !isPathSegment(exact.value) ? '' : exact.value
  } catch {
    return '' // The list itself answers 400.
  }
}

/** Upstream: apimachinery pkg/api/validation/path. */
function isPathSegment(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/%]/.test(name)
}

function verbOf(method: string): string {
  switch (method) {
    case 'POST':
      return 'create'
    case 'GET':
    case 'HEAD':
      return 'get'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return 'delete'
    default:
      return ''
  }
}

function nonResource(method: string, path: string): RequestInfo {
  return {
    isResourceRequest: false,
    path,
    verb: method.toLowerCase(),
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    depth: 0,
    isCollection: false,
  }
}

function decodePath(rawPath: string): string {
  if (!rawPath.includes('%')) return rawPath
  try {
    return decodeURIComponent(rawPath)
  } catch {
    throw newBadRequest('invalid URL escape in the request path')
  }
}

function splitPath(path: string): string[] {
  let start = 0
  let end = path.length
  while (start < end && path.charCodeAt(start) === 47) start++
  while (end > start && path.charCodeAt(end - 1) === 47) end--
  return start === end ? [] : path.slice(start, end).split('/')
}
