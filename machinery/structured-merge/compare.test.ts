import { describe, expect, it } from 'vitest'
import { compareObjects } from './compare.ts'
import { builtInMergeType } from './fact-types.ts'
import type { FieldSet } from './field-set.ts'
import { pathsOf, pathText } from './path-element.ts'
import { customMergeType } from './structural-types.ts'
import type { MergeType } from './types.ts'

const EVERYTHING = { skipped: new Set(['apiVersion', 'kind']), hasMetadata: true }
const texts = (set: FieldSet): string[] => pathsOf(set).map(pathText).sort()

function changes(type: MergeType, before: object, after: object): { set: string[]; removed: string[] } {
  const { set, removed } = compareObjects(type, before, after, EVERYTHING)
  return { set: texts(set), removed: texts(removed) }
}

function builtIn(group: string, version: string, kind: string): MergeType {
  const type = builtInMergeType(group, version, kind)
  if (type === undefined) throw new Error(`no such kind: ${kind}`)
  return type
}

describe('a new built-in object', () => {
  // What kube-apiserver records for the same objects: structs and lists without omitempty are always there, so that only
  // what is below them is new.
  const cases: readonly [name: string, type: MergeType, object: object, set: FieldSet][] = [
    [
      'maps are owned with their keys',
      builtIn('', 'v1', 'ConfigMap'),
      { metadata: { name: 'a', labels: { app: 'x' } }, data: { k: 'v' } },
      { 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } }, 'f:data': { '.': {}, 'f:k': {} } },
    ],
    [
      'containers and template are no news, ports are',
      builtIn('apps', 'v1', 'Deployment'),
      {
        metadata: { name: 'a', namespace: 'x', generation: 1 },
        spec: {
          selector: { matchLabels: { a: 'b' } },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
          template: {
            metadata: { name: 'named', labels: {} },
            spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, protocol: 'TCP' }], resources: {} }] },
          },
        },
      },
      {
        'f:spec': {
          'f:selector': {},
          'f:strategy': { 'f:type': {}, 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} } },
          'f:template': {
            'f:metadata': { 'f:name': {} },
            'f:spec': {
              'f:containers': {
                'k:{"name":"c"}': {
                  '.': {},
                  'f:name': {},
                  'f:ports': {
                    '.': {},
                    'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
                  },
                  'f:resources': {},
                },
              },
            },
          },
        },
      },
    ],
    [
      'sets own their values, atomic structs count as one',
      builtIn('', 'v1', 'Pod'),
      {
        metadata: { finalizers: ['a/b'], ownerReferences: [{ uid: 'u', name: 'n', kind: 'K', apiVersion: 'v1' }] },
        spec: { nodeSelector: { a: 'b' }, hostNetwork: false, tolerations: [{ key: 'x' }] },
      },
      {
        'f:metadata': {
          'f:finalizers': { '.': {}, 'v:"a/b"': {} },
          'f:ownerReferences': { '.': {}, 'k:{"uid":"u"}': {} },
        },
        'f:spec': { 'f:nodeSelector': {}, 'f:tolerations': {} },
      },
    ],
  ]
  it.each(cases)('%s', (_name, type, object, set) => {
    expect(compareObjects(type, {}, object, EVERYTHING).set).toEqual(set)
  })
})

const CUSTOM = customMergeType({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name', 'kind'],
          items: {
            type: 'object',
            properties: {
              name: { type: 'string' },
              kind: { type: 'string', default: 'A' },
              value: { type: 'integer' },
            },
          },
        },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        order: { type: 'array', items: { type: 'string' } },
        whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        either: { 'x-kubernetes-int-or-string': true },
      },
    },
  },
})

describe('changes of a custom resource', () => {
  const cases: readonly [name: string, before: object, after: object, set: string[], removed: string[]][] = [
    ['nothing', { size: 1, items: [{ name: 'a' }] }, { size: 1, items: [{ name: 'a' }] }, [], []],
    ['a scalar', { size: 1 }, { size: 2 }, ['.size'], []],
    ['a scalar added', {}, { size: 2 }, ['.size'], []],
    ['a scalar removed', { size: 2 }, {}, [], ['.size']],
    ['an int that becomes a string', { either: 1 }, { either: '1' }, ['.either'], []],
    [
      'an item added, its key by default',
      { items: [{ name: 'a' }] },
      { items: [{ name: 'b', value: 1 }, { name: 'a' }] },
      ['.items[kind="A",name="b"]', '.items[kind="A",name="b"].name', '.items[kind="A",name="b"].value'],
      [],
    ],
    [
      'an item changed where it stands',
      { items: [{ name: 'a', kind: 'A', value: 1 }] },
      { items: [{ name: 'a', kind: 'A', value: 2 }] },
      ['.items[kind="A",name="a"].value'],
      [],
    ],
    [
      'items that change places',
      { items: [{ name: 'a' }, { name: 'b' }] },
      { items: [{ name: 'b' }, { name: 'a' }] },
      [],
      [],
    ],
    ['a set', { tags: ['a', 'b'] }, { tags: ['b', 'c'] }, ['.tags[="c"]'], ['.tags[="a"]']],
    ['an atomic list', { order: ['a', 'b'] }, { order: ['b', 'a'] }, ['.order'], []],
    ['an atomic map', { whole: { a: '1' } }, { whole: { a: '2' } }, ['.whole'], []],
    [
      'untyped fields',
      { free: { a: { b: 1 }, l: [1] } },
      { free: { a: { b: 2 }, l: [2] } },
      ['.free.a.b', '.free.l'],
      [],
    ],
    [
      'an untyped object that becomes a scalar',
      { free: { a: { b: 1 } } },
      { free: { a: 'x' } },
      ['.free.a'],
      ['.free.a.b'],
    ],
    ['duplicates that stay', { tags: ['a', 'a'] }, { tags: ['a', 'a', 'b'] }, ['.tags[="b"]'], []],
    ['duplicates that come', { tags: ['a'] }, { tags: ['a', 'a'] }, ['.tags[="a"]'], ['.tags[="a"]']],
    ['a map that becomes empty', { free: { a: 1 } }, { free: {} }, [], ['.free.a']],
  ]
  it.each(cases)('%s', (_name, before, after, set, removed) => {
    const under = (paths: string[]): string[] => paths.map((path) => `.spec${path}`).sort()
    expect(changes(CUSTOM, { spec: before }, { spec: after })).toEqual({ set: under(set), removed: under(removed) })
  })
})

it('leaves out what the server sets and what a write cannot change', () => {
  const type = builtIn('', 'v1', 'Pod')
  const before = { metadata: { uid: 'a', resourceVersion: '1' }, status: { phase: 'Pending' } }
  const after = { metadata: { uid: 'b', resourceVersion: '2', generation: 3 }, status: { phase: 'Running' } }
  expect(changes(type, before, after).set).toEqual(['.status.phase'])
  const parts = { skipped: new Set(['status']), hasMetadata: true }
  expect(texts(compareObjects(type, before, after, parts).set)).toEqual([])
})

it('counts an empty value that a client wrote out as there, other than that of a Go struct', () => {
  const type = builtIn('', 'v1', 'Node')
  const before = { spec: { unschedulable: true } }
  const after = { spec: { unschedulable: false } }
  expect(changes(type, before, after)).toEqual({ set: [], removed: ['.spec.unschedulable'] })
  const { set, removed } = compareObjects(type, before, after, { ...EVERYTHING, isSent: true })
  expect([texts(set), texts(removed)]).toEqual([['.spec.unschedulable'], []])
})
