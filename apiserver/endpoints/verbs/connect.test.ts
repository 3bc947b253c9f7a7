import { describe, expect, it } from 'vitest'
import { newForbidden } from '#machinery/meta/errors.ts'
import { plainResource, startTestServer } from '#test/contract/resource-server.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission/interfaces.ts'
import type { Connector, ConnectRequest, ConnectTarget } from '../../proxy/interfaces.ts'
import type { SubresourceDefinition } from '../../registry/generic/interfaces.ts'

const seen: { attributes: AdmissionAttributes[]; requests: ConnectRequest[]; targets: ConnectTarget[] } = {
  attributes: [],
  requests: [],
  targets: [],
}

const subresource = (name: string): SubresourceDefinition => ({
  name,
  type: 'connect',
  kind: { group: '', version: 'v1', kind: 'TestOptions' },
  verbs: ['create', 'get'],
  options: ({ query }) => ({ container: query.get('container') }),
  locate(request) {
    seen.requests.push(request)
    return { type: 'nothing' }
  },
})

const connector: Connector = {
  async connect(_, target) {
    seen.targets.push(target)
    return { status: 200, headers: {}, body: { type: 'empty' } }
  },
}

const admission: AdmissionPlugin = {
  name: 'Test',
  handles: (operation) => operation === 'CONNECT',
  validate(attributes) {
    seen.attributes.push(attributes)
    if (attributes.name === 'forbidden') throw newForbidden(attributes, attributes.name, 'not this one')
  },
}

const { server } = startTestServer({
  resources: [plainResource({ subresources: [subresource('exec'), subresource('proxy')] })],
  admission: [admission],
  connector,
})

async function ask(method: string, path: string, query = ''): Promise<number> {
  for (const list of Object.values(seen)) list.length = 0
  const { status } = await server.dispatch({
    method,
    path: `/api/v1/namespaces/default/configmaps/${path}`,
    query,
    headers: {},
    body: undefined,
    remoteAddress: '',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  })
  return status
}

describe('CONNECT', () => {
  it('is admitted with its options as the object', async () => {
    expect(await ask('POST', 'a/exec', 'container=c')).toBe(200)
    expect(seen.attributes).toMatchObject([
      {
        operation: 'CONNECT',
        subresource: 'exec',
        name: 'a',
        namespace: 'default',
        kind: { group: '', version: 'v1', kind: 'TestOptions' },
        object: { kind: 'TestOptions', apiVersion: 'v1', container: 'c' },
      },
    ])
  })

  it('goes nowhere when admission refuses', async () => {
    expect(await ask('POST', 'forbidden/exec')).toBe(403)
    expect(seen.targets).toEqual([])
  })

  it.each([
    ['a/proxy', ''],
    ['a/proxy/', '/'],
    ['a/proxy/x/y', '/x/y'],
    ['a/proxy/x//y/', '/x//y/'],
    ['a/proxy/x%20y', '/x y'],
  ])('hands the path behind %s on', async (path, behind) => {
    expect(await ask('GET', path)).toBe(200)
    expect(seen.requests[0]?.path).toBe(behind)
  })

  it.each([
    ['PUT', 'a/exec', 405],
    ['GET', 'a/exec/deeper', 404],
    ['DELETE', 'a/proxy/x', 405],
    ['OPTIONS', 'a/proxy/x', 200],
  ])('answers %s %s with %i', async (method, path, status) => {
    expect(await ask(method, path)).toBe(status)
  })
})
