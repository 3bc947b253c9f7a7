import { expect, it } from 'vitest'
import { sourceIPs } from './source-ips.ts'

it.each([
  ['the connection', {}, '10.0.0.1', ['10.0.0.1']],
  ['an IPv4 peer of a dual-stack socket', {}, '::ffff:10.0.0.1', ['10.0.0.1']],
  ['all proxies, in order', { 'x-forwarded-for': '1.1.1.1, 2.2.2.2' }, '10.0.0.1', ['1.1.1.1', '2.2.2.2', '10.0.0.1']],
  ['no nonsense', { 'x-forwarded-for': 'unknown,1.1.1.1,' }, '10.0.0.1', ['1.1.1.1', '10.0.0.1']],
  ['X-Real-Ip', { 'x-real-ip': '3.3.3.3' }, '10.0.0.1', ['3.3.3.3', '10.0.0.1']],
  ['X-Real-Ip once', { 'x-forwarded-for': '3.3.3.3', 'x-real-ip': '3.3.3.3' }, '10.0.0.1', ['3.3.3.3', '10.0.0.1']],
  ['the peer once', { 'x-forwarded-for': '1.1.1.1, 10.0.0.1' }, '10.0.0.1', ['1.1.1.1', '10.0.0.1']],
  ['nothing for parts of the process', {}, '', []],
])('lists %s', (_, headers, remoteAddress, expected) => {
  expect(sourceIPs({ headers: headers as Record<string, string>, remoteAddress })).toEqual(expected)
})
