import { describe, expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { createUser } from '../../authentication/user.ts'
import { nodeRules } from '../bootstrap/cluster-roles.ts'
import type { AuthorizationAttributes } from '../interfaces.ts'
import { createNodeAuthorizer } from './authorizer.ts'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns' },
  spec: {
    nodeName: 'n1',
    serviceAccountName: 'robot',
    imagePullSecrets: [{ name: 'pull' }],
    resourceClaims: [{ name: 'gpu', resourceClaimName: 'claim-gpu' }],
    containers: [
      {
        name: 'c',
        image: 'i',
        envFrom: [{ configMapRef: { name: 'env-map' } }],
        env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'k' } } }],
      },
    ],
    volumes: [
      { name: 'v', projected: { sources: [{ secret: { name: 'projected' } }] } },
      { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'e', ephemeral: {} },
    ],
  },
}
const mirror: Pod = {
  ...pod,
  metadata: { name: 'm', namespace: 'ns', annotations: { 'kubernetes.io/config.mirror': 'x' } },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'stolen' } }] }] },
}
const OBJECTS: readonly (readonly [string, object])[] = [
  ['/pods/ns/p', pod],
  ['/persistentvolumeclaims/ns/data', { spec: { volumeName: 'pv' } }],
  ['/persistentvolumeclaims/ns/p-e', { spec: { volumeName: 'foreign' } }],
  [
    '/persistentvolumes//pv',
    {
      metadata: { name: 'pv' },
      spec: {
        claimRef: { namespace: 'ns', name: 'data' },
        csi: {
          nodeStageSecretRef: { namespace: 'vault', name: 'key' },
          controllerPublishSecretRef: { namespace: 'vault', name: 'publish' },
          controllerExpandSecretRef: { namespace: 'vault', name: 'expand' },
        },
      },
    },
  ],
  ['/persistentvolumes//foreign', { metadata: { name: 'foreign' }, spec: { claimRef: { namespace: 'x', name: 'y' } } }],
  ['storage.k8s.io/volumeattachments//va', { spec: { nodeName: 'n1' } }],
  ['resource.k8s.io/resourceslices//slice', { spec: { nodeName: 'n1' } }],
]
const objects = new Map<string, KubeObject>(OBJECTS.map(([key, object]) => [key, object as KubeObject]))

const authorizer = createNodeAuthorizer({
  peek: (group, resource, namespace, name) => objects.get(`${group}/${resource}/${namespace}/${name}`),
  podsOn: (node) => (node === 'n1' ? [pod, mirror] : []),
  rules: nodeRules(),
})

const nodeUser = (name: string) => createUser(`system:node:${name}`, { groups: ['system:nodes'] })

/** `get secrets ns/name`, `list pods ns/ spec.nodeName=n1`, `create group/resource/subresource ns/name`. */
function ask(question: string, user = nodeUser('n1')): string {
  const [verb = '', what = '', where = '/', fieldSelector = ''] = question.split(' ')
  const [path = '', subresource = ''] = what.split(':')
  const slash = path.lastIndexOf('/')
  const [namespace = '', name = ''] = where.split('/')
  const attributes: AuthorizationAttributes = {
    user,
    verb,
    isResourceRequest: true,
    apiGroup: slash === -1 ? '' : path.slice(0, slash),
    apiVersion: 'v1',
    resource: path.slice(slash + 1),
    subresource,
    namespace,
    name,
    path: '',
    fieldSelector,
  }
  const { decision, reason } = authorizer.authorize(attributes)
  return decision === 'Allow' ? 'yes' : reason
}

const UNRELATED = "no relationship found between node 'n1' and this object"

describe('a node', () => {
  it.each([
    'get secrets ns/pull',
    'list secrets ns/env-secret',
    'watch secrets ns/projected',
    'get secrets vault/key',
    'get configmaps ns/env-map',
    'get persistentvolumeclaims ns/data',
    'get persistentvolumeclaims ns/p-e',
    'patch persistentvolumeclaims:status ns/data',
    'get persistentvolumes /pv',
    'get resource.k8s.io/resourceclaims ns/claim-gpu',
    'get storage.k8s.io/volumeattachments /va',
    'create serviceaccounts:token ns/robot',
    'get serviceaccounts ns/robot',
    'get coordination.k8s.io/leases kube-node-lease/n1',
    'create coordination.k8s.io/leases kube-node-lease/',
    'update storage.k8s.io/csinodes /n1',
    'delete resource.k8s.io/resourceslices /slice',
    'list resource.k8s.io/resourceslices / spec.nodeName=n1',
    'get nodes /n1',
    'create nodes',
    'patch nodes:status /n1',
    'get pods ns/p',
    'list pods / spec.nodeName=n1',
    'watch pods / spec.nodeName=n1,status.phase!=Failed',
    'create pods ns/',
    'update pods:status ns/p',
    'create pods:eviction ns/p',
    'list services ns/',
    'create certificates.k8s.io/certificatesigningrequests',
    'list node.k8s.io/runtimeclasses',
  ])('may %s', (question) => {
    expect(ask(question)).toBe('yes')
  })

  it.each([
    ['get secrets ns/other', UNRELATED],
    ['get secrets other/pull', UNRELATED],
    ['get secrets ns/stolen', UNRELATED],
    ['get persistentvolumes /foreign', UNRELATED],
    ['get secrets vault/publish', UNRELATED],
    ['get secrets vault/expand', UNRELATED],
    ['list secrets ns/', 'No Object name found'],
    ['list secrets /', 'can only read namespaced object of this type'],
    ['update secrets ns/pull', 'can only read resources of this type'],
    ['list persistentvolumeclaims ns/data', 'can only get individual resources of this type'],
    ['get persistentvolumeclaims:status ns/data', 'can only get/update/patch this type'],
    ['create serviceaccounts:token ns/default', UNRELATED],
    ['get serviceaccounts ns/default', UNRELATED],
    ['list serviceaccounts ns/', 'can only create tokens for individual service accounts'],
    ['create serviceaccounts ns/x', 'can only create token subresource of serviceaccount'],
    [
      'get coordination.k8s.io/leases kube-system/n1',
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      'update coordination.k8s.io/leases kube-node-lease/n2',
      'can only access node lease with the same name as the requesting node',
    ],
    ['list coordination.k8s.io/leases kube-node-lease/', 'can only get, create, update, patch, or delete a node lease'],
    ['get storage.k8s.io/csinodes /n2', 'can only access CSINode with the same name as the requesting node'],
    ['list nodes', "node 'n1' cannot read all nodes, only its own Node object"],
    ['get nodes /n2', "node 'n1' cannot read 'n2', only its own Node object"],
    ['get pods ns/other', UNRELATED],
    ['list pods /', 'can only list/watch pods with spec.nodeName field selector'],
    ['list pods / spec.nodeName=n2', 'can only list/watch pods with spec.nodeName field selector'],
    ['list pods / spec.nodeName!=n1', 'can only list/watch pods with spec.nodeName field selector'],
    [
      'list resource.k8s.io/resourceslices',
      'can only list/watch/deletecollection resourceslices with nodeName field selector',
    ],
    ['update pods ns/p', ''],
    ['delete nodes /n1', ''],
    ['get apps/deployments ns/d', ''],
  ])('may not %s: %s', (question, reason) => {
    expect(ask(question)).toBe(reason)
  })

  it('gets nothing through pods of another node', () => {
    expect(ask('get secrets ns/pull', nodeUser('n2'))).toBe("no relationship found between node 'n2' and this object")
    expect(ask('get pods ns/p', nodeUser('n2'))).toBe("no relationship found between node 'n2' and this object")
  })

  it('must say which one it is, and be in the group', () => {
    expect(ask('get secrets ns/pull', nodeUser(''))).toBe('unknown node for user "system:node:"')
    expect(ask('get secrets ns/pull', createUser('system:node:n1', { groups: ['devs'] }))).toBe('')
  })
})
