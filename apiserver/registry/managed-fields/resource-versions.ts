/**
 * The versions of a resource as structured merge sees them: the type of each, and the way from one to another by the
 * storage form. Upstream: apimachinery pkg/util/managedfields/internal/versionconverter.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { builtInMergeType } from '#machinery/structured-merge/fact-types.ts'
import type { Versions, VersionType } from '#machinery/structured-merge/managers.ts'
import { customMergeType } from '#machinery/structured-merge/structural-types.ts'
import type { MergeType } from '#machinery/structured-merge/types.ts'
import { deepCopy, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceDefinition, VersionDefinition } from '../generic/interfaces.ts'
import type { ResetFields } from './reset-fields.ts'

/** Stands for the form objects are stored in. */
export const STORED = ''

const types = new WeakMap<VersionDefinition, MergeType>()

function mergeTypeOf(definition: ResourceDefinition, version: VersionDefinition): MergeType {
  let type = types.get(version)
  if (type === undefined) {
    const { group, kind } = definition
    const builtIn = version.openApiSchema === undefined ? builtInMergeType(group, version.version, kind) : undefined
    type = builtIn ?? customMergeType(version.openApiSchema)
    types.set(version, type)
  }
  return type
}

/** Conversions rely on what decoding makes sure of: the structs Go always has are there, nulls are not. */
function complete(type: MergeType, object: Record<string, unknown>): void {
  for (const name of Object.keys(object)) if (object[name] === null) delete object[name]
  for (const [name, { type: member, presence }] of type.map?.fields ?? []) {
    const value = object[name]
    if (isObject(value)) complete(member, value)
    else if (value === undefined && presence === 'always' && member.map !== undefined) {
      const made = {}
      object[name] = made
      complete(member, made)
    }
  }
}

export class ResourceVersions implements Versions {
  readonly #definition: ResourceDefinition
  readonly #resetFields: ResetFields
  readonly #known = new Map<string, VersionType | undefined>()

  /** All types come with the release. */
  readonly areBuiltIn: boolean

  constructor(definition: ResourceDefinition, resetFields: ResetFields) {
    this.areBuiltIn = definition.versions.every(({ openApiSchema }) => openApiSchema === undefined)
    this.#definition = definition
    this.#resetFields = resetFields
  }

  typeOf(apiVersion: string): VersionType | undefined {
    const known = this.#known.get(apiVersion)
    if (known !== undefined) return known
    const version = this.#versionOf(apiVersion)
    if (version === undefined) return undefined
    const type = { type: mergeTypeOf(this.#definition, version), ...this.#resetFields }
    this.#known.set(apiVersion, type)
    return type
  }

  convert(object: object, from: string, to: string): object {
    if (from === to) return object
    const source = this.#versionOf(from)
    const target = this.#versionOf(to)
    if (source?.toStorage === undefined && target?.fromStorage === undefined) return object
    let stored = object
    if (source !== undefined) {
      const copy = deepCopy<KubeObject>(object as KubeObject)
      if (this.areBuiltIn) complete(mergeTypeOf(this.#definition, source), copy as unknown as Record<string, unknown>)
      stored = source.toStorage?.(copy) ?? copy
    }
    return target?.fromStorage?.(stored as DeepReadonly<KubeObject>) ?? stored
  }

  #versionOf(apiVersion: string): VersionDefinition | undefined {
    const { group, versions } = this.#definition
    return versions.find(({ version }) => apiVersionOf({ group, version }) === apiVersion)
  }
}
