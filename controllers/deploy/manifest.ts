/**
 * One manifest file's content as objects: documents split, Lists flattened, each object with its position in the file.
 * Upstream: k3s pkg/deploy/controller.go (yamlToObjects). Differs: errors carry document index and line.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import { tryParseApiVersion } from '#machinery/meta/resource.ts'
import { isObject } from '#machinery/util/json.ts'
import { parseYamlDocuments, type YamlDocument, YamlError } from '#machinery/yaml/yaml.ts'

export interface ManifestPosition {
  /** From 0. */
  readonly documentIndex: number
  /** From 1: where the document starts, or where the YAML is broken. */
  readonly line: number
}

export interface ManifestObject extends ManifestPosition {
  readonly object: KubeObject
  readonly kind: GroupVersionKind
}

/** What is wrong with the content of a file, and where. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
  readonly position: ManifestPosition

  constructor(message: string, position: ManifestPosition, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.position = position
  }
}

/** Throws ManifestError: a file is taken as a whole or not at all. */
export function parseManifest(text: string): ManifestObject[] {
  return documentsOf(text).flatMap(({ value, line, index }) =>
    flatten(value).map((item) => toManifestObject(item, { line, documentIndex: index })),
  )
}

function documentsOf(text: string): YamlDocument[] {
  try {
    return parseYamlDocuments(text)
  } catch (err: unknown) {
    if (!(err instanceof YamlError)) throw err
    throw new ManifestError(err.message, { documentIndex: err.documentIndex, line: err.line }, err)
  }
}

function flatten(value: unknown): unknown[] {
  if (value === null || value === undefined) return []
  if (!isObject(value)) return [value]
  const { kind, items } = value
  const isList = typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
  return isList ? items.flatMap(flatten) : [value]
}

function toManifestObject(value: unknown, position: ManifestPosition): ManifestObject {
  const refuse = (why: string): ManifestError => new ManifestError(why, position)
  if (!isObject(value)) throw refuse('a document must be a Kubernetes object (a mapping with apiVersion and kind)')
  const { apiVersion, kind, metadata } = value
  if (typeof apiVersion !== 'string' || apiVersion === '') throw refuse('apiVersion is missing')
  if (typeof kind !== 'string' || kind === '') throw refuse('kind is missing')
  const groupVersion = tryParseApiVersion(apiVersion)
  if (groupVersion === undefined) throw refuse(`apiVersion "${apiVersion}" is not group/version`)
  const name = isObject(metadata) ? metadata['name'] : undefined
  if (typeof name !== 'string' || name === '') throw refuse(`${kind}: metadata.name is missing or no string`)
  return { object: value as unknown as KubeObject, kind: { ...groupVersion, kind }, ...position }
}

/** Upstream's schema.GroupVersionKind.String(). */
export function formatKind(kind: GroupVersionKind): string {
  return `${kind.group}/${kind.version}, Kind=${kind.kind}`
}

export function parseKind(text: string): GroupVersionKind | undefined {
  const match = /^([^/]*)\/([^,]+), Kind=(.+)$/.exec(text)
  const [, group, version, kind] = match ?? []
  return group !== undefined && version !== undefined && kind !== undefined ? { group, version, kind } : undefined
}
