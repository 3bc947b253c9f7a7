/**
 * What each built-in kind's writes can and cannot change, as one table per question, through the whole server.
 * Upstream: PrepareForUpdate, GetResetFields, AllowCreateOnUpdate, AllowUnconditionalUpdate and
 * DefaultGarbageCollectionPolicy of every pkg/registry/<group>/<kind>/strategy.go, ReturnDeletedObject of storage.go.
 */
import { describe, expect, it } from 'vitest'
import type { ResourceDefinition } from '#apiserver/registry/generic/interfaces.ts'
import { ALL_VERBS } from '#apiserver/registry/generic/interfaces.ts'
import { builtInResources } from '#apiserver/registry/install.ts'
import { createStoredObjects } from '#apiserver/server/stored-objects.ts'
import type { KubeObject, ObjectMeta } from '#machinery/api/meta/v1.ts'
import { resourcePath } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { startTestServer } from '#test/contract/resource-server.ts'
import { type Answer, dispatch } from '#test/support/dispatch.ts'
import { keyOf, minimalObject } from '#test/support/minimal-objects.ts'
import { EVERY_API } from '#test/support/registry-config.ts'

const NAMESPACE = 'contract'

const objects = createStoredObjects()
const definitions = builtInResources({ objects, config: EVERY_API })
const { server, resources } = startTestServer({ resources: definitions })
objects.bind(resources)

/** The same objects as core events; addresses are names and cannot change. */
const LEFT_OUT = new Set(['events.k8s.io/events', 'networking.k8s.io/ipaddresses'])
/** Names that say more than a name. */
const NAMES = new Map([
  ['apiregistration.k8s.io/apiservices', 'v1.example.com'],
  ['internal.apiserver.k8s.io/storageversions', 'apps.things'],
])
const STORED = definitions.filter((one) => one.verbs.includes('update') && !LEFT_OUT.has(keyOf(one)))

interface Stored extends KubeObject {
  spec?: unknown
  status?: unknown
}

const send = (method: string, path: string, body?: object, type = 'application/json'): Promise<Answer<Stored>> =>
  dispatch(server, method, path, body, { 'content-type': type, 'user-agent': 'tester/1' })

let counter = 0

function pathsOf(definition: ResourceDefinition): {
  readonly name: string
  readonly list: string
  readonly own: string
} {
  const name = NAMES.get(keyOf(definition)) ?? `object-${++counter}`
  const resource = { ...definition, version: definition.storageVersion }
  const list = resourcePath(resource, definition.namespaced ? { namespace: NAMESPACE } : {})
  return { name, list, own: `${list}/${name}` }
}

/** Made by another than those who write afterwards. A kind whose objects have fixed names has them once. */
async function created(definition: ResourceDefinition): Promise<{ readonly object: Stored; readonly own: string }> {
  const { name, list, own } = pathsOf(definition)
  await send('DELETE', own)
  const draft = minimalObject(definition, name)
  draft.metadata.labels = { kept: 'yes' }
  draft.metadata.annotations = { kept: 'yes' }
  const { status, body } = await send('POST', `${list}?fieldManager=maker`, draft)
  expect({ status, body }).toMatchObject({ status: 201 })
  return { object: body, own }
}

const OWNER = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u' }
const CHANGED = {
  labels: { changed: 'yes' },
  annotations: { changed: 'yes' },
  finalizers: ['example.com/changed'],
  ownerReferences: [OWNER],
} as const satisfies Partial<ObjectMeta>
type Member = keyof typeof CHANGED
const MEMBERS = Object.keys(CHANGED) as Member[]

/** Members of metadata that /status leaves as they are stored; those of other kinds it writes. */
const KEPT_BY_STATUS = new Map<string, readonly Member[]>([
  ['pods', ['ownerReferences']],
  ['apps/deployments', ['labels']],
  ['admissionregistration.k8s.io/validatingadmissionpolicies', MEMBERS],
  ['apiregistration.k8s.io/apiservices', MEMBERS],
  ['flowcontrol.apiserver.k8s.io/flowschemas', MEMBERS],
  ['flowcontrol.apiserver.k8s.io/prioritylevelconfigurations', MEMBERS],
  ['internal.apiserver.k8s.io/storageversions', MEMBERS],
  ['networking.k8s.io/servicecidrs', MEMBERS],
  ['resource.k8s.io/resourceclaims', MEMBERS],
  ['storage.k8s.io/volumeattachments', MEMBERS],
  ['storagemigration.k8s.io/storageversionmigrations', MEMBERS],
])

const ownedBy = ({ metadata }: KubeObject, manager: string): Record<string, Record<string, unknown>> =>
  (metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1 ?? {}) as never

function checkMetadata(definition: ResourceDefinition, before: Stored, after: Stored): void {
  const kept = KEPT_BY_STATUS.get(keyOf(definition)) ?? []
  for (const member of MEMBERS) {
    const expected: unknown = kept.includes(member) ? before.metadata[member] : CHANGED[member]
    // Some kinds' labels and annotations have members of the server's own.
    if (expected === undefined) expect(after.metadata[member], member).toBeUndefined()
    else expect(after.metadata[member], member).toMatchObject(expected as object)
  }
  expect(after.metadata.generation).toBe(before.metadata.generation)
  expect(after.spec).toEqual(before.spec)
}

function checkOwner(definition: ResourceDefinition, after: Stored, manager: string): void {
  const kept = KEPT_BY_STATUS.get(keyOf(definition)) ?? []
  const owned = ownedBy(after, manager)
  expect(owned['f:spec']).toBeUndefined()
  for (const member of MEMBERS) {
    const path = owned['f:metadata']?.[`f:${member}`]
    if (kept.includes(member)) expect(path, member).toBeUndefined()
    else expect(path, member).toBeDefined()
  }
}

describe('a write of /status', () => {
  const kinds = STORED.filter((one) => one.subresources.some(({ name }) => name === 'status'))
  it.each(kinds.map((one) => [keyOf(one), one] as const))('%s: an update', async (_key, definition) => {
    const { object, own } = await created(definition)
    const draft = deepCopy<Stored>(object)
    Object.assign(draft.metadata, deepCopy(CHANGED))
    delete draft.spec
    const { status, body } = await send('PUT', `${own}/status?fieldManager=writer`, draft)
    expect({ status, body }).toMatchObject({ status: 200 })
    checkMetadata(definition, object, body)
    checkOwnerUnlessNothingChanged(definition, body, 'writer')
  })

  it.each(kinds.map((one) => [keyOf(one), one] as const))('%s: a patch', async (_key, definition) => {
    const { object, own } = await created(definition)
    const labels = { ...CHANGED.labels, kept: null }
    const annotations = { ...CHANGED.annotations, kept: null }
    const patch = { metadata: { ...CHANGED, labels, annotations } }
    const { status, body } = await send('PATCH', `${own}/status`, patch, 'application/merge-patch+json')
    expect({ status, body }).toMatchObject({ status: 200 })
    checkMetadata(definition, object, body)
  })

  it.each(kinds.map((one) => [keyOf(one), one] as const))('%s: an apply', async (_key, definition) => {
    const { object, own } = await created(definition)
    const { kind, apiVersion } = object
    const config = { kind, apiVersion, metadata: { ...CHANGED } }
    const { status, body } = await send(
      'PATCH',
      `${own}/status?fieldManager=applier`,
      config,
      'application/apply-patch+yaml',
    )
    expect({ status, body }).toMatchObject({ status: 200 })
    checkMetadata(definition, object, body)
    checkOwnerUnlessNothingChanged(definition, body, 'applier')
  })

  function checkOwnerUnlessNothingChanged(definition: ResourceDefinition, body: Stored, manager: string): void {
    if (KEPT_BY_STATUS.get(keyOf(definition)) === MEMBERS) expect(ownedBy(body, manager)['f:metadata']).toBeUndefined()
    else checkOwner(definition, body, manager)
  }

  it.each(kinds.map((one) => [keyOf(one), one] as const))('%s: a write of the object leaves it', async (_key, one) => {
    const { object, own } = await created(one)
    const draft = deepCopy<Stored>(object)
    draft.metadata.labels = { changed: 'yes' }
    draft.status = { phase: 'Failed', observedGeneration: 7, replicas: 3, conditions: [] }
    const { status, body } = await send('PUT', `${own}?fieldManager=writer`, draft)
    expect({ status, body }).toMatchObject({ status: 200, body: { metadata: { labels: { changed: 'yes' } } } })
    expect(body.status).toEqual(object.status)
    expect(ownedBy(body, 'writer')['f:status']).toBeUndefined()
  })
})

describe('views of a Pod that write one part', () => {
  const pods = STORED.find((one) => keyOf(one) === 'pods') as ResourceDefinition
  it.each(['ephemeralcontainers', 'resize'])('/%s leaves metadata', async (view) => {
    const { object, own } = await created(pods)
    const draft = deepCopy<Stored>(object)
    Object.assign(draft.metadata, deepCopy(CHANGED))
    const { status, body } = await send('PUT', `${own}/${view}?fieldManager=writer`, draft)
    expect({ status, body }).toMatchObject({ status: 200 })
    const { managedFields: owners, resourceVersion: _now, ...kept } = body.metadata
    const { managedFields: _owners, resourceVersion: _then, ...stored } = object.metadata
    expect(kept).toEqual(stored)
    // Upstream takes note of what was asked for, whatever became of it.
    expect(owners?.find(({ manager }) => manager === 'writer')).toMatchObject({ subresource: view })
  })
})

describe('metadata.generation', () => {
  /** New objects are the first generation. */
  const COUNTED = new Set([
    'pods',
    'podtemplates',
    'replicationcontrollers',
    'admissionregistration.k8s.io/mutatingadmissionpolicies',
    'admissionregistration.k8s.io/mutatingadmissionpolicybindings',
    'admissionregistration.k8s.io/mutatingwebhookconfigurations',
    'admissionregistration.k8s.io/validatingadmissionpolicies',
    'admissionregistration.k8s.io/validatingadmissionpolicybindings',
    'admissionregistration.k8s.io/validatingwebhookconfigurations',
    'apps/daemonsets',
    'apps/deployments',
    'apps/replicasets',
    'apps/statefulsets',
    'batch/cronjobs',
    'batch/jobs',
    'discovery.k8s.io/endpointslices',
    'flowcontrol.apiserver.k8s.io/flowschemas',
    'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations',
    'networking.k8s.io/ingressclasses',
    'networking.k8s.io/ingresses',
    'networking.k8s.io/networkpolicies',
    'policy/poddisruptionbudgets',
    'resource.k8s.io/deviceclasses',
    'resource.k8s.io/resourceslices',
    'scheduling.k8s.io/priorityclasses',
  ])

  it.each(STORED.map((one) => [keyOf(one), one] as const))('%s', async (key, definition) => {
    const { object, own } = await created(definition)
    expect(object.metadata.generation).toBe(COUNTED.has(key) ? 1 : undefined)
    const annotate = { metadata: { annotations: { changed: 'yes' } } }
    const label = { metadata: { labels: { changed: 'yes' } } }
    const annotated = await send('PATCH', own, annotate, 'application/merge-patch+json')
    const labelled = await send('PATCH', own, label, 'application/merge-patch+json')
    const generations = [annotated, labelled].map(({ body }) => body.metadata.generation)
    if (key === 'apps/deployments') expect(generations).toEqual([2, 2])
    else if (key === 'discovery.k8s.io/endpointslices') expect(generations).toEqual([1, 2])
    else expect(generations).toEqual(COUNTED.has(key) ? [1, 1] : [undefined, undefined])
  })

  it('does not count what Go does not print', async () => {
    const { object, own } = await created(STORED.find((one) => keyOf(one) === 'apps/deployments') as ResourceDefinition)
    const { spec } = object as unknown as { spec: { template: { spec: object }; selector: object } }
    const podSpec = { ...spec.template.spec, tolerations: [], nodeSelector: {}, hostNetwork: false }
    const template = { ...spec.template, spec: podSpec }
    const selector = { ...spec.selector, matchExpressions: [] }
    const next = { ...object, spec: { ...spec, paused: false, minReadySeconds: 0, selector, template } }
    const { status, body } = await send('PUT', own, next)
    expect({ status, body }).toEqual({ status: 200, body: object })
  })

  it('of a PriorityClass never grows', async () => {
    const classes = STORED.find((one) => keyOf(one) === 'scheduling.k8s.io/priorityclasses') as ResourceDefinition
    const { own } = await created(classes)
    const { body } = await send('PATCH', own, { description: 'd' }, 'application/merge-patch+json')
    expect(body).toMatchObject({ description: 'd', metadata: { generation: 1 } })
  })
})

describe('an update', () => {
  const CREATES = new Set([
    'endpoints',
    'events',
    'limitranges',
    'services',
    'coordination.k8s.io/leases',
    'node.k8s.io/runtimeclasses',
    'rbac.authorization.k8s.io/clusterrolebindings',
    'rbac.authorization.k8s.io/clusterroles',
    'rbac.authorization.k8s.io/rolebindings',
    'rbac.authorization.k8s.io/roles',
  ])
  it.each(STORED.map((one) => [keyOf(one), one] as const))('%s: of what does not exist', async (key, definition) => {
    const { name, own } = pathsOf(definition)
    await send('DELETE', own)
    const { status } = await send('PUT', own, minimalObject(definition, name))
    expect(status).toBe(CREATES.has(key) ? 201 : 404)
  })

  const NEEDS_VERSION = new Set([
    'admissionregistration.k8s.io/mutatingadmissionpolicies',
    'admissionregistration.k8s.io/mutatingadmissionpolicybindings',
    'admissionregistration.k8s.io/mutatingwebhookconfigurations',
    'admissionregistration.k8s.io/validatingadmissionpolicies',
    'admissionregistration.k8s.io/validatingadmissionpolicybindings',
    'admissionregistration.k8s.io/validatingwebhookconfigurations',
    'apiregistration.k8s.io/apiservices',
    'coordination.k8s.io/leases',
    'internal.apiserver.k8s.io/storageversions',
    'node.k8s.io/runtimeclasses',
    'policy/poddisruptionbudgets',
    'storage.k8s.io/csidrivers',
    'storage.k8s.io/csinodes',
    'storage.k8s.io/csistoragecapacities',
    'storage.k8s.io/volumeattachments',
    'storagemigration.k8s.io/storageversionmigrations',
  ])
  it.each(STORED.map((one) => [keyOf(one), one] as const))('%s: without resourceVersion', async (key, definition) => {
    const { object, own } = await created(definition)
    const draft = deepCopy<Stored>(object)
    delete draft.metadata.resourceVersion
    const { status } = await send('PUT', own, draft)
    expect(status).toBe(NEEDS_VERSION.has(key) ? 422 : 200)
  })
})

describe('a delete', () => {
  const RETURNS_OBJECT = new Set([
    'namespaces',
    'persistentvolumeclaims',
    'persistentvolumes',
    'pods',
    'podtemplates',
    'resourcequotas',
    'serviceaccounts',
    'services',
    'resource.k8s.io/deviceclasses',
    'resource.k8s.io/resourceclaims',
    'resource.k8s.io/resourceclaimtemplates',
    'resource.k8s.io/resourceslices',
    'storage.k8s.io/csidrivers',
    'storage.k8s.io/csinodes',
    'storage.k8s.io/storageclasses',
    'storage.k8s.io/volumeattachments',
    'storage.k8s.io/volumeattributesclasses',
  ])
  /** Their first deletion leaves what they own, unless it says otherwise. */
  const ORPHANS = new Set(['replicationcontrollers', 'batch/jobs'])
  const kinds = STORED.filter((one) => ALL_VERBS.every((verb) => one.verbs.includes(verb)))
  it.each(kinds.map((one) => [keyOf(one), one] as const))('%s', async (key, definition) => {
    const { object, own } = await created(definition)
    const { status, body } = await send('DELETE', own)
    expect(status).toBe(200)
    if (ORPHANS.has(key)) expect(body.metadata.finalizers).toEqual(['orphan'])
    else expect(body.kind).toBe(RETURNS_OBJECT.has(key) ? object.kind : 'Status')
    expect((await send('GET', own)).status).toBe(ORPHANS.has(key) ? 200 : 404)
  })
})

describe('what a status says of gates that are off', () => {
  it('is not stored of a Pod', async () => {
    const { object, own } = await created(STORED.find((one) => keyOf(one) === 'pods') as ResourceDefinition)
    const volumeMounts = [{ name: 'v', mountPath: '/v', volumeStatus: { image: { imageRef: 'i@sha256:1' } } }]
    const started = { name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, volumeMounts }
    const nodeAllocatableResourceClaimStatuses = [{ resourceClaimName: 'r', containers: ['c'] }]
    const status = { phase: 'Pending', containerStatuses: [started], nodeAllocatableResourceClaimStatuses }
    const { body } = await send('PUT', `${own}/status`, { ...object, status })
    expect(body.status).toMatchObject({ containerStatuses: [{ volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })
    expect(body.status).not.toHaveProperty('nodeAllocatableResourceClaimStatuses')
    expect(body.status).not.toHaveProperty('containerStatuses.0.volumeMounts.0.volumeStatus')
  })
})

describe('what a new object says beside the point is not stored', () => {
  const LEADING = { strategy: 'OldestEmulationVersion', preferredHolder: 'b' }
  it.each<[string, string, object, object]>([
    [
      'secrets of an account but for their names',
      'serviceaccounts',
      { secrets: [{ name: 's', namespace: 'other', kind: 'Secret', uid: 'u' }] },
      { secrets: [{ name: 's' }] },
    ],
    ['the strategy of a lease, its gate being off', 'coordination.k8s.io/leases', { spec: LEADING }, { spec: {} }],
    [
      'what a driver says of missing volumes, its gate being off',
      'storage.k8s.io/csidrivers',
      { spec: { attachRequired: true, preventPodSchedulingIfMissing: true } },
      { spec: { attachRequired: true } },
    ],
    [
      'the topology of an endpoint',
      'discovery.k8s.io/endpointslices',
      { endpoints: [{ addresses: ['10.1.2.3'], deprecatedTopology: { 'kubernetes.io/hostname': 'n' } }] },
      { endpoints: [{ addresses: ['10.1.2.3'] }] },
    ],
    [
      'the configuration of a kubelet',
      'nodes',
      {
        spec: {
          unschedulable: true,
          configSource: { configMap: { name: 'c', namespace: 'n', kubeletConfigKey: 'k' } },
        },
      },
      { spec: { unschedulable: true } },
    ],
  ])('%s', async (_, key, members, expected) => {
    const definition = STORED.find((one) => keyOf(one) === key) as ResourceDefinition
    const { name, list } = pathsOf(definition)
    const { status, body } = await send('POST', list, { ...minimalObject(definition, name), ...members })
    expect({ status, body }).toMatchObject({ status: 201, body: expected })
    const stored = body as unknown as Record<string, unknown>
    for (const [member, value] of Object.entries(expected)) {
      if (key !== 'storage.k8s.io/csidrivers') expect(stored[member]).toEqual(value)
      else expect(stored[member]).not.toHaveProperty('preventPodSchedulingIfMissing')
    }
  })
})

describe('a LimitRange', () => {
  it('without a name is given one', async () => {
    const limits = STORED.find((one) => keyOf(one) === 'limitranges') as ResourceDefinition
    const draft = minimalObject(limits, '')
    const { status, body } = await send('POST', pathsOf(limits).list, draft)
    expect(status).toBe(201)
    expect(body.metadata.name).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  })
})

describe('an IPAddress', () => {
  it('is named by generateName, without a suffix', async () => {
    const addresses = definitions.find((one) => keyOf(one) === 'networking.k8s.io/ipaddresses') as ResourceDefinition
    const draft = minimalObject(addresses, '') as Stored
    draft.metadata = { generateName: '10.9.9.9' }
    draft.spec = { parentRef: { resource: 'services', namespace: 'contract', name: 's' } }
    const { status, body } = await send('POST', pathsOf(addresses).list, draft)
    expect({ status, body }).toMatchObject({ status: 201, body: { metadata: { name: '10.9.9.9' } } })
  })
})
