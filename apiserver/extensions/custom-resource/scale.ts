/** The scale subresource of custom resources. Upstream: pkg/registry/customresource/{etcd,validator}.go. */
import type { CustomResourceSubresourceScale } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ScaleMapping } from '../../registry/generic/interfaces.ts'
import { customResourceTable } from './table.ts'

const INT32_MAX = 2 ** 31 - 1

const TABLE = customResourceTable([
  { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas' },
  { name: 'Available', type: 'integer', jsonPath: '.status.replicas' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
])

type Scale = DeepReadonly<CustomResourceSubresourceScale>

export function scaleMapping(scale: Scale): ScaleMapping {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = scale
  if (labelSelectorPath === '') return { specReplicasPath, statusReplicasPath, table: TABLE }
  const selector = (object: DeepReadonly<KubeObject>): string => {
    const value = valueAt(object, labelSelectorPath)
    return typeof value === 'string' ? value : ''
  }
  return { specReplicasPath, statusReplicasPath, selector, table: TABLE }
}

export function validateScaleSpec(object: DeepReadonly<KubeObject>, scale: Scale): FieldError[] {
  return validateReplicas(object, scale.specReplicasPath)
}

export function validateScaleStatus(object: DeepReadonly<KubeObject>, scale: Scale): FieldError[] {
  const errors = validateReplicas(object, scale.statusReplicasPath)
  const path = scale.labelSelectorPath ?? ''
  const selector = path === '' ? undefined : valueAt(object, path)
  if (selector !== undefined && typeof selector !== 'string') {
    errors.push(fieldInvalid(path, '', accessorError(path, selector, 'string')))
  }
  return errors
}

function validateReplicas(object: DeepReadonly<KubeObject>, path: string): FieldError[] {
  const replicas = valueAt(object, path)
  if (replicas === undefined) return []
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) {
    return [fieldInvalid(path, 0, accessorError(path, replicas, 'int64'))]
  }
  if (replicas < 0) return [fieldInvalid(path, replicas, 'should be a non-negative integer')]
  return replicas > INT32_MAX ? [fieldInvalid(path, replicas, `should be less than or equal to ${INT32_MAX}`)] : []
}

function accessorError(path: string, value: unknown, goType: string): string {
  const actual = value === null ? '<nil>' : Array.isArray(value) ? '[]interface {}' : goTypeName(value)
  return `${path} accessor error: ${String(value)} is of the type ${actual}, expected ${goType}`
}

function goTypeName(value: unknown): string {
  if (typeof value === 'object') return 'map[string]interface {}'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

/** `.spec.replicas`, dots only. */
function valueAt(object: unknown, path: string): unknown {
  let value = object
  for (const name of path.replace(/^\./, '').split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
  }
  return value
}
