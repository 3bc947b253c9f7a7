/** Strategic merge metadata of built-in types, from the facts. Upstream: the patchStrategy and patchMergeKey struct tags. */
import type { FactField } from './facts.ts'
import { schemaFacts } from './facts.ts'
import type { StrategicMergeField, StrategicMergeSchema } from './interfaces.ts'

const schemas = new Map<string, StrategicMergeSchema>()

export function strategicMergeSchemaOf(type: string): StrategicMergeSchema {
  const known = schemas.get(type)
  if (known !== undefined) return known
  let fields: Map<string, StrategicMergeField | undefined> | undefined
  const schema: StrategicMergeSchema = {
    field(name) {
      fields ??= new Map((schemaFacts().fieldsOf(type) ?? []).map((fact) => [fact[0], fieldOf(fact)]))
      return fields.get(name)
    },
  }
  schemas.set(type, schema)
  return schema
}

function fieldOf([, expression, , , extra]: FactField): StrategicMergeField | undefined {
  const isList = expression.startsWith('[]')
  const isMap = expression.startsWith('{}')
  const inner = expression.replace(/^(\[\]|\{\})/, '')
  const isStruct = schemaFacts().fieldsOf(inner) !== undefined
  if (!isList && !isMap && !isStruct) return undefined
  return {
    strategies: (extra?.patchStrategy?.split(',') ?? []) as StrategicMergeField['strategies'],
    mergeKey: extra?.patchMergeKey,
    isList,
    isMap,
    element: isStruct ? strategicMergeSchemaOf(inner) : undefined,
  }
}
