/** A node against a real control plane: the Node authorizer by names, NodeRestriction by what is in the objects. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SUBJECT_ACCESS_REVIEWS } from '#machinery/api/authorization/v1/resources.gen.ts'
import type { SubjectAccessReview } from '#machinery/api/authorization/v1/types.gen.ts'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isForbidden } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'

let plane: TestControlPlane
let node: Client
let podUid = ''

const makeNode = (name: string, fields: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  spec: {},
  ...fields,
  metadata: { ...fields.metadata, name },
})
const makePod = (name: string, nodeName: string, secret: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'work', name },
  spec: {
    nodeName,
    serviceAccountName: 'robot',
    containers: [{ name: 'c', image: 'i' }],
    volumes: [{ name: 's', secret: { secretName: secret } }],
  },
})

beforeAll(async () => {
  plane = await startTestControlPlane()
  const { client } = plane
  for (const name of ['work', 'kube-node-lease']) {
    await client
      .create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })
      .catch(() => undefined)
  }
  const meta = (name: string) => ({ apiVersion: 'v1', kind: 'x', metadata: { namespace: 'work', name } })
  for (const name of ['robot', 'default']) {
    await client.create(SERVICE_ACCOUNTS, { ...meta(name), kind: 'ServiceAccount' })
  }
  for (const name of ['mine', 'theirs']) await client.create(SECRETS, { ...meta(name), kind: 'Secret' })
  await client.create(NODES, makeNode('n2'))
  podUid = (await client.create(PODS, makePod('mine', 'n1', 'mine'))).metadata.uid ?? ''
  await client.create(PODS, makePod('theirs', 'n2', 'theirs'))
  node = plane.server.clientFor({
    name: 'system:node:n1',
    uid: '',
    groups: ['system:nodes', 'system:authenticated'],
    extra: new Map(),
  })
})
afterAll(() => plane.stop())

async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
    return ''
  } catch (err: unknown) {
    if (!isForbidden(err)) throw err
    return errorMessage(err)
  }
}

describe('a node', () => {
  it('reads what its pods mount, and nothing else', async () => {
    expect((await node.get(SECRETS, { namespace: 'work', name: 'mine' })).metadata.name).toBe('mine')
    expect(await refusal(node.get(SECRETS, { namespace: 'work', name: 'theirs' }))).toBe(
      `secrets "theirs" is forbidden: User "system:node:n1" cannot get resource "secrets" in API group "" in the namespace "work": no relationship found between node 'n1' and this object`,
    )
    expect(await refusal(node.list(SECRETS, { namespace: 'work' }))).toContain('No Object name found')
  })

  it('sees its own pods only', async () => {
    const { items } = await node.list(PODS, { fieldSelector: 'spec.nodeName=n1' })
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['mine'])
    expect(await refusal(node.list(PODS))).toContain('can only list/watch pods with spec.nodeName field selector')
    expect(await refusal(node.get(PODS, { namespace: 'work', name: 'theirs' }))).toContain('no relationship found')
  })

  it('registers itself, without labels or taints that draw workloads', async () => {
    const restricted = { 'node-restriction.kubernetes.io/tier': 'gold', 'kubernetes.io/hostname': 'n1' }
    expect(await refusal(node.create(NODES, makeNode('n1', { metadata: { labels: restricted } })))).toBe(
      'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/tier',
    )
    expect(await refusal(node.create(NODES, makeNode('n3')))).toContain('node "n1" is not allowed to modify node "n3"')
    const created = await node.create(NODES, makeNode('n1', { metadata: { labels: { 'kubernetes.io/os': 'linux' } } }))
    const tainted = { ...created, spec: { ...created.spec, taints: [{ key: 'k', effect: 'NoSchedule' }] } }
    expect(await refusal(node.update(NODES, tainted))).toContain('node "n1" is not allowed to modify taints')
    const relabelled = { ...created, metadata: { ...created.metadata, labels: { 'example.com/rack': '1' } } }
    await node.update(NODES, relabelled)
    expect(await refusal(node.delete(NODES, { name: 'n1' }))).toContain('cannot delete resource "nodes"')
  })

  it('writes the status of its pods, and creates mirror pods only', async () => {
    const mine = await plane.client.get(PODS, { namespace: 'work', name: 'mine' })
    await node.update(PODS, { ...mine, status: { ...mine.status, phase: 'Running' } }, { subresource: 'status' })
    const theirs = await plane.client.get(PODS, { namespace: 'work', name: 'theirs' })
    expect(await refusal(node.update(PODS, theirs, { subresource: 'status' }))).toContain(
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    )
    expect(await refusal(node.create(PODS, makePod('new', 'n1', 'mine')))).toContain(
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    )
    expect(await refusal(node.delete(PODS, { namespace: 'work', name: 'theirs' }))).toContain(
      'node "n1" can only delete pods with spec.nodeName set to itself',
    )
  })

  it('gets tokens for its pods, of audiences they mount', async () => {
    const ask = (spec: object) =>
      node.createSubresource(SERVICE_ACCOUNTS, { namespace: 'work', name: 'robot' }, 'token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec,
      } as Pod)
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: podUid }
    expect(await refusal(ask({}))).toBe('serviceaccounts "robot" is forbidden: node requested token not bound to a pod')
    expect(await refusal(ask({ boundObjectRef: { ...boundObjectRef, name: 'theirs' } }))).toContain('does not match')
    expect(await refusal(ask({ boundObjectRef, audiences: ['vault'] }))).toBe(
      'serviceaccounts "robot" is forbidden: audience "vault" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience',
    )
    expect(await refusal(ask({ boundObjectRef }))).toBe('')
  })

  it('is told what keeps the server from knowing the audiences of a volume', async () => {
    const { spec } = makePod('mounts', 'n1', 'mine')
    const volumes = [{ name: 'v', csi: { driver: 'driver.example.com' } }]
    const pod = { ...makePod('mounts', 'n1', 'mine'), spec: { ...spec, volumes } }
    const { uid } = (await plane.client.create(PODS, pod)).metadata
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'mounts', uid }
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {} }
    const body = { ...request, spec: { boundObjectRef, audiences: ['vault'] } } as unknown as Pod
    const asked = node.createSubresource(SERVICE_ACCOUNTS, { namespace: 'work', name: 'robot' }, 'token', body)
    expect(await refusal(asked)).toBe(
      'serviceaccounts "robot" is forbidden: error validating audience "vault": csidriver.storage.k8s.io "driver.example.com" not found',
    )
  })

  it('keeps one lease', async () => {
    const lease = (name: string) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: 'kube-node-lease', name },
      spec: {},
    })
    await node.create(LEASES, lease('n1'))
    expect(await refusal(node.create(LEASES, lease('n2')))).toContain(
      'can only access node lease with the same name as the requesting node',
    )
  })

  it('is judged by field selector in access reviews as well', async () => {
    const review = async (fieldSelector: object | undefined) => {
      const resourceAttributes = { verb: 'list', resource: 'pods', ...(fieldSelector && { fieldSelector }) }
      const answer = (await plane.client.create(SUBJECT_ACCESS_REVIEWS, {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: {},
        spec: { user: 'system:node:n1', groups: ['system:nodes'], resourceAttributes },
      } as SubjectAccessReview)) as SubjectAccessReview
      return answer.status?.allowed
    }
    expect(await review(undefined)).toBe(false)
    expect(await review({ rawSelector: 'spec.nodeName=n1' })).toBe(true)
    expect(await review({ requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] })).toBe(true)
    expect(await review({ requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n2'] }] })).toBe(false)
  })
})
