import { describe, expect, it } from 'vitest'
import { REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { NODES, PODS, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject, OwnerReference } from '#machinery/api/meta/v1.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { DependencyGraph } from './graph.ts'

const object = (resource: Resource, name: string, namespace: string, owners: OwnerReference[] = []): KubeObject => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  metadata: { name, uid: name, ...(namespace === '' ? {} : { namespace }), ownerReferences: owners },
})
const named = (resource: Resource, name: string, uid = name, apiVersion = apiVersionOf(resource)): OwnerReference => ({
  apiVersion,
  kind: resource.kind,
  name,
  uid,
})

/** A graph that notes what it wants looked at, as `kind/namespace/name`, a virtual one with a `?`. */
function watched() {
  const notes: string[] = []
  const graph = new DependencyGraph({
    attemptToDelete: ({ kind, namespace, name, resource }) =>
      notes.push(`${resource === undefined ? '?' : ''}${kind}/${namespace}/${name}`),
    attemptToOrphan: () => undefined,
    invalidOwnerNamespace: (dependent, owner) => notes.push(`${dependent.name} is not where ${owner.name} is`),
    ownerAbsent: () => undefined,
  })
  const since = (): string[] => notes.splice(0)
  const add = (resource: Resource, added: KubeObject): string[] => {
    graph.upsert(resource, added)
    return since()
  }
  const remove = (uid: string): string[] => {
    graph.remove(uid)
    return since()
  }
  return { graph, add, remove, since }
}

/** Cases of upstream's TestConflictingData. */
describe('references that contradict each other or what is there', () => {
  it('are looked at when the owner is in another namespace', () => {
    const { add } = watched()
    expect(add(PODS, object(PODS, 'child', 'a', [named(PODS, 'owner')]))).toEqual(['?Pod/a/owner'])
    expect(add(PODS, object(PODS, 'owner', 'b'))).toEqual(['child is not where owner is', 'Pod/a/child'])
    const other = object(PODS, 'other', 'c', [named(PODS, 'owner')])
    expect(add(PODS, other)).toEqual(['other is not where owner is', 'Pod/c/other'])
  })

  it('not when the owner has none', () => {
    const { add } = watched()
    add(PODS, object(PODS, 'child', 'a', [named(NODES, 'owner')]))
    expect(add(NODES, object(NODES, 'owner', ''))).toEqual([])
  })

  it.each([
    ['kind', named(SECRETS, 'owner')],
    ['name', named(PODS, 'another', 'owner')],
    ['version', named(PODS, 'owner', 'owner', 'v1beta1')],
  ])('are looked at when the owner is of another %s', (_what, wrong) => {
    const first = watched()
    first.add(PODS, object(PODS, 'owner', 'a'))
    expect(first.add(PODS, object(PODS, 'child', 'a', [wrong]))).toEqual(['Pod/a/child'])
    const second = watched()
    second.add(PODS, object(PODS, 'child', 'a', [wrong]))
    expect(second.add(PODS, object(PODS, 'owner', 'a'))).toEqual(['Pod/a/child'])
  })

  it('are looked at when nobody has seen the owner and another names it differently', () => {
    const { add } = watched()
    add(PODS, object(PODS, 'first', 'a', [named(REPLICA_SETS, 'owner', 'owner', 'extensions/v1beta1')]))
    expect(add(PODS, object(PODS, 'second', 'a', [named(REPLICA_SETS, 'owner')]))).toEqual(['Pod/a/second'])
  })

  it('are looked at when the first to name the owner is in no namespace', () => {
    const { add } = watched()
    expect(add(NODES, object(NODES, 'bad', '', [named(PODS, 'owner')]))).toEqual(['?Pod//owner'])
    expect(add(PODS, object(PODS, 'good', 'a', [named(PODS, 'owner')]))).toEqual(['Pod/a/good'])
  })

  it('do not take away an owner that is seen while it is looked for elsewhere', () => {
    const { graph, add } = watched()
    add(PODS, object(PODS, 'child', 'a', [named(SECRETS, 'owner')]))
    const sought = graph.get('owner')
    add(PODS, object(PODS, 'owner', 'a'))
    if (sought !== undefined) graph.notFound(sought)
    expect([...(graph.get('owner')?.dependents ?? [])].map(({ name }) => name)).toEqual(['child'])
  })

  it('leave an owner with those that name it rightly, when what another names is found missing first', () => {
    const { graph, add, remove, since } = watched()
    add(PODS, object(PODS, 'bad', 'a', [named(SECRETS, 'owner')]))
    add(PODS, object(PODS, 'good', 'a', [named(PODS, 'owner')]))
    // The collector has not found the Secret.
    const sought = graph.get('owner')
    if (sought !== undefined) graph.notFound(sought)
    expect(since()).toEqual(['?Pod/a/owner', 'Pod/a/bad', 'Pod/a/good'])
    expect(add(PODS, object(PODS, 'owner', 'a'))).toEqual([])
    expect([...(graph.get('owner')?.dependents ?? [])].map(({ name }) => name)).toEqual(['good'])
    expect(remove('owner')).toEqual(['Pod/a/good'])
  })
})

describe('a foreground deletion', () => {
  it('starts once for each time its finalizer comes', () => {
    const { add } = watched()
    const deletedWith = (...finalizers: string[]): KubeObject => {
      const { metadata, ...rest } = object(PODS, 'pod', 'a')
      return { ...rest, metadata: { ...metadata, finalizers, deletionTimestamp: '2026-01-01T00:00:00Z' } }
    }
    expect(add(PODS, deletedWith('x/y', 'foregroundDeletion'))).toEqual(['Pod/a/pod'])
    expect(add(PODS, deletedWith('x/y', 'foregroundDeletion'))).toEqual([])
    expect(add(PODS, deletedWith('x/y'))).toEqual([])
    expect(add(PODS, deletedWith('x/y', 'foregroundDeletion'))).toEqual(['Pod/a/pod'])
  })
})
