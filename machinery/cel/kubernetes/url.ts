/** URLs as Go's net/url reads them. Upstream: apiserver pkg/cel/library/urls.go; Go net/url. */
import { traversalOf } from '../cost.ts'
import { type CelLibrary, define, defineMember } from '../functions.ts'
import { type CelType, opaqueType } from '../types.ts'
import { ArrayList, type CelMap, CelOpaque, type CelValue, EntryMap, EvaluationError } from '../values.ts'

const URL_TYPE: CelType = opaqueType('kubernetes.URL')

interface UrlParts {
  readonly scheme: string
  readonly host: string
  /** As written. */
  readonly path: string
  readonly query: string
}

class CelUrl extends CelOpaque {
  readonly type = URL_TYPE
  readonly text: string
  readonly parts: UrlParts

  constructor(text: string, parts: UrlParts) {
    super()
    this.text = text
    this.parts = parts
  }

  equals(other: CelValue): boolean {
    return other instanceof CelUrl && other.text === this.text
  }
}

/** Throws an Error with Go's text. Absolute URLs and absolute paths only: url.ParseRequestURI. */
export function parseRequestUri(text: string): UrlParts {
  const failed = (why: string): Error => new Error(`parse ${JSON.stringify(text)}: ${why}`)
  for (const character of text) {
    if (character < ' ' || character === '\u007f') throw failed('net/url: invalid control character in URL')
  }
  if (text === '') throw failed('empty url')
  if (text === '*') return { scheme: '', host: '', path: '*', query: '' }
  if (text.startsWith(':')) throw failed('missing protocol scheme')
  const [, scheme = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text) ?? []
  const [before = '', ...query] = (scheme === '' ? text : text.slice(scheme.length + 1)).split('?')
  const parts = { scheme: scheme.toLowerCase(), query: query.join('?') }
  if (!before.startsWith('/')) {
    if (scheme === '') throw failed('invalid URI for request')
    return { ...parts, host: '', path: '' }
  }
  const hasHost = scheme !== '' && before.startsWith('//')
  const [, authority = '', path = before] = hasHost ? (/^\/\/([^/]*)(.*)$/s.exec(before) ?? []) : []
  const problem = hostProblem(authority) ?? escapeProblem(path)
  if (problem !== undefined) throw failed(problem)
  return { ...parts, host: authority.slice(authority.lastIndexOf('@') + 1), path }
}

function hostProblem(authority: string): string | undefined {
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const user = authority.slice(0, Math.max(0, authority.lastIndexOf('@')))
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) return 'net/url: invalid userinfo'
  if (host.startsWith('[') && !host.includes(']')) return "missing ']' in host"
  const [, port = ''] = /^(?:\[[^\]]*\]|[^:]*)(.*)$/s.exec(host) ?? []
  if (port !== '' && !/^:\d*$/.test(port)) return `invalid port ${JSON.stringify(port)} after host`
  const [bad] = /[\s"<>\\^`{|}]/.exec(host) ?? []
  if (bad !== undefined) return `invalid character ${JSON.stringify(bad)} in host name`
  return escapeProblem(host)
}

function escapeProblem(text: string): string | undefined {
  const broken = /%(?![0-9A-Fa-f]{2}).{0,2}/s.exec(text)
  return broken === null ? undefined : `invalid URL escape ${JSON.stringify(broken[0])}`
}

function urlOf(text: string): CelUrl {
  try {
    // The fragment is no part of a request's URI, but of a URL.
    parseRequestUri(text)
    return new CelUrl(text, parseRequestUri(text.split('#')[0] ?? ''))
  } catch (err: unknown) {
    throw new EvaluationError(`URL parse error during conversion from string: ${(err as Error).message}`)
  }
}

function isUrl(text: string): boolean {
  try {
    parseRequestUri(text)
    return true
  } catch {
    return false
  }
}

const hostname = ({ parts: { host } }: CelUrl): string => {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))/.exec(host) ?? []
  return bracketed ?? plain
}

const port = ({ parts: { host } }: CelUrl): string => /:(\d*)$/.exec(host.replace(/^\[[^\]]*\]/, ''))?.[1] ?? ''

/** As written, if it was written with escapes where they are needed; else escaped. */
const escapedPath = ({ parts: { path } }: CelUrl): string =>
  path.replace(/[^A-Za-z0-9\-_.~!$&'()*+,;=:@[\]/%]/gsu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

function queryOf({ parts }: CelUrl): CelMap {
  const values = new Map<string, string[]>()
  for (const pair of parts.query.split('&')) {
    if (pair === '' || pair.includes(';') || escapeProblem(pair) !== undefined) continue
    const at = pair.indexOf('=')
    const key = unescapeQuery(at === -1 ? pair : pair.slice(0, at))
    const value = at === -1 ? '' : unescapeQuery(pair.slice(at + 1))
    const known = values.get(key)
    if (known === undefined) values.set(key, [value])
    else known.push(value)
  }
  return EntryMap.of([...values].map(([key, list]) => [key, new ArrayList(list)]))
}

function unescapeQuery(text: string): string {
  const bytes = text
    .replaceAll('+', ' ')
    .split(/(%[0-9A-Fa-f]{2})/)
    .map((part) =>
      part.startsWith('%') ? Buffer.from([Number.parseInt(part.slice(1), 16)]) : Buffer.from(part, 'utf8'),
    )
  return Buffer.concat(bytes).toString('utf8')
}

const U = 'kubernetes.URL'

export const URL_LIBRARY: CelLibrary = {
  overloads: [
    define(`url(string): ${U}`, urlOf, traversalOf()),
    define('isURL(string): bool', isUrl),
    defineMember(`${U}.getScheme(): string`, ({ parts }: CelUrl) => parts.scheme),
    defineMember(`${U}.getHost(): string`, ({ parts }: CelUrl) => parts.host),
    defineMember(`${U}.getHostname(): string`, hostname),
    defineMember(`${U}.getPort(): string`, port),
    defineMember(`${U}.getEscapedPath(): string`, escapedPath),
    defineMember(`${U}.getQuery(): map(string, list(string))`, queryOf),
  ],
  types: [URL_TYPE],
}
