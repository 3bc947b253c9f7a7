/**
 * What a write cannot change, whatever it says: the main resource never writes status, /status never spec. Nobody comes to
 * own it that way. Upstream: the strategies' GetResetFields.
 */
import type { FieldSet } from '#machinery/structured-merge/field-set.ts'
import { setOfPaths } from '#machinery/structured-merge/field-set.ts'
import { fieldElement } from '#machinery/structured-merge/path-element.ts'
import type { ResourceDefinition, Strategy } from '../generic/interfaces.ts'

export interface ResetFields {
  /** Top-level members. */
  readonly skipped: ReadonlySet<string>
  readonly hasMetadata: boolean
  readonly reset: FieldSet
}

const TYPE_META = ['apiVersion', 'kind']

export function resetFieldsOf(definition: ResourceDefinition, subresource: string, strategy: Strategy): ResetFields {
  const paths = (strategy.resetFields ?? defaultPaths(definition, subresource)).map((path) => path.split('.'))
  const deep = paths.filter((path) => path.length > 1)
  const whole = paths.filter((path) => path.length === 1).map(([name = '']) => name)
  return {
    skipped: new Set([...TYPE_META, ...whole.filter((name) => name !== 'metadata')]),
    hasMetadata: !whole.includes('metadata'),
    reset: setOfPaths(deep.map((path) => path.map(fieldElement))),
  }
}

function defaultPaths(definition: ResourceDefinition, subresource: string): readonly string[] {
  if (subresource === 'status') return ['spec']
  const hasStatus = definition.subresources.some(({ name }) => name === 'status')
  return hasStatus ? ['status'] : []
}
