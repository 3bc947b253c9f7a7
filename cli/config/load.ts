/**
 * Effective configuration: command line over environment over config file(s) over defaults; every problem is reported with
 * the flag, variable or file key it came from. Merge rules as k3s: a later file replaces a key, `key+` appends to a list.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from '#machinery/util/json.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { CliError } from '../errors.ts'
import type { FlagSpec, ServerConfig } from './flags.ts'
import { defaultConfigFiles, SERVER_FLAGS } from './flags.ts'

/** A raw value and where it was said, for error messages. */
interface Raw {
  readonly value: unknown
  readonly source: string
}

type RawValues = Map<string, Raw>

export interface ConfigSources {
  /** By flag name; only what was given on the command line. */
  readonly commandLine: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Throws CliError for the first problem. */
export function loadServerConfig(sources: ConfigSources): ServerConfig {
  const specs: readonly FlagSpec[] = SERVER_FLAGS
  const fromEnvironment = environmentValues(specs, sources.environment)
  const given: RawValues = new Map(
    Object.entries(sources.commandLine).map(([name, value]) => [name, { value, source: `--${name}` }]),
  )
  const explicit = given.get('config') ?? fromEnvironment.get('config')
  const merged = new Map([...fileValues(explicit), ...fromEnvironment, ...given])
  const config: Record<string, unknown> = {}
  for (const spec of specs) config[spec.name] = validate(spec, merged.get(spec.name))
  return config as unknown as ServerConfig
}

function environmentValues(specs: readonly FlagSpec[], environment: ConfigSources['environment']): RawValues {
  const values: RawValues = new Map()
  for (const spec of specs) {
    if (spec.env === undefined) continue
    for (const variable of [`KNARR_${spec.env}`, `K3S_${spec.env}`]) {
      const value = environment[variable]
      if (value === undefined || value === '') continue
      values.set(spec.name, { value: spec.kind === 'list' ? [value] : value, source: variable })
      break
    }
  }
  return values
}

function fileValues(explicit: Raw | undefined): RawValues {
  const values: RawValues = new Map()
  const candidates = explicit === undefined ? defaultConfigFiles() : [String(explicit.value)]
  for (const file of candidates) {
    const content = readOptional(file)
    if (content === undefined && explicit !== undefined) {
      throw new CliError(
        'CONFIG_UNREADABLE',
        `${explicit.source}: cannot read ${file}`,
        'Create the file or correct the path.',
      )
    }
    const dropIns = dropInFiles(`${file}.d`)
    if (content === undefined && dropIns.length === 0) continue
    if (content !== undefined) mergeFile(values, file, content)
    for (const dropIn of dropIns) mergeFile(values, dropIn, readFileSync(dropIn, 'utf8'))
    break
  }
  return values
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CliError('CONFIG_UNREADABLE', `cannot read ${file}`, 'Check its permissions.', err)
  }
}

function dropInFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(directory, name))
  } catch {
    return [] // No drop-in folder is the normal case.
  }
}

function mergeFile(values: RawValues, file: string, content: string): void {
  for (const [rawKey, value] of Object.entries(parseFile(file, content))) {
    const appends = rawKey.endsWith('+')
    const key = appends ? rawKey.slice(0, -1) : rawKey
    const spec = SERVER_FLAGS.find((flag) => flag.name === key || ('short' in flag && flag.short === key))
    if (spec === undefined) throw unknownKey(file, key)
    const items = spec.kind === 'list' ? (Array.isArray(value) ? value : [value]).map(String) : value
    const earlier = values.get(spec.name)?.value
    const joined = appends && Array.isArray(earlier) && Array.isArray(items) ? [...earlier, ...items] : items
    values.set(spec.name, { value: joined, source: `${file}: ${rawKey}` })
  }
}

function parseFile(file: string, content: string): Record<string, unknown> {
  const documents = attempt(file, () => parseYamlDocuments(content))
  if (documents.length === 0) return {}
  const value = documents[0]?.value
  if (documents.length > 1 || !isObject(value)) {
    throw new CliError('CONFIG_INVALID', `${file}: must be one YAML mapping`, 'Write it as `flag-name: value` lines.')
  }
  return value
}

function attempt<T>(file: string, parse: () => T): T {
  try {
    return parse()
  } catch (err: unknown) {
    const reason = err instanceof Error ? err.message : String(err)
    throw new CliError('CONFIG_INVALID', `${file}: ${reason}`, 'Correct the YAML.', err)
  }
}

function validate(spec: FlagSpec, raw: Raw | undefined): unknown {
  const result = spec.schema.safeParse(normalise(spec, raw?.value))
  if (result.success) return result.data
  const reason = result.error.issues.map((issue) => issue.message).join('; ')
  const source = raw?.source ?? `--${spec.name}`
  throw new CliError(
    'FLAG_INVALID',
    `${source}: ${reason} (got ${JSON.stringify(raw?.value)})`,
    `See knarr server --help for --${spec.name}.`,
  )
}

/** YAML gives numbers and booleans where the command line gives text. */
function normalise(spec: FlagSpec, value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  if (spec.kind === 'list') return (Array.isArray(value) ? value : [value]).map(String)
  if (spec.kind === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return String(value)
  return value
}

function unknownKey(file: string, key: string): CliError {
  const nearest = nearestName(
    key,
    SERVER_FLAGS.map((flag) => flag.name),
  )
  const hint = nearest === undefined ? 'knarr server --help lists the keys.' : `Did you mean "${nearest}"?`
  return new CliError('CONFIG_INVALID', `${file}: unknown key "${key}"`, hint)
}

/** The candidate with the smallest edit distance, when it is close enough to be a typing error. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(2, Math.floor(best.candidate.length / 3))
    ? best.candidate
    : undefined
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution)
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
