import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { RoleBinding } from '#machinery/api/rbac/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { setBindingDefaults } from './defaults.ts'
import { bindingTable } from './table.ts'
import {
  validateClusterRole,
  validateClusterRoleBinding,
  validateRole,
  validateRoleBinding,
  validateSameRoleRef,
} from './validation.ts'

const object = (fields: object): KubeObject => ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, ...fields })
const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorString)
const rbac = 'rbac.authorization.k8s.io'
const clusterRoleRef = { apiGroup: rbac, kind: 'ClusterRole', name: 'view' }

describe('roles', () => {
  it.each([
    [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, []],
    [
      { verbs: [], apiGroups: [''], resources: ['pods'] },
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      { verbs: ['get'] },
      [
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    [
      { verbs: ['get'], nonResourceURLs: ['/x'], apiGroups: ['a'] },
      [
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
    ],
  ])('%j', (rule, expected) => {
    expect(texts(validateRole(object({ rules: [rule] })))).toEqual(expected)
  })

  it('of the cluster may grant paths, and must aggregate something', () => {
    expect(validateClusterRole(object({ rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }))).toEqual([])
    expect(texts(validateClusterRole(object({ aggregationRule: {} })))).toEqual([
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ])
    const bad = { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'a b': 'c' } }] } }
    const odd = { matchExpressions: [{ key: 'a', operator: 'In', values: ['-'] }] }
    const aggregated = object({ aggregationRule: { clusterRoleSelectors: [odd] } })
    expect(validateClusterRole(aggregated, aggregated).map(({ field }) => field)).not.toContain(
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values[0]',
    )
    expect(validateClusterRole(aggregated).map(({ field }) => field)).toContain(
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values[0]',
    )
    expect(validateClusterRole(object(bad))).toHaveLength(2)
  })
})

describe('bindings', () => {
  it('get the API groups of what they name', () => {
    const binding = object({
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'a' },
        { kind: 'ServiceAccount', name: 'b' },
      ],
    })
    setBindingDefaults(binding)
    const { roleRef, subjects } = binding as RoleBinding
    expect(roleRef.apiGroup).toBe(rbac)
    expect(subjects).toEqual([
      { kind: 'User', name: 'a', apiGroup: rbac },
      { kind: 'ServiceAccount', name: 'b' },
    ])
    expect(validateRoleBinding(binding)).toEqual([])
    expect(texts(validateClusterRoleBinding(binding))).toEqual(['subjects[1].namespace: Required value'])
  })

  it.each([
    [
      { roleRef: { ...clusterRoleRef, kind: 'Role' } },
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ],
    [{ roleRef: { ...clusterRoleRef, name: '' } }, 'roleRef.name: Required value'],
    [{ roleRef: { ...clusterRoleRef, name: 'a/b' } }, 'roleRef.name: Invalid value: "a/b": may not contain \'/\''],
    [
      { roleRef: { ...clusterRoleRef, apiGroup: 'x' } },
      `roleRef.apiGroup: Unsupported value: "x": supported values: "${rbac}"`,
    ],
    [
      { roleRef: clusterRoleRef, subjects: [{ kind: 'Robot', name: 'x' }] },
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ],
    [
      { roleRef: clusterRoleRef, subjects: [{ kind: 'User', name: 'x' }] },
      `subjects[0].apiGroup: Unsupported value: "": supported values: "${rbac}"`,
    ],
  ])('%j', (fields, expected) => {
    expect(texts(validateClusterRoleBinding(object(fields)))).toEqual([expected])
  })

  it('cannot be turned to another role', () => {
    const old = object({ roleRef: clusterRoleRef })
    expect(validateSameRoleRef(object({ roleRef: { ...clusterRoleRef } }), old)).toEqual([])
    expect(texts(validateSameRoleRef(object({ roleRef: { ...clusterRoleRef, name: 'edit' } }), old))[0]).toContain(
      'cannot change roleRef',
    )
  })

  it.each([
    ['2026-11-21T05:59:01Z', '59s'],
    ['2026-11-21T05:54:55Z', '5m5s'],
    ['2026-11-21T00:00:00Z', '6h'],
    ['2026-11-18T03:00:00Z', '3d3h'],
    ['2023-11-18T03:00:00Z', '3y4d'],
  ])('show their subjects and age in tables: %s', (creationTimestamp, age) => {
    const subjects = [
      { kind: 'User', name: 'a' },
      { kind: 'Group', name: 'g' },
      { kind: 'ServiceAccount', namespace: 'n', name: 's' },
    ]
    const binding = { ...object({ roleRef: clusterRoleRef, subjects }), metadata: { name: 'x', creationTimestamp } }
    expect(bindingTable.cells(binding, new Date('2026-11-21T06:00:00Z'))).toEqual([
      'x',
      'ClusterRole/view',
      age,
      'a',
      'g',
      'n/s',
    ])
  })
})
