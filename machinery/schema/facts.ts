/**
 * The API facts: types, fields, kinds, patch and list metadata, defaults, protobuf numbers of every built-in kind, written by
 * generate/ and read once. Everything else in this folder is derived from them.
 *
 * A type expression is `[]X` (list), `{}X` (map of strings), a scalar (`string`, `boolean`, `int32`, `int64`, `uint8`, `uint32`,
 * `uint64`, `float`, `double`, `bytes`), a type with a JSON form of its own (`Time`, `MicroTime`, `Duration`, `Quantity`,
 * `IntOrString`, `RawExtension`, `FieldsV1`, `JSON`, `SchemaOrArray`, `SchemaOrBool`, `SchemaOrStrings`) or a struct, `core/v1.Pod`.
 */
import { readFileSync } from 'node:fs'

export interface FactFieldExtra {
  readonly patchStrategy?: string
  readonly patchMergeKey?: string
  readonly listType?: string
  readonly listMapKeys?: readonly string[]
  readonly mapType?: string
  readonly structType?: string
  readonly default?: string | number | boolean
  /** Key into `enums`. */
  readonly enum?: string
  /** Type name in Go's decoding errors where it is not derived from the expression. */
  readonly goType?: string
  /**
   * The field comes from an embedded struct: its name, the number protobuf nests it under, and its type. What is embedded in
   * the embedded is flattened too: only the type itself has the numbers inside it.
   */
  readonly inline?: readonly [name: string, proto: number, type: string]
}

/** JSON name, type expression, protobuf number (0: none), flags (`r` required, `o` omitted when empty, `p` pointer). */
export type FactField =
  | readonly [name: string, type: string, proto: number, flags: string]
  | readonly [name: string, type: string, proto: number, flags: string, extra: FactFieldExtra]

export interface FactsFile {
  readonly kubernetes: string
  /** Group, version, kind, type. */
  readonly kinds: readonly (readonly [string, string, string, string])[]
  readonly enums: Readonly<Record<string, readonly string[]>>
  /** `atomic` or `granular` by type. */
  readonly structTypes: Readonly<Record<string, string>>
  readonly types: Readonly<Record<string, readonly FactField[]>>
}

export interface Facts {
  readonly file: FactsFile
  /** Undefined: no such struct. */
  fieldsOf(type: string): readonly FactField[] | undefined
  /** The struct behind a kind; undefined when it is not built in. */
  typeOfKind(group: string, version: string, kind: string): string | undefined
}

let loaded: Facts | undefined

/** Reads the table on first use: beside this module, or beside the bundle, where the build copies it. */
export function schemaFacts(): Facts {
  loaded ??= indexFacts(JSON.parse(readFileSync(new URL('./facts.gen.json', import.meta.url), 'utf8')) as FactsFile)
  return loaded
}

function indexFacts(file: FactsFile): Facts {
  const kinds = new Map(file.kinds.map(([group, version, kind, type]) => [`${group}/${version}/${kind}`, type]))
  return {
    file,
    fieldsOf: (type) => (Object.hasOwn(file.types, type) ? file.types[type] : undefined),
    typeOfKind: (group, version, kind) => kinds.get(`${group}/${version}/${kind}`),
  }
}
