/** Turns the Go model into facts.gen.json. The shape is described where it is read: ../facts.ts. */
import type { FactField, FactFieldExtra, FactsFile } from '../facts.ts'
import type { GoModel, ResolvedType } from './go-model.ts'
import { META_PATH } from './go-model.ts'
import type { GoField, GoPackage, GoType } from './go-source.ts'
import { marker, markerValues } from './go-source.ts'

/** metav1 types that stand for themselves in the wire format; the decoder knows them by name. */
const NOT_STRUCTS: ReadonlySet<string> = new Set([
  'Time',
  'MicroTime',
  'Duration',
  'FieldsV1',
  'Timestamp',
  'InternalEvent',
])

export function buildFacts(model: GoModel, kubernetesVersion: string): FactsFile {
  const types: [string, FactField[]][] = []
  const kinds: [string, string, string, string][] = []
  const enums = new Map<string, readonly string[]>()
  const structTypes: [string, string][] = []
  for (const pkg of model.packages) {
    for (const type of pkg.types.values()) {
      if (type.underlying !== undefined || isSpecial(pkg, type)) continue
      const name = model.nameOf(pkg, type.name)
      types.push([name, fieldsOf(model, pkg, type, enums)])
      const structType = marker(type.markers, 'structType')
      if (structType !== undefined) structTypes.push([name, structType])
      const isKind = type.fields.some((field) => field.isInline && /(^|\.)TypeMeta$/.test(field.type))
      if (isKind && type.name !== 'TypeMeta') kinds.push([groupOf(pkg), versionOf(pkg), type.name, name])
    }
  }
  const byName = (a: readonly string[], b: readonly string[]): number => compare(a.join('/'), b.join('/'))
  return {
    kubernetes: kubernetesVersion,
    kinds: kinds.sort(byName),
    enums: Object.fromEntries([...enums].sort(([a], [b]) => compare(a, b))),
    structTypes: Object.fromEntries(structTypes.sort(([a], [b]) => compare(a, b))),
    types: Object.fromEntries(types.sort(([a], [b]) => compare(a, b))),
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function isSpecial(pkg: GoPackage, type: GoType): boolean {
  if (pkg.path === META_PATH) return NOT_STRUCTS.has(type.name)
  return pkg.path.includes('apiextensions') && (type.name === 'JSON' || type.name.startsWith('JSONSchemaPropsOr'))
}

/** metav1's own kinds (Status, DeleteOptions…) are served in every group; they are filed under the core one. */
function groupOf(pkg: GoPackage): string {
  return pkg.path === META_PATH ? '' : pkg.groupName
}

function versionOf(pkg: GoPackage): string {
  return pkg.path.slice(pkg.path.lastIndexOf('/') + 1)
}

function fieldsOf(model: GoModel, pkg: GoPackage, type: GoType, enums: Map<string, readonly string[]>): FactField[] {
  return type.fields.flatMap((field) => {
    if (!field.isInline) return [fieldFact(model, pkg, type, field, enums)]
    const target = model.structOf(field.type, type, pkg)
    if (target.type.name === 'TypeMeta') return typeMetaFields()
    // Protobuf nests an inlined struct in a field of its own; the JSON form does not show it.
    const outer = protoNumber(field)
    const struct = model.nameOf(target.pkg, target.type.name)
    return fieldsOf(model, target.pkg, target.type, enums).map(
      ([name, expression, number, flags, extra]): FactField => {
        const nested: FactFieldExtra = { ...extra, inline: [target.type.name, outer, struct] }
        return [name, expression, number, flags, nested]
      },
    )
  })
}

function typeMetaFields(): FactField[] {
  return [
    ['kind', 'string', 0, 'o'],
    ['apiVersion', 'string', 0, 'o'],
  ]
}

function fieldFact(
  model: GoModel,
  pkg: GoPackage,
  owner: GoType,
  field: GoField,
  enums: Map<string, readonly string[]>,
): FactField {
  const resolved = model.resolve(field.type, owner, pkg)
  const extra = extraOf(model, pkg, owner, field, resolved)
  if (resolved.enumType !== undefined) enums.set(resolved.enumType, enumValues(model, resolved.enumType))
  const isMarkedOptional =
    marker(field.markers, 'optional') !== undefined || marker(field.markers, 'k8s:optional') !== undefined
  const isMarkedRequired =
    marker(field.markers, 'required') !== undefined || marker(field.markers, 'k8s:required') !== undefined
  const isRequired = isMarkedOptional ? false : isMarkedRequired || !field.omits
  const flags = `${isRequired ? 'r' : ''}${field.omits ? 'o' : ''}${resolved.isPointer ? 'p' : ''}`
  const fact: FactField = [field.json, resolved.expression, protoNumber(field), flags]
  return extra === undefined ? fact : [...fact, extra]
}

function protoNumber(field: GoField): number {
  return Number(/^\w+,(\d+)/.exec(field.tags.get('protobuf') ?? '')?.[1] ?? 0)
}

function extraOf(
  model: GoModel,
  pkg: GoPackage,
  owner: GoType,
  field: GoField,
  resolved: ResolvedType,
): FactFieldExtra | undefined {
  const markers = [...field.markers, ...resolved.markers]
  const isCollection = /^(\[\]|\{\})/.test(resolved.expression)
  const listType = isCollection ? (marker(markers, 'listType') ?? marker(markers, 'k8s:listType')) : undefined
  const mapType = resolved.expression.startsWith('{}') ? marker(markers, 'mapType') : undefined
  const structType =
    marker(field.markers, 'structType') ?? (isCollection ? undefined : marker(field.markers, 'mapType'))
  const mapKeys = markerValues(markers, 'listMapKey').concat(markerValues(markers, 'k8s:listMapKey'))
  const strategy = field.tags.get('patchStrategy')
  const mergeKey = field.tags.get('patchMergeKey')
  const defaultText = marker(field.markers, 'default')
  const extra: FactFieldExtra = {
    ...(strategy === undefined ? {} : { patchStrategy: strategy }),
    ...(mergeKey === undefined ? {} : { patchMergeKey: mergeKey }),
    ...(listType === undefined ? {} : { listType }),
    ...(listType === 'map' && mapKeys.length > 0 ? { listMapKeys: [...new Set(mapKeys)] } : {}),
    ...(mapType === undefined ? {} : { mapType }),
    ...(structType === undefined ? {} : { structType }),
    ...(defaultText === undefined ? {} : { default: defaultValue(model, pkg, owner, defaultText) }),
    ...(resolved.enumType === undefined ? {} : { enum: resolved.enumType }),
    ...goTypeName(pkg, owner, field, resolved),
  }
  return Object.keys(extra).length === 0 ? undefined : extra
}

/** The name Go's decoder prints, where it is not the type's own: a named string, for one. */
function goTypeName(pkg: GoPackage, owner: GoType, field: GoField, resolved: ResolvedType): { goType?: string } {
  const bare = field.type.replace(/^\*/, '')
  const base = bare.replace(/^(\[\]|map\[[^\]]+\])\*?/, '')
  if (
    /^(string|bool|u?int\d*|float\d+|byte)$/.test(base) ||
    /[./]/.test(resolved.expression.replace(/^(\[\]|\{\})+/, ''))
  )
    return {}
  if (/^[A-Z]|bytes$/.test(resolved.expression)) return {}
  const path =
    bare.includes('.') && !bare.startsWith('map') ? owner.file.imports.get(base.split('.')[0] ?? '') : undefined
  const pkgName = (path ?? pkg.path).slice((path ?? pkg.path).lastIndexOf('/') + 1)
  const qualified = `${pkgName}.${base.slice(base.indexOf('.') + 1)}`
  return {
    goType: bare.startsWith('[]') ? `[]${qualified}` : bare.startsWith('map') ? `map[string]${qualified}` : qualified,
  }
}

function defaultValue(model: GoModel, pkg: GoPackage, owner: GoType, text: string): string | number | boolean {
  const reference = /^ref\((.*)\)$/.exec(text)?.[1]
  if (reference === undefined) return JSON.parse(text) as string | number | boolean
  const name = reference.slice(reference.lastIndexOf('.') + 1)
  const value =
    pkg.values.get(name) ?? model.packages.map((other) => other.values.get(name)).find((v) => v !== undefined)
  if (value === undefined) throw new Error(`${pkg.path}.${owner.name}: cannot resolve +default=${text}`)
  return JSON.parse(value) as string | number | boolean
}

function enumValues(model: GoModel, enumType: string): readonly string[] {
  const [name = '', type = ''] = enumType.split('.')
  const pkg = model.packages.find((candidate) => candidate.path === model.names.get(name))
  const converted = (pkg?.converted ?? [])
    .filter(([convertedType]) => convertedType === type)
    .map(([, constant]) => model.packages.map(({ values }) => values.get(constant)).find((v) => v !== undefined))
    .flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as string]))
  return [...new Set([...(pkg?.constants.get(type) ?? []), ...converted])].sort()
}

/** One line per kind and per field: a new Kubernetes version shows up as a readable diff. */
export function formatFacts(facts: FactsFile): string {
  const list = (items: readonly unknown[], indent: string): string =>
    items.length === 0
      ? '[]'
      : `[\n${items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`
  const record = (entries: readonly [string, string][]): string =>
    `{\n${entries.map(([key, value]) => `    ${JSON.stringify(key)}: ${value}`).join(',\n')}\n  }`
  return `{
  "kubernetes": ${JSON.stringify(facts.kubernetes)},
  "kinds": ${list(facts.kinds, '  ')},
  "enums": ${record(Object.entries(facts.enums).map(([name, values]) => [name, JSON.stringify(values)]))},
  "structTypes": ${record(Object.entries(facts.structTypes).map(([name, value]) => [name, JSON.stringify(value)]))},
  "types": ${record(Object.entries(facts.types).map(([name, fields]) => [name, list(fields, '    ')]))}
}
`
}
