/**
 * Links of a proxied page, so that they lead through the proxy again: the Location header and the URL attributes of HTML.
 * Upstream: apimachinery pkg/util/proxy/transport.go.
 */
import { posix } from 'node:path'

export interface LinkContext {
  /** Of the request to the API server, up to and with `/proxy`; encoded. */
  readonly prefix: string
  /** host:port as dialled, and as the client named it: links to either are links to the same place. */
  readonly backendHost: string
  readonly requestHost: string
}

const URL_PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)([\s\S]*)$/

export function rewriteLink(link: string, { prefix, backendHost, requestHost }: LinkContext): string {
  const [, scheme, host = '', path = '', rest = ''] = URL_PARTS.exec(link) ?? []
  const isElsewhere = host !== '' && host !== backendHost && host !== requestHost
  if (isElsewhere || !path.startsWith('/')) return link
  const origin = host !== '' && host === requestHost && scheme !== undefined ? `${scheme}://${host}` : ''
  if (path.startsWith(prefix)) return origin + path + rest
  const joined = posix.join(prefix, path)
  const slash = path.endsWith('/') && !joined.endsWith('/') ? '/' : ''
  return origin + joined + slash + rest
}

const URL_ATTRIBUTES: ReadonlyMap<string, readonly string[]> = new Map([
  ['a', ['href']],
  ['applet', ['codebase']],
  ['area', ['href']],
  ['audio', ['src']],
  ['base', ['href']],
  ['blockquote', ['cite']],
  ['body', ['background']],
  ['button', ['formaction']],
  ['command', ['icon']],
  ['del', ['cite']],
  ['embed', ['src']],
  ['form', ['action']],
  ['frame', ['longdesc', 'src']],
  ['head', ['profile']],
  ['html', ['manifest']],
  ['iframe', ['longdesc', 'src']],
  ['img', ['longdesc', 'src', 'usemap']],
  ['input', ['src', 'usemap', 'formaction']],
  ['ins', ['cite']],
  ['link', ['href']],
  ['object', ['classid', 'codebase', 'data', 'usemap']],
  ['q', ['cite']],
  ['script', ['src']],
  ['source', ['src']],
  ['video', ['poster', 'src']],
])

/** Their text is not markup. */
const RAW_TEXT: ReadonlySet<string> = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed'])

const TAG_NAME = /[A-Za-z][^\s/>]*/y
const ATTRIBUTE = /[\s/]*([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/y

/** Everything but the values of URL attributes stays as it is. */
export function rewriteHtml(html: string, rewrite: (link: string) => string): string {
  const out: string[] = []
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open === -1) break
    out.push(html.slice(at, open))
    at = open
    if (html.startsWith('<!--', open)) at = copyUntil(html, open, '-->', out)
    else {
      const tag = rewriteTag(html, open, rewrite)
      out.push(tag.text)
      at = tag.end
      if (RAW_TEXT.has(tag.name)) at = copyRawText(html, at, tag.name, out)
    }
  }
  out.push(html.slice(at))
  return out.join('')
}

function copyUntil(html: string, from: number, end: string, out: string[]): number {
  const found = html.indexOf(end, from)
  const to = found === -1 ? html.length : found + end.length
  out.push(html.slice(from, to))
  return to
}

function copyRawText(html: string, from: number, name: string, out: string[]): number {
  const closing = new RegExp(`</${name}`, 'gi')
  closing.lastIndex = from
  const to = closing.exec(html)?.index ?? html.length
  out.push(html.slice(from, to))
  return to
}

function rewriteTag(html: string, open: number, rewrite: (link: string) => string) {
  TAG_NAME.lastIndex = open + 1
  const name = TAG_NAME.exec(html)?.[0].toLowerCase() ?? ''
  if (name === '') return { name, text: '<', end: open + 1 }
  const attributes = URL_ATTRIBUTES.get(name)
  let text = html.slice(open, TAG_NAME.lastIndex)
  let at = TAG_NAME.lastIndex
  for (;;) {
    ATTRIBUTE.lastIndex = at
    const found = ATTRIBUTE.exec(html)
    if (found === null) break
    const [whole, key = '', double, single, bare] = found
    const value = double ?? single ?? bare
    const isUrl = value !== undefined && attributes?.includes(key.toLowerCase()) === true
    text += isUrl ? withValue(whole, value, rewriteValue(value, rewrite)) : whole
    at = ATTRIBUTE.lastIndex
  }
  const close = html.indexOf('>', at)
  const end = close === -1 ? html.length : close + 1
  return { name, text: text + html.slice(at, end), end }
}

function rewriteValue(value: string, rewrite: (link: string) => string): string {
  return rewrite(value.replaceAll('&amp;', '&')).replaceAll('&', '&amp;').replaceAll('"', '&quot;')
}

function withValue(attribute: string, value: string, rewritten: string): string {
  const plain = rewritten.replaceAll('&amp;', '&')
  if (plain === value.replaceAll('&amp;', '&')) return attribute
  return `${attribute.slice(0, attribute.indexOf('='))}="${rewritten}"`
}
