import { describe, expect, it } from 'vitest'
import { parseQuery } from './query.ts'
import { parseRequestInfo } from './request-info.ts'

const parse = (method: string, url: string) => {
  const [path = '', query = ''] = url.split('?')
  return parseRequestInfo(method, path, parseQuery(query))
}

describe('request info of resources', () => {
  it.each([
    // method, path, verb, group, version, namespace, resource, subresource, name
    ['GET', '/api/v1/namespaces', 'list', '', 'v1', '', 'namespaces', '', ''],
    ['GET', '/api/v1/namespaces/other', 'get', '', 'v1', 'other', 'namespaces', '', 'other'],
    ['PUT', '/api/v1/namespaces/other/finalize', 'update', '', 'v1', 'other', 'namespaces', 'finalize', 'other'],
    ['GET', '/api/v1/namespaces/other/pods', 'list', '', 'v1', 'other', 'pods', '', ''],
    ['GET', '/api/v1/namespaces/other/pods/foo', 'get', '', 'v1', 'other', 'pods', '', 'foo'],
    ['HEAD', '/api/v1/namespaces/other/pods/foo', 'get', '', 'v1', 'other', 'pods', '', 'foo'],
    ['POST', '/api/v1/namespaces/other/pods/foo/binding', 'create', '', 'v1', 'other', 'pods', 'binding', 'foo'],
    ['GET', '/api/v1/pods?watch=true', 'watch', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=', 'watch', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=0', 'list', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/pods?watch=False', 'list', '', 'v1', '', 'pods', '', ''],
    ['GET', '/api/v1/watch/namespaces/other/pods', 'watch', '', 'v1', 'other', 'pods', '', ''],
    ['DELETE', '/api/v1/namespaces/other/pods', 'deletecollection', '', 'v1', 'other', 'pods', '', ''],
    [
      'DELETE',
      '/apis/apps/v1/namespaces/other/deployments/foo',
      'delete',
      'apps',
      'v1',
      'other',
      'deployments',
      '',
      'foo',
    ],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/other/deployments/foo/scale',
      'patch',
      'apps',
      'v1',
      'other',
      'deployments',
      'scale',
      'foo',
    ],
    ['GET', '/api/v1/nodes/a%20b', 'get', '', 'v1', '', 'nodes', '', 'a b'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dfoo', 'list', '', 'v1', '', 'pods', '', 'foo'],
    [
      'GET',
      '/api/v1/pods?fieldSelector=spec.x%3D1%2Cmetadata.name%3D%3Dfoo&watch=1',
      'watch',
      '',
      'v1',
      '',
      'pods',
      '',
      'foo',
    ],
  ])('%s %s is %s', (method, url, verb, apiGroup, apiVersion, namespace, resource, subresource, name) => {
    const expected = { isResourceRequest: true, verb, apiGroup, apiVersion, namespace, resource, subresource, name }
    expect(parse(method, url)).toMatchObject(expected)
  })
})

it.each([
  // Only a term of its own names the object: anything else would authorize one name and list others.
  ['type!=x\\,metadata.name=foo', ''],
  ['a\\,metadata.name=foo', ''],
  ['metadata.name!=foo', ''],
  ['metadata.name=foo=bar', ''],
  ['metadata.name=a/b', ''],
  ['metadata.name=', ''],
  ['type!=x,metadata.name=foo', 'foo'],
])('takes the name for authorization from the field selector as the list reads it: %s', (selector, name) => {
  const url = `/api/v1/namespaces/other/secrets?fieldSelector=${encodeURIComponent(selector)}`
  expect(parse('GET', url)).toMatchObject({ verb: 'list', name })
})

describe('request info of other paths', () => {
  it.each([
    '/',
    '/api',
    '/api/v1',
    '/api/v1/',
    '/apis',
    '/apis/apps',
    '/apis/apps/v1',
    '/healthz',
    '/version',
    '//',
    '/metrics/x/y/z',
  ])('%s names no resource', (path) => {
    expect(parse('GET', path)).toMatchObject({ isResourceRequest: false, verb: 'get', resource: '' })
  })
})

describe('queries', () => {
  it.each([
    ['a=1&b=2', { a: '1', b: '2' }],
    ['a=1&a=2', { a: '1' }],
    ['a=x+y%3Dz', { a: 'x y=z' }],
    ['a', { a: '' }],
    ['&&a=1&', { a: '1' }],
    ['a=%zz&b=1', { a: '', b: '1' }],
    ['__proto__=1', { ['__proto__']: '1' }],
  ])('are read as Go reads them: %s', (text, expected) => {
    const query = parseQuery(text)
    for (const [name, value] of Object.entries(expected)) expect(query.get(name)).toBe(value)
    expect(query.get('absent')).toBe('')
  })

  it('keep every value of a repeated name', () => {
    expect(parseQuery('dryRun=All&dryRun=x').all('dryRun')).toEqual(['All', 'x'])
  })
})
