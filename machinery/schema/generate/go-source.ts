/**
 * Reads API types out of Go source text: structs with their tags and markers, named types, string constants. Knows just as
 * much Go as the types.go files of k8s.io/api use.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface GoField {
  /** Empty for an embedded field. */
  readonly name: string
  readonly type: string
  /** `json` tag name; empty when the field is inlined. */
  readonly json: string
  readonly isInline: boolean
  readonly omits: boolean
  readonly tags: ReadonlyMap<string, string>
  readonly markers: readonly string[]
}

export interface GoType {
  readonly name: string
  readonly markers: readonly string[]
  /** Undefined for a struct. */
  readonly underlying: string | undefined
  readonly fields: readonly GoField[]
  readonly file: GoFile
}

export interface GoFile {
  /** Import path by the name it is known under in the file. */
  readonly imports: ReadonlyMap<string, string>
}

export interface GoPackage {
  readonly path: string
  readonly groupName: string
  readonly types: ReadonlyMap<string, GoType>
  /** Values of the string constants of each named type, in source order. */
  readonly constants: ReadonlyMap<string, readonly string[]>
  /** Constants declared by conversion from another package's constant, by type. */
  readonly converted: readonly (readonly [type: string, constant: string])[]
  /** Every string or number constant by name. */
  readonly values: ReadonlyMap<string, string>
}

const SOURCE_FILES = /^(types.*|group_version|condition|micro_time|fields_proto)\.go$/

export function readGoPackage(root: string, path: string): GoPackage {
  const directory = join(root, path)
  const texts = readdirSync(directory)
    .filter((file) => SOURCE_FILES.test(file) && !file.endsWith('_test.go') && !file.includes('swagger_doc'))
    .sort()
    .map((file) => readFileSync(join(directory, file), 'utf8').replace(/^\s*\/\*[\s\S]*?\*\//gm, ''))
  const register = join(directory, 'register.go')
  const groupName = existsSync(register)
    ? (/GroupName\s*=\s*"([^"]*)"/.exec(readFileSync(register, 'utf8'))?.[1] ?? '')
    : ''
  return parseGoPackage(path, groupName, texts)
}

export function parseGoPackage(path: string, groupName: string, texts: readonly string[]): GoPackage {
  const types = new Map<string, GoType>()
  const constants = new Map<string, string[]>()
  const values = new Map<string, string>()
  for (const text of texts) {
    const file: GoFile = { imports: parseImports(text) }
    parseTypes(text, file, types)
    parseConstants(text, constants, values)
  }
  return { path, groupName, types, constants, values, converted: texts.flatMap(convertedConstants) }
}

function parseImports(text: string): Map<string, string> {
  const imports = new Map<string, string>()
  const block = /^import \(([\s\S]*?)^\)/m.exec(text)?.[1] ?? /^import (.*)$/m.exec(text)?.[1] ?? ''
  for (const line of block.split('\n')) {
    const match = /^\s*(\w+)?\s*"([^"]+)"/.exec(line)
    const path = match?.[2]
    if (path !== undefined) imports.set(match?.[1] ?? path.slice(path.lastIndexOf('/') + 1), path)
  }
  return imports
}

function parseTypes(text: string, file: GoFile, types: Map<string, GoType>): void {
  const lines = text.split('\n')
  // Markers may stand in the comment above the type's own, one blank line apart.
  let previous: string[] = []
  let comment: string[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string
    if (line.startsWith('//')) {
      comment.push(line)
      continue
    }
    if (line.trim() === '') {
      if (comment.length > 0) {
        previous = comment
        comment = []
      }
      continue
    }
    const match = /^type (\w+) (=\s*)?(.*)$/.exec(line)
    if (match !== null) {
      const markers = markersOf([...previous, ...comment])
      const [, name = '', , definition = ''] = match
      if (/^struct\s*\{\s*\}?\s*$/.test(definition)) {
        const end = definition.includes('}') ? i : lines.indexOf('}', i)
        types.set(name, { name, markers, underlying: undefined, fields: parseFields(lines.slice(i + 1, end)), file })
        i = Math.max(end, i)
      } else if (!definition.startsWith('interface') && !definition.startsWith('func')) {
        const underlying = definition.replace(/\s*(\/\/.*|`.*`)$/, '').trim()
        types.set(name, { name, markers, underlying, fields: [], file })
      }
    }
    previous = []
    comment = []
  }
}

function parseFields(lines: readonly string[]): GoField[] {
  const fields: GoField[] = []
  let comment: string[] = []
  for (const line of lines) {
    const trimmed = line.trim()
    if (trimmed.startsWith('//')) {
      comment.push(trimmed)
      continue
    }
    const field = trimmed === '' ? undefined : parseField(trimmed, markersOf(comment))
    if (field !== undefined) fields.push(field)
    comment = []
  }
  return fields
}

function parseField(line: string, markers: readonly string[]): GoField | undefined {
  const match = /^(?:(\w+)\s+)?([^\s`]+)(?:\s+`([^`]*)`)?(?:\s*\/\/.*)?$/.exec(line)
  if (match === null) throw new Error(`cannot read the field ${line}`)
  const [, name = '', type = '', tagText = ''] = match
  const tags = new Map<string, string>()
  for (const tag of tagText.matchAll(/(\w+):"((?:[^"\\]|\\.)*)"/g)) tags.set(tag[1] as string, tag[2] as string)
  const [json = '', ...options] = (tags.get('json') ?? '').split(',')
  if (json === '-') return undefined
  const isInline = json === '' && (options.includes('inline') || name === '')
  return {
    name,
    type,
    json: json === '' && !isInline ? name : json,
    isInline,
    omits: options.includes('omitempty') || options.includes('omitzero'),
    tags,
    markers,
  }
}

function markersOf(comment: readonly string[]): string[] {
  return comment.flatMap((line) => /^\/\/\s*\+(\S.*)$/.exec(line)?.[1]?.trim() ?? [])
}

function parseConstants(text: string, constants: Map<string, string[]>, values: Map<string, string>): void {
  for (const match of text.matchAll(/^(?:const)?\s*(\w+)(?:\s+(\w+))?\s*=\s*(?:(\w+)\()?("[^"]*"|\d+)\)?/gm)) {
    const [, name = '', declared, converted, value = ''] = match
    values.set(name, value)
    const type = declared ?? converted
    if (type === undefined || !value.startsWith('"')) continue
    const known = constants.get(type) ?? []
    const text = JSON.parse(value) as string
    if (!known.includes(text)) known.push(text)
    constants.set(type, known)
  }
}

/** `AddressTypeIPv4 = AddressType(v1.IPv4Protocol)`: type name and the constant it takes its value from. */
function convertedConstants(text: string): [type: string, constant: string][] {
  return [...text.matchAll(/^\s*\w+\s*=\s*(\w+)\((?:\w+\.)?([A-Z]\w*)\)/gm)].map((m) => [
    m[1] as string,
    m[2] as string,
  ])
}

/** The value of `+name=value`; empty for a bare `+name`; undefined when absent. */
export function marker(markers: readonly string[], name: string): string | undefined {
  for (const text of markers) {
    if (text === name) return ''
    if (text.startsWith(`${name}=`)) return text.slice(name.length + 1)
  }
  return undefined
}

export function markerValues(markers: readonly string[], name: string): string[] {
  return markers.filter((text) => text.startsWith(`${name}=`)).map((text) => text.slice(name.length + 1))
}
