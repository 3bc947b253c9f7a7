// values.schema.json. Helm reports the errors of the chart and its subcharts together.
// Upstream: helm pkg/chart/common/util/jsonschema.go; the words are those of santhosh-tekuri/jsonschema v6.

import { GoError } from '../gotypes/error.ts'
import { type GoMap, isMap } from '../gotypes/value.ts'
import { parseJson } from '../yaml/json.ts'
import { type SchemaError, SchemaValidator } from './json-schema.ts'
import type { Chart } from './types.ts'

export function validateSchemas(chart: Chart, values: GoMap): void {
  const report = reportOf(chart, values)
  if (report !== '') {
    throw new GoError(`values don't meet the specifications of the schema(s) in the following chart(s):\n${report}`)
  }
}

function reportOf(chart: Chart, values: GoMap): string {
  let report = ''
  if (chart.schema !== undefined && chart.schema.length > 0) {
    const errors = validateOne(chart.schema, values)
    if (errors.length > 0)
      report += `${chart.metadata.name}:\n${errors.map((error) => `${errorText(error, 0)}\n`).join('')}`
  }
  for (const subchart of chart.dependencies) {
    const own = values.get(subchart.metadata.name)
    if (isMap(own)) report += reportOf(subchart, own)
  }
  return report
}

const validators = new WeakMap<Buffer, SchemaValidator>()

function validateOne(schema: Buffer, values: GoMap): SchemaError[] {
  let validator = validators.get(schema)
  if (validator === undefined) {
    let parsed: ReturnType<typeof parseJson>
    try {
      parsed = parseJson(schema.toString('utf8').replace(/^\ufeff/, ''))
    } catch (error) {
      throw new GoError(`unable to parse schema: ${error instanceof Error ? error.message : String(error)}`)
    }
    validator = new SchemaValidator(parsed)
    validators.set(schema, validator)
  }
  return validator.validate(values)
}

function errorText(error: SchemaError, depth: number): string {
  const nested = error.causes.map((cause) => `\n${errorText(cause, depth + 1)}`).join('')
  return `${'  '.repeat(depth)}- at '${error.location}': ${error.message}${nested}`
}
