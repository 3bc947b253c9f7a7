import { describe } from 'vitest'
import type { HorizontalPodAutoscaler } from '#machinery/api/autoscaling/v2/types.gen.ts'
import { changed, validationTable } from '#test/support/validation-table.ts'
import {
  validateHorizontalPodAutoscaler,
  validateHorizontalPodAutoscalerStatus,
  validateHorizontalPodAutoscalerUpdate,
} from './validation.ts'

const METRIC = 'spec.metrics[0]'
const TYPES = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"'
const base: HorizontalPodAutoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'a' },
  spec: {
    minReplicas: 1,
    maxReplicas: 5,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
  },
}

describe('horizontal pod autoscalers', () => {
  validationTable(base, validateHorizontalPodAutoscaler, [
    [
      'no replicas',
      { 'spec.minReplicas': 0, 'spec.maxReplicas': 0 },
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.maxReplicas: Required value: must be set and greater than 0',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    ],
    [
      'more at least than at most',
      { 'spec.minReplicas': 9 },
      ['spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`'],
    ],
    [
      'a target of no group',
      { 'spec.scaleTargetRef': { apiVersion: 'v1', kind: 'Pod', name: '' } },
      [
        'spec.scaleTargetRef.name: Required value',
        'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
      ],
    ],
    [
      'a replication controller',
      { 'spec.scaleTargetRef': { apiVersion: 'v1', kind: 'ReplicationController', name: 'a' } },
      [],
    ],
    [
      'a resource no container has',
      {
        'spec.metrics.0': {
          type: 'ContainerResource',
          containerResource: { name: 'gpus', container: 'c', target: { type: 'Utilization', averageUtilization: 1 } },
        },
      },
      [
        `${METRIC}.containerResource.name: Invalid value: "gpus": must be a standard resource type or fully qualified`,
        `${METRIC}.containerResource.name: Invalid value: "gpus": must be a standard resource for containers`,
      ],
    ],
    [
      'a metric of no type',
      { 'spec.metrics.0': {} },
      [
        `${METRIC}.type: Required value: must specify a metric source type`,
        `${METRIC}.type: Unsupported value: "": ${TYPES}`,
        `${METRIC}.type: Unsupported value: "": ${TYPES}`,
      ],
    ],
    [
      'a metric with the source of another type',
      { 'spec.metrics.0.type': 'Pods' },
      [`${METRIC}.pods: Required value: must populate information for the given metric source`],
    ],
    [
      'a metric with two sources',
      { 'spec.metrics.0.pods': { metric: { name: 'x' }, target: { type: 'AverageValue', averageValue: '1' } } },
      [`${METRIC}.pods: Forbidden: must populate the given metric source only`],
    ],
    [
      'a target that is none',
      { 'spec.metrics.0.resource.target': { type: '', averageUtilization: 0, averageValue: '0' } },
      [
        `${METRIC}.resource.target.type: Required value: must specify a metric target type`,
        `${METRIC}.resource.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue`,
        `${METRIC}.resource.target.averageValue: Invalid value: "0": must be positive`,
        `${METRIC}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
        `${METRIC}.resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization`,
      ],
    ],
    [
      'an external metric without name and target',
      { 'spec.metrics.0': { type: 'External', external: { metric: { name: 'a/b' }, target: { type: 'Value' } } } },
      [
        `${METRIC}.external.metric.name: Invalid value: "a/b": may not contain '/'`,
        `${METRIC}.external.target.averageValue: Required value: must set either a target value for metric or a per-pod target`,
      ],
    ],
    [
      'rules of scaling out of range',
      {
        'spec.behavior.scaleUp': {
          stabilizationWindowSeconds: 3601,
          selectPolicy: 'X',
          policies: [],
          tolerance: '-0.1',
        },
        'spec.behavior.scaleDown': { policies: [{ type: 'X', value: 0, periodSeconds: 1801 }] },
      },
      [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "X": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleUp.policies: Required value: must specify at least one Policy',
        'spec.behavior.scaleUp.tolerance: Invalid value: "-0.1": must be greater than or equal to 0',
        'spec.behavior.scaleDown.policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods"',
        'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      ],
    ],
  ])

  describe('made under older rules', () => {
    const old = changed(base, { 'spec.scaleTargetRef.apiVersion': '' })
    validationTable(old, (next) => validateHorizontalPodAutoscalerUpdate(next, old), [
      ['keep what they were', { 'spec.maxReplicas': 9 }, []],
      [
        'of another kind are new',
        { 'spec.scaleTargetRef.kind': 'Thing' },
        ['spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group'],
      ],
      [
        'below nothing',
        { 'spec.maxReplicas': -1, 'spec.minReplicas': undefined },
        ['spec.maxReplicas: Invalid value: -1: must be greater than or equal to 1'],
      ],
    ])
  })

  describe('that may scale to zero', () => {
    const metrics = [{ type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } }]
    const idle = changed(base, { 'spec.minReplicas': 0, 'spec.metrics': metrics })
    validationTable(idle, (next) => validateHorizontalPodAutoscaler(next, true), [])
    validationTable(base, (next) => validateHorizontalPodAutoscaler(next), [
      [
        'need their gate',
        { 'spec.minReplicas': 0, 'spec.metrics': metrics },
        ['spec.minReplicas: Invalid value: 0: must be greater than or equal to 1'],
      ],
    ])
  })

  describe('status', () => {
    validationTable(base, validateHorizontalPodAutoscalerStatus, [
      [
        'of less than nothing',
        { status: { currentReplicas: -1, desiredReplicas: 0 } },
        ['status.currentReplicas: Invalid value: -1: must be greater than or equal to 0'],
      ],
    ])
  })
})
