/**
 * Resolves Go type expressions across packages to the expressions the facts use: `[]core/v1.Container`, `{}Quantity`,
 * `string`. See ../facts.ts for their grammar.
 */
import type { GoPackage, GoType } from './go-source.ts'
import { parseGoPackage, readGoPackage } from './go-source.ts'
import { KUBE_AGGREGATOR_SOURCE } from './kube-aggregator.ts'

export const META_PATH = 'k8s.io/apimachinery/pkg/apis/meta/v1'
const AGGREGATOR_PATH = 'k8s.io/kube-aggregator/pkg/apis/apiregistration/v1'

/** Import path by facts package name, `core/v1`. */
export type PackageNames = ReadonlyMap<string, string>

/** Types the decoder treats by hand; they have custom JSON forms upstream. */
const SPECIAL = new Map<string, string>([
  [`${META_PATH}.Time`, 'Time'],
  [`${META_PATH}.MicroTime`, 'MicroTime'],
  [`${META_PATH}.Duration`, 'Duration'],
  [`${META_PATH}.FieldsV1`, 'FieldsV1'],
  ['k8s.io/apimachinery/pkg/api/resource.Quantity', 'Quantity'],
  ['k8s.io/apimachinery/pkg/util/intstr.IntOrString', 'IntOrString'],
  ['k8s.io/apimachinery/pkg/runtime.RawExtension', 'RawExtension'],
  ['k8s.io/apimachinery/pkg/runtime.Object', 'RawExtension'],
  ['k8s.io/apimachinery/pkg/types.UID', 'string'],
  ['k8s.io/apimachinery/pkg/types.NodeName', 'string'],
  ['k8s.io/apimachinery/pkg/types.NamespacedName', 'RawExtension'],
  ['k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON', 'JSON'],
  ['k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray', 'SchemaOrArray'],
  ['k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool', 'SchemaOrBool'],
  ['k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray', 'SchemaOrStrings'],
])

const SCALARS = new Map<string, string>([
  ['string', 'string'],
  ['bool', 'boolean'],
  ['int', 'int64'],
  ['int32', 'int32'],
  ['int64', 'int64'],
  ['uint8', 'uint8'],
  ['uint32', 'uint32'],
  ['uint64', 'uint64'],
  ['float32', 'float'],
  ['float64', 'double'],
  ['interface{}', 'JSON'],
  ['any', 'JSON'],
  ['[]byte', 'bytes'],
  ['[]uint8', 'bytes'],
])

export interface ResolvedType {
  readonly expression: string
  readonly isPointer: boolean
  /** Enum type whose constants a string is limited to. */
  readonly enumType: string | undefined
  /** Markers of the named types passed through, outermost first. */
  readonly markers: readonly string[]
}

export class GoModel {
  readonly packages: readonly GoPackage[]
  readonly names: PackageNames
  readonly #byPath: ReadonlyMap<string, GoPackage>
  readonly #nameByPath: ReadonlyMap<string, string>

  constructor(packages: readonly GoPackage[], names: PackageNames) {
    this.packages = packages
    this.names = names
    this.#byPath = new Map(packages.map((pkg) => [pkg.path, pkg]))
    this.#nameByPath = new Map([...names].map(([name, path]) => [path, name]))
  }

  nameOf(pkg: GoPackage, type: string): string {
    return `${this.#nameByPath.get(pkg.path) ?? pkg.path}.${type}`
  }

  /** The package and type a Go identifier means inside `from`. */
  #find(expression: string, from: GoType, pkg: GoPackage): { pkg: GoPackage; type: GoType } | undefined {
    const { path, name } = this.#locate(expression, from, pkg)
    const owner = this.#byPath.get(path)
    const type = owner?.types.get(name)
    return owner === undefined || type === undefined ? undefined : { pkg: owner, type }
  }

  /** The struct an embedded field means, through aliases of other packages. */
  structOf(field: string, from: GoType, pkg: GoPackage): { pkg: GoPackage; type: GoType } {
    const { expression } = this.resolve(field, from, pkg)
    const dot = expression.indexOf('.')
    const owner = this.#byPath.get(this.names.get(expression.slice(0, dot)) ?? '')
    const type = owner?.types.get(expression.slice(dot + 1))
    if (owner === undefined || type === undefined) throw new Error(`${pkg.path}.${from.name}: cannot inline ${field}`)
    return { pkg: owner, type }
  }

  #locate(expression: string, from: GoType, pkg: GoPackage): { path: string; name: string } {
    const dot = expression.indexOf('.')
    if (dot < 0) return { path: pkg.path, name: expression }
    const path = from.file.imports.get(expression.slice(0, dot))
    if (path === undefined) throw new Error(`${pkg.path}: nothing is imported as ${expression}`)
    return { path, name: expression.slice(dot + 1) }
  }

  resolve(goType: string, from: GoType, pkg: GoPackage): ResolvedType {
    if (goType.startsWith('*')) return { ...this.resolve(goType.slice(1), from, pkg), isPointer: true }
    const scalar = SCALARS.get(goType)
    const plain = (expression: string, inner?: ResolvedType): ResolvedType => ({
      expression,
      isPointer: false,
      enumType: inner?.enumType,
      markers: [],
    })
    if (scalar !== undefined) return plain(scalar)
    if (goType.startsWith('[]')) {
      const element = this.resolve(goType.slice(2), from, pkg)
      return plain(`[]${element.expression}`, element)
    }
    const map = /^map\[[^\]]+\](.*)$/.exec(goType)
    if (map !== null) {
      const value = this.resolve(map[1] as string, from, pkg)
      return plain(`{}${value.expression}`, value)
    }
    const { path, name } = this.#locate(goType, from, pkg)
    const special = SPECIAL.get(`${path}.${name}`)
    if (special !== undefined) return plain(special)
    const found = this.#find(goType, from, pkg)
    if (found === undefined) throw new Error(`${pkg.path}: cannot resolve ${goType}`)
    return this.#named(found.pkg, found.type)
  }

  #named(pkg: GoPackage, type: GoType): ResolvedType {
    const name = this.nameOf(pkg, type.name)
    if (type.underlying === undefined) {
      return { expression: name, isPointer: false, enumType: undefined, markers: type.markers }
    }
    const target = this.resolve(type.underlying, type, pkg)
    const isEnum = type.markers.some((text) => text === 'enum' || text === 'k8s:enum')
    const hasConstants = pkg.constants.has(type.name)
    return {
      ...target,
      enumType: target.enumType ?? (isEnum && hasConstants ? name : undefined),
      markers: [...type.markers, ...target.markers],
    }
  }
}

/** Reads every package below the unpacked sources. */
export function readGoModel(sources: string, names: PackageNames): GoModel {
  const packages = [...names.values()].map((path) =>
    path === AGGREGATOR_PATH
      ? parseGoPackage(path, 'apiregistration.k8s.io', [KUBE_AGGREGATOR_SOURCE])
      : readGoPackage(sources, path),
  )
  return new GoModel(packages, names)
}
