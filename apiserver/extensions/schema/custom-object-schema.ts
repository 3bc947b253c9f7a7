/**
 * One version of a custom resource as the server decodes, defaults and reads it back. The schema is compiled at first use:
 * registering many CRDs at start must be cheap.
 * Upstream: apiextensions-apiserver pkg/apiserver/customresource_handler.go (unstructuredSchemaCoercer, unstructuredDefaulter).
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import type { ObjectSchema } from '#machinery/schema/interfaces.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { compileRules, type RuleNode } from '../rules/compile.ts'
import { applyDefaults } from './defaulting.ts'
import type { SchemaNode } from './node.ts'
import { compileSchema } from './node.ts'
import { coerceEmbedded, coerceObjectMeta } from './object-meta.ts'
import type { SchemaProps } from './props.ts'
import { prune, pruneNulls } from './prune.ts'
import { isPruned, isReadable } from './readable.ts'

/** Deeper values are refused: every walk over an object is recursive. */
const DEPTH_MAX = 500

export class CustomObjectSchema implements ObjectSchema {
  readonly strategicMerge = undefined
  readonly #schema: SchemaProps
  #node: SchemaNode | undefined
  #rules: { readonly root: RuleNode | undefined } | undefined

  constructor(schema: SchemaProps) {
    this.#schema = schema
  }

  get node(): SchemaNode {
    this.#node ??= compileSchema(this.#schema)
    return this.#node
  }

  /** Compiled at the first object that is written. Undefined when the schema has none. */
  get rules(): RuleNode | undefined {
    this.#rules ??= { root: compileRules(this.node) }
    return this.#rules.root
  }

  decode(object: KubeObject): { readonly unknownFields: readonly string[] } {
    if (isDeeperThan(object, DEPTH_MAX)) throw newBadRequest(`exceeded max depth of ${DEPTH_MAX}`)
    const unknownFields: string[] = []
    const problem = coerceObjectMeta(object as unknown as Record<string, unknown>, '', unknownFields)
    if (problem !== undefined) throw newBadRequest(cannotBeHandled(object, problem))
    prune(object, this.node, { isResourceRoot: true, unknownFields })
    pruneNulls(object, this.node)
    const error = coerceEmbedded(object, this.node, unknownFields)
    if (error !== undefined) throw newBadRequest(cannotBeHandled(object, fieldErrorString(error)))
    return { unknownFields: unknownFields.map((path) => `unknown field "${path}"`) }
  }

  /** Defaults may bring members of metadata that no embedded resource has: they go as those of a client do. */
  applyDefaults(object: KubeObject): void {
    applyDefaults(object, this.node)
    if (this.node.hasDefaults) coerceEmbedded(object, this.node)
  }

  /** A stored object as this version shows it: pruned and defaulted. The same object when there is nothing to do. */
  read(object: DeepReadonly<KubeObject>): KubeObject {
    if (isReadable(object, this.node)) return object as KubeObject
    const copy = deepCopy(object) as KubeObject
    this.prune(copy)
    this.applyDefaults(copy)
    return copy
  }

  /** What this version can hold of an object, without its defaults. The same object when that is all of it. */
  known(object: KubeObject): KubeObject {
    if (isPruned(object, this.node)) return object
    const copy = deepCopy(object)
    this.prune(copy)
    return copy
  }

  /** Drops, in place, what this version cannot hold. */
  prune(object: KubeObject): void {
    prune(object, this.node, { isResourceRoot: true })
    pruneNulls(object, this.node)
  }
}

function cannotBeHandled(object: KubeObject, why: string): string {
  const version = object.apiVersion.slice(object.apiVersion.indexOf('/') + 1)
  return `${object.kind} in version "${version}" cannot be handled as a ${object.kind}: ${why}`
}

function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (limit === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(item, limit - 1)) return true
    return false
  }
  for (const name in value) if (isDeeperThan((value as Record<string, unknown>)[name], limit - 1)) return true
  return false
}
