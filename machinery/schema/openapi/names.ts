/** Names of OpenAPI definitions and operations. Upstream: apiserver pkg/endpoints/openapi/openapi.go. */
import { schemaFacts } from '../facts.ts'

const SPECIAL_PACKAGES = new Map<string, string>([
  ['meta/v1', 'io.k8s.apimachinery.pkg.apis.meta.v1'],
  ['apiextensions/v1', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'],
  ['apiregistration/v1', 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1'],
  ['metrics/v1beta1', 'io.k8s.metrics.pkg.apis.metrics.v1beta1'],
])

/** Definitions of the types that have a JSON form of their own. */
const SPECIAL_TYPES = new Map<string, string>([
  ['Time', 'io.k8s.apimachinery.pkg.apis.meta.v1.Time'],
  ['MicroTime', 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime'],
  ['Duration', 'io.k8s.apimachinery.pkg.apis.meta.v1.Duration'],
  ['FieldsV1', 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1'],
  ['Quantity', 'io.k8s.apimachinery.pkg.api.resource.Quantity'],
  ['IntOrString', 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'],
  ['RawExtension', 'io.k8s.apimachinery.pkg.runtime.RawExtension'],
  ['JSON', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON'],
  ['SchemaOrArray', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray'],
  ['SchemaOrBool', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool'],
  ['SchemaOrStrings', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray'],
])

/** The definition of a facts type; undefined for scalars. */
export function definitionName(type: string): string | undefined {
  const special = SPECIAL_TYPES.get(type)
  if (special !== undefined) return special
  const dot = type.indexOf('.')
  if (dot < 0) return undefined
  const pkg = type.slice(0, dot)
  return `${SPECIAL_PACKAGES.get(pkg) ?? `io.k8s.api.${pkg.replace('/', '.')}`}${type.slice(dot)}`
}

/**
 * Custom kinds are named by their group turned round: `com.example.stable.v1.CronTab`. One that would take the name of a
 * built-in type's definition is called otherwise, as kube-openapi renames what it merges.
 */
export function customDefinitionName(group: string, version: string, kind: string): string {
  const name = `${group.split('.').reverse().join('.')}.${version}.${kind}`
  return isBuiltInName(name) ? `${name}_v2` : name
}

const BUILT_IN_PREFIX = 'io.k8s.'
let builtInNames: ReadonlySet<string | undefined> | undefined

function isBuiltInName(name: string): boolean {
  if (!name.startsWith(BUILT_IN_PREFIX)) return false
  builtInNames ??= new Set(Object.keys(schemaFacts().file.types).map(definitionName))
  return builtInNames.has(name)
}

/** `RbacAuthorizationV1`, the part of operation ids that names the group version. */
export function operationGroup(group: string, version: string): string {
  return groupWords(group).map(capitalized).join('') + capitalized(version)
}

/** `rbacAuthorization_v1`. */
export function tagOf(group: string, version: string): string {
  const [first = '', ...rest] = groupWords(group)
  return `${first}${rest.map(capitalized).join('')}_${version}`
}

function groupWords(group: string): string[] {
  return (group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')).split(/[.-]/)
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
