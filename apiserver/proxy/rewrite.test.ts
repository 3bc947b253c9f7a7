import { describe, expect, it } from 'vitest'
import { rewriteHtml, rewriteLink } from './rewrite.ts'

const CONTEXT = {
  prefix: '/api/v1/namespaces/default/services/web/proxy',
  backendHost: '10.0.0.1:80',
  requestHost: 'localhost:8001',
}

describe('links', () => {
  it.each([
    ['an absolute path', '/login?x=1#y', '/api/v1/namespaces/default/services/web/proxy/login?x=1#y'],
    ['a trailing slash', '/docs/', '/api/v1/namespaces/default/services/web/proxy/docs/'],
    ['the backend itself', 'http://10.0.0.1:80/a', '/api/v1/namespaces/default/services/web/proxy/a'],
    [
      'the place the client named',
      'http://localhost:8001/a',
      'http://localhost:8001/api/v1/namespaces/default/services/web/proxy/a',
    ],
    ['a relative path', 'img/logo.png', 'img/logo.png'],
    ['a fragment', '#top', '#top'],
    ['another host', 'https://example.com/a', 'https://example.com/a'],
    ['another host without scheme', '//example.com/a', '//example.com/a'],
    ['mail', 'mailto:me@example.com', 'mailto:me@example.com'],
    [
      'what leads there already',
      '/api/v1/namespaces/default/services/web/proxy/a',
      '/api/v1/namespaces/default/services/web/proxy/a',
    ],
  ])('%s', (_, link, rewritten) => {
    expect(rewriteLink(link, CONTEXT)).toBe(rewritten)
  })
})

describe('HTML', () => {
  it.each([
    ['quoted', '<a class="b" href="/x">y</a>', '<a class="b" href="P/x">y</a>'],
    ['single quotes', "<img alt='a' src='/x'/>", '<img alt=\'a\' src="P/x"/>'],
    ['no quotes', '<a href=/x>', '<a href="P/x">'],
    ['several', '<frame longdesc="/a" src="/b">', '<frame longdesc="P/a" src="P/b">'],
    ['entities', '<a href="/x?a=1&amp;b=2">', '<a href="P/x?a=1&amp;b=2">'],
    ['attributes that are no links', '<a title="/x">', '<a title="/x">'],
    ['comments', '<!-- <a href="/x"> -->', '<!-- <a href="/x"> -->'],
    [
      'script text',
      '<script>"<a href=\'/x\'>"</script><a href="/x">',
      '<script>"<a href=\'/x\'>"</script><a href="P/x">',
    ],
    ['text', '1 < 2 and /x', '1 < 2 and /x'],
    ['an open end', '<a href="/x', '<a href="/x'],
  ])('%s', (_, html, rewritten) => {
    expect(rewriteHtml(html, (link) => (link.startsWith('/') ? `P${link}` : link))).toBe(rewritten)
  })
})
