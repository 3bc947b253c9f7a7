// YAML documents → Go values, as sigs.k8s.io/yaml gives them (YAML 1.1, numbers are float64, string keys).
// Key conversion: sigs.k8s.io/yaml.

import { YamlSyntaxError } from '#machinery/util/yaml/error.ts'
import { type YamlMappings, YamlReader, type YamlValue } from '#machinery/util/yaml/reader.ts'
import { formatG } from '../gofmt/float.ts'
import { formatGoSyntax } from '../gofmt/print.ts'
import { GoError } from '../gotypes/error.ts'
import type { GoMap, GoValue } from '../gotypes/value.ts'

const GO_MAPS: YamlMappings<GoMap> = {
  create: () => new Map(),
  isMapping: (value) => value instanceof Map,
  set(map, key, value) {
    map.set(key, value)
  },
  has: (map, key) => map.has(key),
  entries: (map) => map.entries() as IterableIterator<[string, YamlValue<GoMap>]>,
  copy: (value) => copy(value) as YamlValue<GoMap>,
  keyText,
}

/** The first document; later ones are ignored, as yaml.Unmarshal does. */
export function parseYaml(text: string): GoValue {
  return withGoErrors(() => new YamlReader(text, GO_MAPS).document() ?? null)
}

/** Every document of a stream. */
export function parseYamlDocuments(text: string): GoValue[] {
  return withGoErrors(() => {
    const reader = new YamlReader(text, GO_MAPS)
    const documents: GoValue[] = []
    for (let document = reader.document(); document !== undefined; document = reader.document())
      documents.push(document)
    return documents
  })
}

function withGoErrors<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof YamlSyntaxError ? new GoError(error.message) : error
  }
}

function keyText(key: GoValue, value: GoValue): string {
  if (typeof key === 'number')
    return Number.isInteger(key) && Math.abs(key) < 1e21 ? BigInt(key).toString() : formatG(key)
  if (typeof key === 'boolean') return String(key)
  const shown = key === null || key === undefined ? '<nil>' : formatGoSyntax(key)
  const kind = key === null || key === undefined ? '%!s(<nil>)' : key instanceof Map ? 'map' : 'slice'
  throw new GoError(`unsupported map key of type: ${kind}, key: ${shown}, value: ${formatGoSyntax(value)}`)
}

function copy(value: GoValue): GoValue {
  if (Array.isArray(value)) return value.map(copy)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, copy(item)]))
  return value
}
