/** Stage files for simulated nodes: read, parsed, and rendered by the chart engine, which the agent may not import. */
import { readFileSync } from 'node:fs'
import type { Stage, StageRenderer } from '#agent/simulated/index.ts'
import { parseStages, TEMPLATE_FUNCTION_NAMES } from '#agent/simulated/index.ts'
import { compileTemplate, type RenderTemplate } from '#charts/engine/index.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { CliError } from '../errors.ts'

export interface LoadedStages {
  readonly list: readonly Stage[]
  readonly render: StageRenderer
}

/** Throws a CliError that names the file, the stage and the field. Undefined without files. */
export function loadStages(flag: string, files: readonly string[]): LoadedStages | undefined {
  if (files.length === 0) return undefined
  const list = files.flatMap((file) => {
    try {
      return parseStages(parseYamlDocuments(readFileSync(file, 'utf8')).map(({ value }) => value))
    } catch (err: unknown) {
      throw new CliError(
        'CONFIG_INVALID',
        `${flag} ${file}: ${errorMessage(err)}`,
        'docs/simulated-nodes.md lists what a stage may hold.',
        err,
      )
    }
  })
  return { list, render: createStageRenderer() }
}

/** Templates are few and rendered often: each is compiled once. */
function createStageRenderer(): StageRenderer {
  const compiled = new Map<string, RenderTemplate>()
  const tools = { randomBytes: (size: number) => systemRandom.bytes(size), nowMs: () => systemClock.nowMs() }
  return (template, data, functions) => {
    let render = compiled.get(template)
    if (render === undefined) {
      render = compileTemplate(template, TEMPLATE_FUNCTION_NAMES, tools)
      compiled.set(template, render)
    }
    return parseYamlDocuments(render(data, functions))[0]?.value
  }
}
