/**
 * Merges Swagger 2.0 documents of several servers into one: paths that are there stay, definitions and parameters of one name
 * that differ are renamed. Upstream: kube-openapi pkg/aggregator/aggregator.go.
 */
import { deepCopy, deepEqual, isObject } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import { objectOf, visitParameter, visitPathItem, visitSchema } from './references.ts'

const KINDS = 'x-kubernetes-group-version-kind'
const SECTIONS = ['definitions', 'parameters'] as const

type Section = (typeof SECTIONS)[number]

/**
 * A document of the paths that begin with the prefix, and of the definitions and parameters these need. Shares what it keeps
 * with `document`.
 */
export function pathsUnder(document: JsonObject, prefix: string): JsonObject {
  return withPaths(document, (path) => path.startsWith(prefix))
}

function withPaths(document: JsonObject, isKept: (path: string) => boolean): JsonObject {
  const before = usedNames(document)
  const paths = Object.fromEntries(Object.entries(objectOf(document['paths']) ?? {}).filter(([path]) => isKept(path)))
  const kept: JsonObject = { ...document, paths }
  const after = usedNames(kept)
  for (const section of SECTIONS) {
    const members = objectOf(document[section])
    if (members === undefined) continue
    // What nobody used before is not unused because of the paths that went.
    const entries = Object.entries(members).filter(
      ([name]) => isPlainName(name) && (after[section].has(name) || !before[section].has(name)),
    )
    kept[section] = Object.fromEntries(entries)
  }
  return kept
}

/** `__proto__` is no name of a definition. */
function isPlainName(name: string): boolean {
  return name !== '__proto__'
}

function usedNames(document: JsonObject): Record<Section, Set<string>> {
  const used = { definitions: new Set<string>(), parameters: new Set<string>() }
  const visit = (_: JsonObject, reference: string): void => {
    const [section, name] = partsOf(reference)
    if (section === undefined || used[section].has(name)) return
    used[section].add(name)
    const members = objectOf(document[section])
    const target = members !== undefined && Object.hasOwn(members, name) ? objectOf(members[name]) : undefined
    if (target === undefined) return
    if (section === 'definitions') visitSchema(target, visit)
    else visitParameter(target, visit)
  }
  for (const item of Object.values(objectOf(document['paths']) ?? {})) {
    if (isObject(item)) visitPathItem(item as JsonObject, visit)
  }
  return used
}

function partsOf(reference: string): [Section | undefined, string] {
  const section = SECTIONS.find((candidate) => reference.startsWith(`#/${candidate}/`))
  return [section, section === undefined ? '' : reference.slice(section.length + 3)]
}

/** Adds `source`, which is left as it is, to `target`. */
export function mergeDocument(target: JsonObject, source: JsonObject): void {
  const paths = sectionOf(target, 'paths')
  const offered = Object.keys(objectOf(source['paths']) ?? {})
  const isNew = (path: string): boolean => !Object.hasOwn(paths, path)
  if (!offered.some(isNew)) return
  const added = renamed(offered.every(isNew) ? source : withPaths(source, isNew), target)
  for (const section of SECTIONS) {
    const additions = objectOf(added[section]) ?? {}
    if (Object.keys(additions).length === 0) continue
    const members = sectionOf(target, section)
    for (const [name, value] of Object.entries(additions)) {
      if (!isPlainName(name)) continue
      const existing = Object.hasOwn(members, name) ? members[name] : undefined
      members[name] = existing === undefined ? value : withKindsOf(existing, value)
    }
  }
  for (const [path, item] of Object.entries(objectOf(added['paths']) ?? {})) if (isPlainName(path)) paths[path] = item
}

function sectionOf(document: JsonObject, name: string): JsonObject {
  const known = objectOf(document[name])
  if (known !== undefined) return known
  const section: JsonObject = {}
  document[name] = section
  return section
}

/** The source itself when nothing of it is called like something else in the target. */
function renamed(source: JsonObject, target: JsonObject): JsonObject {
  const definitions = conflicts(source, target, 'definitions')
  const parameters = conflicts(source, target, 'parameters')
  if (definitions.size === 0 && parameters.size === 0) return source
  const names = { definitions, parameters }
  const copy = deepCopy<JsonObject>(source)
  const rename = (holder: JsonObject, reference: string): void => {
    const [section, name] = partsOf(reference)
    const next = section === undefined ? undefined : names[section].get(name)
    if (next !== undefined) holder['$ref'] = `#/${section}/${next}`
  }
  for (const item of Object.values(objectOf(copy['paths']) ?? {}))
    if (isObject(item)) visitPathItem(item as JsonObject, rename)
  for (const section of SECTIONS) {
    const visit = section === 'definitions' ? visitSchema : visitParameter
    const entries = Object.entries(objectOf(copy[section]) ?? {})
    for (const [, value] of entries) if (isObject(value)) visit(value as JsonObject, rename)
    if (entries.length > 0)
      copy[section] = Object.fromEntries(entries.map(([name, value]) => [names[section].get(name) ?? name, value]))
  }
  return copy
}

/** Old name → `name_v2`, `name_v3`…: one that has the same content already, or one nobody has. */
function conflicts(source: JsonObject, target: JsonObject, section: Section): ReadonlyMap<string, string> {
  const offered = objectOf(source[section]) ?? {}
  const members = objectOf(target[section]) ?? {}
  const taken = new Set(Object.keys(members))
  const names = new Map<string, string>()
  for (const [name, value] of Object.entries(offered)) {
    if (!Object.hasOwn(members, name) || isSame(members[name], value)) continue
    let number = 2
    const candidate = (): string => `${name}_v${number}`
    while (Object.hasOwn(members, candidate()) && !isSame(members[candidate()], value)) number++
    if (!Object.hasOwn(members, candidate())) {
      while (taken.has(candidate()) || Object.hasOwn(offered, candidate())) number++
      taken.add(candidate())
    }
    names.set(name, candidate())
  }
  return names
}

/** Apart from the kinds they are used for. */
function isSame(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (!isObject(a) || !isObject(b)) return deepEqual(a, b)
  return deepEqual({ ...a, [KINDS]: undefined }, { ...b, [KINDS]: undefined })
}

/** The kinds of both, in the order of group, version and kind when there are new ones. */
function withKindsOf(existing: JsonValue, other: JsonValue): JsonValue {
  if (!isObject(existing) || !isObject(other) || !Array.isArray(other[KINDS])) return existing
  const own = Array.isArray(existing[KINDS]) ? (existing[KINDS] as JsonValue[]) : []
  const seen = new Set(own.map(kindKey))
  const added = (other[KINDS] as JsonValue[]).filter((kind) => !seen.has(kindKey(kind)))
  if (added.length === 0) return existing as JsonObject
  const kinds = [...own, ...added].sort((a, b) => (kindKey(a) < kindKey(b) ? -1 : 1))
  return { ...(existing as JsonObject), [KINDS]: kinds }
}

function kindKey(kind: JsonValue): string {
  return isObject(kind) ? `${kind['group']}/${kind['version']}.${kind['kind']}` : ''
}
