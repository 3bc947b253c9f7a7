/** The chart part of a release record. Upstream: helm pkg/chart/v2 (json tags). */
import type { JsonObject } from '#machinery/util/types.ts'
import type { Chart, ChartDependency, ChartFile, ChartMetadata } from '../engine/index.ts'
import { goToJson } from '../engine/index.ts'
import type { RecordedChart, RecordedFile } from './record.ts'

export function chartRecord(chart: Chart): RecordedChart {
  return {
    metadata: metadataRecord(chart.metadata),
    lock: chart.lock === null || chart.lock === undefined ? null : (goToJson(chart.lock) as JsonObject),
    templates: chart.templates.map(fileRecord),
    values: goToJson(chart.values) as JsonObject,
    schema: chart.schema === undefined ? null : chart.schema.toString('base64'),
    files: chart.files.map(fileRecord),
  }
}

function fileRecord({ path, data }: ChartFile): RecordedFile {
  return { name: path, data: data.toString('base64') }
}

/** Go leaves empty members out (omitempty). */
function metadataRecord(metadata: ChartMetadata): JsonObject {
  const { annotations, dependencies, maintainers, sources, keywords, deprecated, ...texts } = metadata
  const record: JsonObject = {}
  for (const [name, value] of Object.entries(texts)) if (value !== '') record[name] = value
  if (sources.length > 0) record['sources'] = [...sources]
  if (keywords.length > 0) record['keywords'] = [...keywords]
  if (deprecated) record['deprecated'] = true
  if (annotations.size > 0) record['annotations'] = Object.fromEntries(annotations)
  if (maintainers.length > 0) {
    record['maintainers'] = maintainers.map((person) =>
      Object.fromEntries(Object.entries(person).filter(([, value]) => value !== '')),
    )
  }
  if (dependencies.length > 0) record['dependencies'] = dependencies.map(dependencyRecord)
  return record
}

function dependencyRecord(dependency: ChartDependency): JsonObject {
  const { name, version, repository, condition, tags, enabled, alias } = dependency
  return {
    name,
    repository,
    ...(version !== '' && { version }),
    ...(condition !== '' && { condition }),
    ...(tags.length > 0 && { tags: [...tags] }),
    ...(enabled && { enabled }),
    ...(alias !== '' && { alias }),
  }
}
