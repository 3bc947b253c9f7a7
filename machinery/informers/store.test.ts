/** The cache under an informer: keys and indexes. */
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { keyString, parseKey } from './key.ts'
import { Store } from './store.ts'

function object(namespace: string, name: string, owner?: string): KubeObject {
  const ownerReferences = [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: owner ?? '', controller: true }]
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name, ...(owner === undefined ? {} : { ownerReferences }) },
  }
}

const names = (objects: readonly { readonly metadata: { readonly name?: string } }[]): string[] =>
  objects.map(({ metadata }) => metadata.name ?? '').sort()

describe('Store', () => {
  it('lists by namespace, also after the index was built', () => {
    const store = new Store()
    store.set(object('a', '1'))
    store.set(object('b', '2'))
    expect(names(store.list('a'))).toEqual(['1'])
    store.set(object('a', '3'))
    store.delete('a/1')
    expect(names(store.list('a'))).toEqual(['3'])
    expect(names(store.list())).toEqual(['2', '3'])
  })

  it('moves an object in the indexes when its owner changes', () => {
    const store = new Store()
    store.set(object('a', '1', 'u1'))
    expect(names(store.byIndex('controller-uid', 'u1'))).toEqual(['1'])
    store.set(object('a', '1', 'u2'))
    expect(store.byIndex('controller-uid', 'u1')).toEqual([])
    expect(names(store.byIndex('owner-uid', 'u2'))).toEqual(['1'])
    store.set(object('a', '1'))
    expect(store.byIndex('owner-uid', 'u2')).toEqual([])
  })

  it('has custom indexes with several values', () => {
    const store = new Store()
    store.addIndex('letters', ({ metadata }) => [...(metadata.name ?? '')])
    store.set(object('a', 'xy'))
    store.set(object('a', 'yz'))
    expect(names(store.byIndex('letters', 'y'))).toEqual(['xy', 'yz'])
    expect([...store.indexValues('letters')].sort()).toEqual(['x', 'y', 'z'])
    expect(() => store.byIndex('unknown', 'y')).toThrow('added before')
  })

  it.each([[{ namespace: 'a', name: 'b' }, 'a/b'] as const, [{ name: 'b' }, 'b'] as const])(
    'writes %j as %s and reads it back',
    (key, text) => {
      expect(keyString(key)).toBe(text)
      expect(parseKey(text)).toEqual(key)
    },
  )
})
