/** Updates of workloads, and the counters of their status. */
import { describe, expect, it } from 'vitest'
import type { ControllerRevision, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { ALL_GATES_OFF } from '../feature-gates.ts'
import { setStatefulSetDefaults } from './defaults.ts'
import {
  DEPLOYMENT_COUNTERS,
  REPLICATION_CONTROLLER_COUNTERS,
  STATEFUL_SET_COUNTERS,
  validateCounters,
} from './status-validation.ts'
import { validateControllerRevisionUpdate, validateStatefulSetUpdate } from './validation.ts'

const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorString)

function statefulSet(image: string, replicas: number): StatefulSet {
  const set: StatefulSet = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'w', namespace: 'ns' },
    spec: {
      replicas,
      serviceName: 'A_',
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image }] } },
      volumeClaimTemplates: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'd' }, spec: {} }],
    },
  }
  setStatefulSetDefaults(set, ALL_GATES_OFF)
  return set
}

describe('updates of stateful sets', () => {
  const missing = 'spec.template.spec.containers[0].image: Required value'
  it.each<[string, StatefulSet, StatefulSet, string[]]>([
    ['what cannot change is not judged', statefulSet('a:1', 1), statefulSet('a:1', 2), []],
    ['a template gets worse', statefulSet('a:1', 1), statefulSet('', 1), [missing]],
    ['a bad template stays', statefulSet('', 1), statefulSet('', 2), []],
    ['a bad template becomes another bad one', statefulSet('', 1), statefulSet(' b', 1), []],
    [
      'replicas are judged all the same',
      statefulSet('', 1),
      statefulSet('', -1),
      ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ],
  ])('%s', (_name, old, next, expected) => {
    expect(texts(validateStatefulSetUpdate(next, old))).toEqual(expected)
  })
})

it('revisions keep their data', () => {
  const old: ControllerRevision = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name: 'r' },
    revision: 1,
    data: 1,
  }
  expect(validateControllerRevisionUpdate(deepCopy<ControllerRevision>(old), old)).toEqual([])
  expect(texts(validateControllerRevisionUpdate({ ...old, data: {} }, old))).toEqual([
    'data: Invalid value: {}: field is immutable',
  ])
})

describe('counters', () => {
  it.each<[string, Parameters<typeof validateCounters>[0], object, string[]]>([
    [
      'of Pods that end',
      DEPLOYMENT_COUNTERS,
      { terminatingReplicas: -1 },
      ['status.terminatingReplicas: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'available before ready',
      STATEFUL_SET_COUNTERS,
      { replicas: 2, availableReplicas: 2, readyReplicas: 1 },
      ['status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas'],
    ],
    [
      'of a replication controller',
      REPLICATION_CONTROLLER_COUNTERS,
      { replicas: 1, availableReplicas: 1, fullyLabeledReplicas: 2 },
      [
        'status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas',
        'status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas',
      ],
    ],
  ])('%s', (_name, rules, status, expected) => {
    expect(texts(validateCounters(rules, status as Record<string, unknown>))).toEqual(expected)
  })
})
