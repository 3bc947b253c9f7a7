// sprig's URL functions. Upstream: sprig v3.3.0 url.go, Go net/url.

import { quote } from '../gofmt/quote.ts'
import { GoError } from '../gotypes/error.ts'
import { defineFunc, type GoFunc, type GoMap, type GoValue } from '../gotypes/value.ts'

interface UrlParts {
  scheme: string
  opaque: string
  userinfo: string
  host: string
  path: string
  query: string
  fragment: string
}

function parseUrl(text: string): UrlParts {
  const bad = (reason: string): GoError => new GoError(`unable to parse url: parse ${quote(text)}: ${reason}`)
  if (/\p{Cc}/u.test(text)) throw bad('net/url: invalid control character in URL')
  const hash = text.indexOf('#')
  const fragment = hash < 0 ? '' : decode(text.slice(hash + 1), bad)
  let rest = hash < 0 ? text : text.slice(0, hash)
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest)?.[1] ?? ''
  if (scheme !== '') rest = rest.slice(scheme.length + 1)
  else if (rest.startsWith(':')) throw bad('missing protocol scheme')
  const mark = rest.indexOf('?')
  const query = mark < 0 ? '' : rest.slice(mark + 1)
  if (mark >= 0) rest = rest.slice(0, mark)
  const parts: UrlParts = {
    scheme: scheme.toLowerCase(),
    opaque: '',
    userinfo: '',
    host: '',
    path: '',
    query,
    fragment,
  }
  if (!rest.startsWith('/') && scheme !== '') return { ...parts, opaque: rest }
  if (scheme === '' && /^[^/]*:/.test(rest)) throw bad('first path segment in URL cannot contain colon')
  if (!rest.startsWith('//')) return { ...parts, path: decode(rest, bad) }
  const slash = rest.indexOf('/', 2)
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash)
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const port = /:([^:\]]*)$/.exec(host)?.[1] ?? ''
  if (!/^[0-9]*$/.test(port)) throw bad(`invalid port ${quote(`:${port}`)} after host`)
  return {
    ...parts,
    userinfo: at < 0 ? '' : authority.slice(0, at),
    host,
    path: slash < 0 ? '' : decode(rest.slice(slash), bad),
  }
}

function decode(text: string, bad: (reason: string) => GoError): string {
  const wrong = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)
  if (wrong !== null) throw bad(`invalid URL escape ${quote(wrong[0])}`)
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent).replaceAll('%25', '%25')
}

function urlParse(text: string): GoMap {
  const parts = parseUrl(text)
  return new Map<string, GoValue>([
    ['scheme', parts.scheme],
    ['host', parts.host],
    ['hostname', parts.host.replace(/:[0-9]*$/, '').replace(/^\[(.*)\]$/, '$1')],
    ['path', parts.path],
    ['query', parts.query],
    ['opaque', parts.opaque],
    ['fragment', parts.fragment],
    ['userinfo', parts.userinfo],
  ])
}

function urlJoin(map: GoMap): string {
  const part = (name: string): string => {
    const value = map.get(name)
    if (value === null || value === undefined) return ''
    if (typeof value !== 'string')
      throw new GoError(`unable to parse ${name} key, must be of type string, but ${typeof value} found`)
    return value
  }
  const scheme = part('scheme') === '' ? '' : `${part('scheme')}:`
  const query = part('query') === '' ? '' : `?${part('query')}`
  const fragment = part('fragment') === '' ? '' : `#${encodeURI(part('fragment'))}`
  if (part('opaque') !== '') return scheme + part('opaque') + query + fragment
  const userinfo = part('userinfo') === '' ? '' : `${part('userinfo')}@`
  const host = part('host')
  const authority =
    scheme !== '' || host !== '' || userinfo !== ''
      ? host !== '' || part('path') !== '' || userinfo !== ''
        ? `//${userinfo}${host}`
        : ''
      : ''
  const path = encodePath(part('path'))
  const slash = path !== '' && !path.startsWith('/') && host !== '' ? '/' : ''
  return scheme + authority + slash + path + query + fragment
}

export const URL_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('urlParse', 'string', 'map', urlParse),
  defineFunc('urlJoin', 'map', 'string', urlJoin),
]
