/** Schemas of the built-in kinds: decoding, fact defaults and strategic merge metadata, built per kind when first asked for. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import { checkOf, goTypeName } from './decode.ts'
import { DecodeContext, DecodeError, jsonTypeName } from './decode-context.ts'
import { defaulterOf } from './defaults.ts'
import { schemaFacts } from './facts.ts'
import type { ObjectSchema } from './interfaces.ts'
import { strategicMergeSchemaOf } from './strategic-metadata.ts'

const schemas = new Map<string, ObjectSchema>()

/** Undefined: no such built-in kind. metav1's own kinds (Status, DeleteOptions) are in group '' version v1. */
export function builtInSchema(group: string, version: string, kind: string): ObjectSchema | undefined {
  const key = `${group}/${version}/${kind}`
  const known = schemas.get(key)
  if (known !== undefined) return known
  const type = schemaFacts().typeOfKind(group, version, kind)
  if (type === undefined) return undefined
  const schema = newSchema(type, version, kind)
  schemas.set(key, schema)
  return schema
}

const CLEAN = { unknownFields: Object.freeze([]) as readonly string[] } as const
/** Decoding is synchronous, so one context serves all. */
const context = new DecodeContext()

function newSchema(type: string, version: string, kind: string): ObjectSchema {
  const check = checkOf(type)
  const applyDefaults = defaulterOf(type)
  return {
    decode(value: KubeObject) {
      context.reset()
      try {
        if (typeof value !== 'object' || value === null) throw context.typeError(jsonTypeName(value), goTypeName(type))
        check(value, context)
      } catch (err) {
        throw err instanceof DecodeError ? cannotBeHandled(kind, version, err) : err
      }
      const { unknownFields } = context
      return unknownFields === undefined ? CLEAN : { unknownFields }
    },
    applyDefaults(object) {
      applyDefaults?.(object as unknown as Record<string, unknown>)
    },
    strategicMerge: strategicMergeSchemaOf(type),
  }
}

function cannotBeHandled(kind: string, version: string, err: DecodeError): Error {
  return newBadRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${err.message}`)
}
