import { describe, expect, it } from 'vitest'
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { StoredObjects } from '../registry/deps.ts'
import { targetOf } from './target.ts'

const SERVICE: APIService = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1.example.com' },
  spec: {
    group: 'example.com',
    version: 'v1',
    groupPriorityMinimum: 1,
    versionPriority: 1,
    service: { name: 's', namespace: 'n' },
  },
}

/** A Service whose endpoints are on these nodes; `sim…` are simulated. */
function worldOn(...nodeNames: string[]): Pick<StoredObjects, 'peek' | 'list'> {
  const slice = {
    metadata: { labels: { 'kubernetes.io/service-name': 's' } },
    ports: [{ port: 8443 }],
    endpoints: nodeNames.map((nodeName, i) => ({ addresses: [`10.0.0.${i}`], nodeName })),
  }
  const nodeOf = (name: string): object => {
    const containerRuntimeVersion = name.startsWith('sim') ? 'simulated://1.36.0' : 'containerd://2.1.0'
    return { metadata: { name }, status: { nodeInfo: { containerRuntimeVersion } } }
  }
  return {
    peek: (_group, resource, _namespace, name) =>
      (resource === 'nodes' ? nodeOf(name) : { metadata: { name }, spec: { ports: [{ port: 443 }] } }) as KubeObject,
    list: () => [slice as unknown as KubeObject],
  }
}

const target = (...nodeNames: string[]) => targetOf(worldOn(...nodeNames) as StoredObjects, SERVICE, undefined)

describe('targetOf', () => {
  it('never chooses an endpoint on a simulated node', () => {
    for (let turn = 0; turn < 4; turn++)
      expect(target('sim-1', 'real', 'sim-2')).toMatchObject({
        backend: { host: '10.0.0.1', port: 8443, nodeName: 'real' },
      })
  })

  it('says so when there is no other', () => {
    expect(target('sim-1')).toEqual({
      reason: 'FailedDiscoveryCheck',
      message: 'node "sim-1" is simulated and runs nothing: nobody listens on it',
    })
  })

  it('says when there is none at all', () => {
    expect(target()).toMatchObject({ reason: 'MissingEndpoints' })
  })
})
