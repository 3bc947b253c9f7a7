import { expect, it } from 'vitest'
import { compareGroups, compareVersions } from './priority.ts'

it('puts stable before beta before alpha before anything else, newest first', () => {
  const versions = ['foo1', 'v1alpha1', 'v1', 'v10', 'v2beta2', 'v2', 'v3beta1', 'v2beta10', 'foo10']
  expect(versions.sort(compareVersions)).toEqual([
    'v10',
    'v2',
    'v1',
    'v3beta1',
    'v2beta10',
    'v2beta2',
    'v1alpha1',
    'foo1',
    'foo10',
  ])
})

it('puts the built-in groups in upstream order before all others', () => {
  const groups = ['zoo.example.com', 'batch', 'apps', 'a.example.com', '']
  expect(groups.sort(compareGroups)).toEqual(['', 'apps', 'batch', 'a.example.com', 'zoo.example.com'])
})
