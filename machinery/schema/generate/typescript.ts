/**
 * Writes the TypeScript types of one Go package (types.gen.ts). Shared meta types come from the hand-written meta/v1.ts,
 * kinds extend KubeObject, lists are KubeList.
 */
import type { GoModel } from './go-model.ts'
import { META_PATH } from './go-model.ts'
import type { GoField, GoPackage, GoType } from './go-source.ts'
import { marker } from './go-source.ts'

const META_MODULE = '#machinery/api/meta/v1.ts'
const META_GENERATED_MODULE = '#machinery/api/meta/v1.gen.ts'

/** Types of meta/v1.ts. */
const HAND_WRITTEN: ReadonlySet<string> = new Set([
  'ObjectMeta',
  'TypeMeta',
  'OwnerReference',
  'ManagedFieldsEntry',
  'ListMeta',
  'LabelSelector',
  'LabelSelectorRequirement',
  'Condition',
  'Status',
  'StatusDetails',
  'StatusCause',
  'DeleteOptions',
  'Preconditions',
])
/** metav1 types nobody sees on the wire as an object of their own. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'Time',
  'MicroTime',
  'FieldsV1',
  'Duration',
  'InternalEvent',
  'WatchEvent',
  'List',
  'Timestamp',
  'Verbs',
  'Patch',
])

const SCALARS = new Map<string, string>([
  ['string', 'string'],
  ['boolean', 'boolean'],
  ['int32', 'number'],
  ['int64', 'number'],
  ['uint8', 'number'],
  ['uint32', 'number'],
  ['uint64', 'number'],
  ['float', 'number'],
  ['double', 'number'],
  ['bytes', 'string'],
  ['Time', 'string'],
  ['MicroTime', 'string'],
  ['Duration', 'string'],
  ['Quantity', 'string'],
  ['IntOrString', 'number | string'],
  ['RawExtension', 'unknown'],
  ['FieldsV1', 'unknown'],
  ['JSON', 'unknown'],
])

export function typeScriptFile(model: GoModel, name: string): string {
  const path = model.names.get(name)
  const pkg = model.packages.find((candidate) => candidate.path === path)
  if (pkg === undefined) throw new Error(`no package ${name}`)
  const writer = new FileWriter(model, pkg)
  const declarations = [...pkg.types.values()]
    .filter((type) => type.underlying === undefined && !isLeftOut(pkg, type))
    .map((type) => writer.declaration(type))
  const header = '// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.\n'
  return `${header}${writer.imports()}\n${declarations.join('\n')}`
}

function isLeftOut(pkg: GoPackage, type: GoType): boolean {
  if (pkg.path === META_PATH) return HAND_WRITTEN.has(type.name) || LEFT_OUT.has(type.name)
  return pkg.path.includes('apiextensions') && type.name === 'JSON'
}

class FileWriter {
  readonly #model: GoModel
  readonly #pkg: GoPackage
  readonly #imports = new Map<string, Set<string>>()

  constructor(model: GoModel, pkg: GoPackage) {
    this.#model = model
    this.#pkg = pkg
  }

  imports(): string {
    return [...this.#imports]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([module, names]) => `import type { ${[...names].sort().join(', ')} } from '${module}'\n`)
      .join('')
  }

  #import(module: string, name: string): string {
    const names = this.#imports.get(module) ?? new Set()
    this.#imports.set(module, names.add(name))
    return name
  }

  declaration(type: GoType): string {
    const union = UNIONS.get(type.name)
    if (union !== undefined && this.#pkg.path.includes('apiextensions')) return `export type ${type.name} = ${union}\n`
    const isRoot = type.fields.some((field) => field.isInline && field.type.endsWith('TypeMeta'))
    const items = isRoot ? type.fields.find((field) => field.json === 'items') : undefined
    if (items !== undefined) {
      const element = this.#typeOf(items, type).replace(/\[\]$/, '')
      return `export type ${type.name} = ${this.#import(META_MODULE, 'KubeList')}<${element}>\n`
    }
    const parents = isRoot ? [this.#import(META_MODULE, 'KubeObject')] : []
    const members: string[] = []
    for (const field of type.fields) {
      if (field.isInline) {
        if (!field.type.endsWith('TypeMeta')) parents.push(this.#typeOf(field, type))
      } else if (!(isRoot && field.json === 'metadata')) {
        members.push(this.#member(field, type, isRoot))
      }
    }
    const heritage = parents.length === 0 ? '' : ` extends ${parents.join(', ')}`
    return `export interface ${type.name}${heritage} {\n${members.join('')}}\n`
  }

  #member(field: GoField, owner: GoType, isRoot: boolean): string {
    const isPointer = field.type.startsWith('*')
    let isOptional = field.omits || isPointer || marker(field.markers, 'optional') !== undefined
    if (isRoot && field.json === 'spec' && !isPointer) isOptional = false
    if (isRoot && field.json === 'status') isOptional = true
    const name = /^[A-Za-z_$][\w$]*$/.test(field.json) ? field.json : `'${field.json}'`
    return `  ${name}${isOptional ? '?' : ''}: ${this.#typeOf(field, owner)}\n`
  }

  #typeOf(field: GoField, owner: GoType): string {
    return this.#expression(this.#model.resolve(field.type, owner, this.#pkg).expression)
  }

  #expression(expression: string): string {
    if (expression.startsWith('[]')) {
      const element = this.#expression(expression.slice(2))
      return element.includes(' ') ? `(${element})[]` : `${element}[]`
    }
    if (expression.startsWith('{}')) return `Record<string, ${this.#expression(expression.slice(2))}>`
    const scalar = SCALARS.get(expression)
    if (scalar !== undefined) return scalar
    const special = SPECIAL_STRUCTS.get(expression)
    if (special !== undefined) return special
    const [name = '', type = ''] = expression.split('.')
    if (name === 'meta/v1' && HAND_WRITTEN.has(type)) return this.#import(META_MODULE, type)
    if (this.#model.names.get(name) === this.#pkg.path) return type
    const module = name === 'meta/v1' ? META_GENERATED_MODULE : `#machinery/api/${name}/types.gen.ts`
    return this.#import(module, type)
  }
}

/** Go structs whose JSON form is one of several types. */
const UNIONS = new Map<string, string>([
  ['JSONSchemaPropsOrArray', 'JSONSchemaProps | JSONSchemaProps[]'],
  ['JSONSchemaPropsOrBool', 'JSONSchemaProps | boolean'],
  ['JSONSchemaPropsOrStringArray', 'JSONSchemaProps | string[]'],
])

const SPECIAL_STRUCTS = new Map<string, string>([
  ['SchemaOrArray', 'JSONSchemaPropsOrArray'],
  ['SchemaOrBool', 'JSONSchemaPropsOrBool'],
  ['SchemaOrStrings', 'JSONSchemaPropsOrStringArray'],
])
