import { describe, expect, it } from 'vitest'
import { compileJsonPath } from './simple.ts'

const object = {
  metadata: { name: 'a', annotations: { 'foo.bar/x': 'y' } },
  spec: { replicas: 0, list: [{ x: 1 }, { x: 2 }, { y: 3 }], empty: null },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', count: 3 },
      { type: 'Synced', status: 'False', count: 7 },
    ],
  },
}

describe('compileJsonPath', () => {
  const rows: [string, unknown[]][] = [
    ['.spec.replicas', [0]],
    ['{.spec.replicas}', [0]],
    ['$.spec.replicas', [0]],
    ['spec.replicas', [0]],
    ['.spec.absent', []],
    ['.spec.empty', [null]],
    ['.spec.constructor', []],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    ["{.status.conditions[?(@.type=='Synced')].status}", ['False']],
    ['.status.conditions[?(@.type!="Ready")].type', ['Synced']],
    ['.status.conditions[?(@.count > 5)].type', ['Synced']],
    ['.spec.list[?(@.y)].y', [3]],
    ['.spec.list[*].x', [1, 2]],
    ['.spec.list[0].x', [1]],
    ['.spec.list[-1].y', [3]],
    ['.spec.list[0:2].x', [1, 2]],
    ['.spec.list[9].x', []],
    ['.metadata.annotations.foo\\.bar/x', ['y']],
    [".metadata.annotations['foo.bar/x']", ['y']],
    ['.metadata.*', ['a', { 'foo.bar/x': 'y' }]],
    ['..count', [3, 7]],
    ['.', [object]],
  ]
  it.each(rows)('%s', (path, expected) => {
    expect(compileJsonPath(path)(object)).toEqual(expected)
  })

  it.each(['.a[', '.a[x]', '.a[?(@.b=]', '.a[?(@.b==)]', '.a b', '.a[0:1:0]'])('refuses %s', (path) => {
    expect(() => compileJsonPath(path)).toThrow()
  })
})
