// Helm's own template functions. Upstream: helm pkg/engine/{engine,funcs}.go (e9b85e4).

import { quote } from '../gofmt/quote.ts'
import { GoError, isStackOverflow } from '../gotypes/error.ts'
import { defineFunc, type GoFunc, type GoValue, isMap } from '../gotypes/value.ts'
import { warnWrap } from '../template/errors.ts'
import { withState } from '../template/functions.ts'
import type { State } from '../template/state.ts'
import { toYamlV2 } from '../yaml/emit-v2.ts'
import { toYamlV3 } from '../yaml/emit-v3.ts'
import { jsonKind, parseJson, toJson } from '../yaml/json.ts'
import { parseYaml } from '../yaml/parse.ts'
import { toToml } from '../yaml/toml.ts'
import { parseToml } from '../yaml/toml-parse.ts'
import { renderText } from './tpl.ts'

const NO_VALUE = '<no value>'

/** Helm's work-around for text/template printing missing values. */
export function dropNoValue(text: string): string {
  return text.includes(NO_VALUE) ? text.replaceAll(NO_VALUE, '') : text
}

function include(state: State, name: string, data: GoValue): string {
  const depth = state.includeDepth.get(name) ?? 0
  if (depth > state.environment.limits.depth) throw nestedReference(name)
  const template = state.templates.get(name)
  if (template === undefined) throw new GoError(`template: no template ${quote(name)} associated with template "gotpl"`)
  state.includeDepth.set(name, depth + 1)
  try {
    return state.capture(template, data === null ? undefined : data)
  } catch (error) {
    // The JS stack may end before Helm's limit is reached; both mean runaway recursion.
    if (isStackOverflow(error)) throw nestedReference(name)
    throw error
  } finally {
    state.includeDepth.set(name, depth)
  }
}

function nestedReference(name: string): GoError {
  return new GoError(`rendering template has a nested reference name: ${name}: unable to execute template`)
}

function required(message: string, value: GoValue): GoValue {
  if (value === null || value === undefined || value === '') throw new GoError(warnWrap(message))
  return value
}

function fail(message: string): string {
  throw new GoError(warnWrap(message))
}

function trimOneLineBreak(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

function orEmpty(encode: (value: GoValue) => string): (value: GoValue) => string {
  return (value) => {
    try {
      return encode(value)
    } catch (error) {
      if (isStackOverflow(error)) throw error
      return '' // The forms without must drop the error.
    }
  }
}

const yaml = (value: GoValue): string => trimOneLineBreak(toYamlV2(value))
const pretty = (value: GoValue): string => trimOneLineBreak(toYamlV3(value))

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** sigs.k8s.io/yaml wraps both parse and conversion errors the same way. */
function parseAsJson(text: string): GoValue {
  try {
    return parseYaml(text)
  } catch (error) {
    throw new GoError(`error converting YAML to JSON: ${messageOf(error)}`)
  }
}

function mapOrError(parse: (text: string) => GoValue, prefix: string): (text: string) => GoValue {
  return (text) => {
    try {
      const value = parse(text)
      if (value === null || value === undefined) return new Map()
      if (isMap(value)) return value
      throw new GoError(
        `${prefix}json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`,
      )
    } catch (error) {
      return new Map<string, GoValue>([['Error', messageOf(error)]])
    }
  }
}

function arrayOrError(parse: (text: string) => GoValue, prefix: string): (text: string) => GoValue {
  return (text) => {
    try {
      const value = parse(text)
      if (value === null || value === undefined) return []
      if (Array.isArray(value)) return value
      throw new GoError(`${prefix}json: cannot unmarshal ${jsonKind(value)} into Go value of type []interface {}`)
    } catch (error) {
      return [messageOf(error)]
    }
  }
}

function toTomlOrMessage(value: GoValue): string {
  try {
    return toToml(value)
  } catch (error) {
    return messageOf(error)
  }
}

function lookup(state: State, apiVersion: string, kind: string, namespace: string, name: string): GoValue {
  return state.environment.lookup(apiVersion, kind, namespace, name)
}

const UNMARSHAL = 'error unmarshaling JSON: while decoding JSON: '

export const HELM_FUNCTIONS: readonly GoFunc[] = [
  withState(defineFunc('include', 'string, any', 'string', include)),
  withState(
    defineFunc('tpl', 'string, any', 'string', (state: State, text: string, data: GoValue) =>
      dropNoValue(renderText(state, text, data)),
    ),
  ),
  defineFunc('required', 'string, any', 'any', required),
  defineFunc('fail', 'string', 'string', fail),
  withState(defineFunc('lookup', 'string, string, string, string', 'map', lookup)),
  defineFunc('toYaml', 'any', 'string', orEmpty(yaml)),
  defineFunc('mustToYaml', 'any', 'string', yaml),
  defineFunc('toYamlPretty', 'any', 'string', orEmpty(pretty)),
  defineFunc('fromYaml', 'string', 'map', mapOrError(parseAsJson, UNMARSHAL)),
  defineFunc('fromYamlArray', 'string', 'list', arrayOrError(parseAsJson, UNMARSHAL)),
  defineFunc(
    'toJson',
    'any',
    'string',
    orEmpty((value) => toJson(value)),
  ),
  defineFunc('mustToJson', 'any', 'string', (value: GoValue) => toJson(value)),
  defineFunc('fromJson', 'string', 'map', mapOrError(parseJson, '')),
  defineFunc('mustFromJson', 'string', 'any', parseJson),
  defineFunc('fromJsonArray', 'string', 'list', arrayOrError(parseJson, '')),
  defineFunc('toToml', 'any', 'string', toTomlOrMessage),
  defineFunc('mustToToml', 'any', 'string', toToml),
  defineFunc('fromToml', 'string', 'map', mapOrError(parseToml, '')),
  defineFunc('getHostByName', 'string', 'string', () => ''),
]
