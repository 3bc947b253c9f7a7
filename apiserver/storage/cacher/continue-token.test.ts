import { describe, expect, it } from 'vitest'
import { decodeContinue, encodeContinueAfter } from './continue-token.ts'

const PREFIX = '/registry/pods/'
const encode = (token: unknown): string => Buffer.from(JSON.stringify(token)).toString('base64url')

describe('continue tokens', () => {
  it('lead to the key right after the last one', () => {
    const token = encodeContinueAfter('/registry/pods/ns/a', PREFIX, 7)
    expect(decodeContinue(token, PREFIX)).toEqual({ revision: 7, startKey: '/registry/pods/ns/a\0' })
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
  })

  it.each([
    [1, 'key', 1, 'key'],
    [1, '/', 1, ''],
    [1, '/key', 1, 'key'],
    [-1, 'key', -1, 'key'],
    [-2, 'key', -1, 'key'],
  ])('of revision %d and start %j are taken', (rv, start, revision, rest) => {
    const token = encode({ v: 'meta.k8s.io/v1', rv, start })
    expect(decodeContinue(token, PREFIX)).toEqual({ revision, startKey: `${PREFIX}${rest}` })
  })

  it.each([
    ['not base64', 'a+b/c='],
    ['not JSON', Buffer.from('hello').toString('base64url')],
    ['null', encode(null)],
    ['an array', encode([])],
    ['another version', encode({ v: 'meta.k8s.io/v2', rv: 7, start: 'a' })],
    ['no version', encode({ rv: 7, start: 'a' })],
    ['no revision', encode({ v: 'meta.k8s.io/v1', start: 'a' })],
    ['revision 0', encode({ v: 'meta.k8s.io/v1', rv: 0, start: 'a' })],
    ['a revision that is no integer', encode({ v: 'meta.k8s.io/v1', rv: 1.5, start: 'a' })],
    ['a revision that is a string', encode({ v: 'meta.k8s.io/v1', rv: '7', start: 'a' })],
    ['no start', encode({ v: 'meta.k8s.io/v1', rv: 7 })],
    ['an empty start', encode({ v: 'meta.k8s.io/v1', rv: 7, start: '' })],
    ['a start out of the prefix', encode({ v: 'meta.k8s.io/v1', rv: 7, start: '../secrets/ns/a' })],
    ['a start that hides it', encode({ v: 'meta.k8s.io/v1', rv: 7, start: 'ns/../../secrets/a' })],
    ['a start in the same folder', encode({ v: 'meta.k8s.io/v1', rv: 1, start: './key' })],
    ['a start that ends above', encode({ v: 'meta.k8s.io/v1', rv: 1, start: 'key/../..' })],
    ['an absolute start', encode({ v: 'meta.k8s.io/v1', rv: 7, start: '//a' })],
    ['a start that is a number', encode({ v: 'meta.k8s.io/v1', rv: 7, start: 7 })],
  ])('are refused when they are %s', (_, token) => {
    expect(() => decodeContinue(token, PREFIX)).toThrow(/^invalid continue token: continue key is not valid/)
  })
})
