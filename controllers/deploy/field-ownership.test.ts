import { describe, expect, it } from 'vitest'
import type { KubeObject, ManagedFieldsEntry } from '#machinery/api/meta/v1.ts'
import { isManagedBy, ownershipPatch } from './field-ownership.ts'

const entry = (manager: string, operation: string, fieldsV1: object, subresource?: string): ManagedFieldsEntry => ({
  manager,
  operation,
  apiVersion: 'v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(subresource === undefined ? {} : { subresource }),
})

const live = (...managedFields: ManagedFieldsEntry[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', resourceVersion: '7', managedFields },
})

const data = (...names: string[]): object => ({ 'f:data': Object.fromEntries(names.map((name) => [`f:${name}`, {}])) })

describe('field ownership of what the manifests folder applies', () => {
  it.each<[string, KubeObject]>([
    ['nobody owns anything', live()],
    ['only others own fields', live(entry('kubectl', 'Update', data('x')))],
    ['this server owns by Apply', live(entry('deploy@one', 'Apply', data('x')))],
    ['another server wrote a subresource', live(entry('deploy@two', 'Update', data('x'), 'status'))],
  ])('stays as it is when %s', (_what, object) => {
    expect(ownershipPatch(object, 'deploy@one')).toBeUndefined()
  })

  it('gathers what all deployers own in one Apply entry, and leaves others theirs', () => {
    const kubectl = entry('kubectl', 'Update', data('z'))
    const object = live(
      entry('before-first-apply', 'Update', { ...data('x', 'y'), 'f:metadata': { 'f:labels': { '.': {} } } }),
      kubectl,
      entry('deploy@two', 'Apply', { ...data('x'), 'f:metadata': { 'f:labels': { 'f:l': {} } } }),
    )
    const { time: _time, ...merged } = entry('deploy@one', 'Apply', {
      ...data('x', 'y'),
      'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } },
    })
    expect(ownershipPatch(object, 'deploy@one')).toEqual([
      { op: 'replace', path: '/metadata/managedFields', value: [kubectl, merged] },
      { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
    ])
  })

  it('turns an Update entry of its own into an Apply entry', () => {
    const object = live(entry('deploy@one', 'Update', data('x')))
    expect(isManagedBy(object, 'deploy@one')).toBe(true)
    expect(ownershipPatch(object, 'deploy@one')?.[0]).toMatchObject({ value: [{ operation: 'Apply' }] })
  })
})
