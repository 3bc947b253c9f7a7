import { describe, expect, it } from 'vitest'
import { REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isForbidden, newForbidden } from '#machinery/meta/errors.ts'
import { matcherOfSet } from '#machinery/selectors/label.ts'
import { claim } from './claim.ts'

const owner: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', namespace: 'n', uid: 'w' },
}
const how = { owner, resource: REPLICA_SETS, children: PODS, selector: matcherOfSet({ app: 'web' }) }
const pod = (name: string, app: string, isOwned: boolean): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'n',
    uid: name,
    labels: { app },
    ...(isOwned
      ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'w', controller: true }] }
      : {}),
  },
  spec: { containers: [] },
})

describe('claim', () => {
  it('adopts and releases what it can before it throws what it could not', async () => {
    const patched: string[] = []
    const client = {
      get: () => Promise.resolve(owner),
      patch: (_resource: unknown, { name }: { readonly name: string }) => {
        patched.push(name)
        return name === 'locked' ? Promise.reject(newForbidden(PODS, name, 'locked')) : Promise.resolve({})
      },
    } as unknown as Client
    const pods = [pod('locked', 'web', false), pod('free', 'web', false), pod('strayed', 'other', true)]
    const claimed = claim<Pod>(how, pods, client, new AbortController().signal)
    await expect(claimed).rejects.toSatisfy(isForbidden)
    expect(patched).toEqual(['locked', 'free', 'strayed'])
  })
})
