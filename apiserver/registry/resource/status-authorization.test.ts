import { describe, expect, it } from 'vitest'
import type { AuthorizationAttributes } from '#apiserver/authorization/interfaces.ts'
import type { ResourceClaim, ResourceClaimStatus } from '#machinery/api/resource/v1/types.gen.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { checkStatusWriter } from './status-authorization.ts'

const claim = (status: ResourceClaimStatus): ResourceClaim => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name: 'c', namespace: 'ns' },
  spec: {},
  status,
})
const onNode = (node: string): ResourceClaimStatus => ({
  allocation: {
    nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] },
  },
})
const told = (driver: string, data: unknown = 1) => ({ driver, pool: 'p', device: 'd', data })

/** The refusals, and what was asked as `verb subresource namespace/name`. */
function check(next: ResourceClaimStatus, old: ResourceClaimStatus, allowed: readonly string[], node?: string) {
  const asked: string[] = []
  const authorizer = {
    authorize({ verb, subresource, namespace, name }: AuthorizationAttributes) {
      const question = `${verb} ${subresource} ${namespace}/${name}`
      asked.push(question)
      return { decision: allowed.includes(question) ? 'Allow' : 'NoOpinion', reason: '' } as const
    },
  }
  const extra = new Map(node === undefined ? [] : [['authentication.kubernetes.io/node-name', [node]] as const])
  const user = { name: 'system:serviceaccount:kube-system:driver', uid: '', groups: [], extra }
  const context = { user, namespace: 'ns', verb: 'patch' } as unknown as RequestContext
  const errors = checkStatusWriter(claim(next), claim(old), context, authorizer)
  return { asked, problems: errors.map(({ field, detail }) => `${field}: ${detail}`) }
}

describe('a claim’s status', () => {
  it('asks nobody when nothing of it changes', () => {
    expect(check(onNode('n'), onNode('n'), [])).toEqual({ asked: [], problems: [] })
  })

  it.each<[string, ResourceClaimStatus, ResourceClaimStatus]>([
    ['allocates', onNode('n'), {}],
    ['deallocates', {}, onNode('n')],
    ['reserves', { reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] }, {}],
  ])('that %s takes permission for the binding', (_what, next, old) => {
    const question = 'patch binding /'
    expect(check(next, old, [question])).toEqual({ asked: [question], problems: [] })
    expect(check(next, old, []).problems).toEqual([
      'status: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="patch" permission: ' +
        'resourceclaims.resource.k8s.io is forbidden: User "system:serviceaccount:kube-system:driver" cannot patch resource ' +
        '"resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope',
    ])
  })

  it.each<[string, string | undefined, string[], boolean]>([
    ['on its node, for that', 'n', ['associated-node:patch driver ns/a'], true],
    ['on its node, for any', 'n', ['arbitrary-node:patch driver ns/a'], true],
    ['on another node, for its own', 'm', ['associated-node:patch driver ns/a'], false],
    ['nowhere, for any', undefined, ['arbitrary-node:patch driver ns/a'], true],
    ['for another driver', 'n', ['arbitrary-node:patch driver ns/b'], false],
  ])('of devices is its driver’s: %s', (_what, node, allowed, isAllowed) => {
    const next = { ...onNode('n'), devices: [told('a')] }
    expect(check(next, onNode('n'), allowed, node).problems).toHaveLength(isAllowed ? 0 : 1)
  })

  it('loses what was said of its devices with them', () => {
    const results = [{ request: 'r', driver: 'a', pool: 'p', device: 'd' }]
    const old = { allocation: { devices: { results } }, devices: [told('a'), told('b')] }
    expect(check({}, old, []).asked).toEqual(['patch binding /', 'arbitrary-node:patch driver ns/b'])
  })

  it('asks for each driver whose devices change', () => {
    const old = { ...onNode('n'), devices: [told('same'), told('changed'), told('gone')] }
    const next = { ...onNode('n'), devices: [told('same'), told('changed', 2), told('added')] }
    expect(check(next, old, []).asked).toEqual(
      ['added', 'changed', 'gone'].map((driver) => `arbitrary-node:patch driver ns/${driver}`),
    )
  })
})
