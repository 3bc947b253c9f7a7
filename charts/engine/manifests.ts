// Rendered files → manifests and hooks in installation order.
// Upstream: helm pkg/release/v1/util/{manifest,manifest_sorter,kind_sorter}.go.

import { INSTALL_ORDER } from './kind-order.ts'
import type { Chart } from './chart/types.ts'
import { GoError } from './gotypes/error.ts'
import { compareBytes } from './gotypes/utf8.ts'
import { type GoMap, isMap } from './gotypes/value.ts'
import { parseYaml } from './yaml/parse.ts'

export interface ManifestHead {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly annotations: ReadonlyMap<string, string>
}

export interface Manifest {
  /** Path of the template it came from. */
  readonly path: string
  readonly content: string
  readonly head: ManifestHead
}

export type HookEvent =
  | 'pre-install'
  | 'post-install'
  | 'pre-delete'
  | 'post-delete'
  | 'pre-upgrade'
  | 'post-upgrade'
  | 'pre-rollback'
  | 'post-rollback'
  | 'test'

export interface Hook {
  readonly name: string
  readonly kind: string
  readonly path: string
  readonly manifest: string
  readonly events: readonly HookEvent[]
  readonly weight: number
  /** As annotated; empty means before-hook-creation. */
  readonly deletePolicies: readonly string[]
  readonly outputLogPolicies: readonly string[]
}

export interface SortedManifests {
  readonly manifests: Manifest[]
  readonly hooks: Hook[]
}

const EVENTS: ReadonlyMap<string, HookEvent> = new Map<string, HookEvent>([
  ['pre-install', 'pre-install'],
  ['post-install', 'post-install'],
  ['pre-delete', 'pre-delete'],
  ['post-delete', 'post-delete'],
  ['pre-upgrade', 'pre-upgrade'],
  ['post-upgrade', 'post-upgrade'],
  ['pre-rollback', 'pre-rollback'],
  ['post-rollback', 'post-rollback'],
  ['test', 'test'],
  ['test-success', 'test'],
])

/** Splits a YAML stream the way Helm does, which also splits at `---apiVersion`. */
export function splitManifests(text: string): string[] {
  return text
    .trimStart()
    .split(/^---[ \t]*/m)
    .filter((document) => document.trim() !== '')
    .map((document) => document.trimStart())
}

/** Throws `YAML parse error on <path>: …` for a document that is not YAML. */
export function sortManifests(
  files: ReadonlyMap<string, string>,
  order: readonly string[] = INSTALL_ORDER,
): SortedManifests {
  const manifests: Manifest[] = []
  const hooks: Hook[] = []
  for (const path of [...files.keys()].sort(compareBytes)) {
    if (path.slice(path.lastIndexOf('/') + 1).startsWith('_')) continue
    for (const content of splitManifests(files.get(path) ?? '')) {
      const head = readHead(path, content)
      const hook = head.annotations.get('helm.sh/hook')
      if (hook === undefined) manifests.push({ path, content, head })
      else {
        const parsed = readHook(path, content, head, hook)
        if (parsed !== undefined) hooks.push(parsed)
      }
    }
  }
  return {
    manifests: sortByKind(manifests, (manifest) => manifest.head.kind, order),
    hooks: sortByKind(hooks, (hook) => hook.kind, order),
  }
}

/** The stored manifest of a release. */
export function joinManifests(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => `---\n# Source: ${manifest.path}\n${manifest.content}\n`).join('')
}

/** Files of crds/, the chart's own before those of its dependencies. */
export function chartCrds(chart: Chart): { path: string; content: string }[] {
  const own = chart.files.filter((file) => /^crds\/.*\.(?:ya?ml|json)$/.test(file.path))
  return [
    ...own.map((file) => ({ path: `${chart.metadata.name}/${file.path}`, content: file.data.toString('utf8') })),
    ...chart.dependencies.flatMap(chartCrds),
  ]
}

function readHead(path: string, content: string): ManifestHead {
  let document: GoMap
  try {
    document = asMap(parseYaml(content))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new GoError(`YAML parse error on ${path}: error converting YAML to JSON: ${message}`)
  }
  const metadata = document.get('metadata')
  const annotations = isMap(metadata) ? metadata.get('annotations') : undefined
  return {
    apiVersion: text(path, document, 'apiVersion'),
    kind: text(path, document, 'kind'),
    name: isMap(metadata) ? text(path, metadata, 'name') : '',
    annotations: new Map(
      isMap(annotations) ? [...annotations.keys()].map((key) => [key, text(path, annotations, key)]) : [],
    ),
  }
}

function asMap(value: ReturnType<typeof parseYaml>): GoMap {
  if (isMap(value)) return value
  if (value === null || value === undefined) return new Map()
  throw new GoError('json: cannot unmarshal into Go value of type util.SimpleHead')
}

/** Typed YAML decoding turns scalars into strings. */
function text(_path: string, map: GoMap, key: string): string {
  const value = map.get(key)
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : String(value)
}

function readHook(path: string, manifest: string, head: ManifestHead, hookTypes: string): Hook | undefined {
  const events: HookEvent[] = []
  for (const type of hookTypes.split(',')) {
    const event = EVENTS.get(type.trim().toLowerCase())
    // A document with an unknown hook is dropped.
    if (event === undefined) return undefined
    events.push(event)
  }
  const weight = head.annotations.get('helm.sh/hook-weight') ?? ''
  return {
    name: head.name,
    kind: head.kind,
    path,
    manifest,
    events,
    weight: /^[+-]?[0-9]+$/.test(weight) ? Number(weight) : 0,
    deletePolicies: listAnnotation(head, 'helm.sh/hook-delete-policy'),
    outputLogPolicies: listAnnotation(head, 'helm.sh/hook-output-log-policy'),
  }
}

function listAnnotation(head: ManifestHead, name: string): string[] {
  const value = head.annotations.get(name)
  return value === undefined ? [] : value.split(',').map((part) => part.trim().toLowerCase())
}

/** Hooks of one event in the order they run: weight, then name, then kind order. */
export function hooksFor(hooks: readonly Hook[], event: HookEvent): Hook[] {
  return hooks
    .filter((hook) => hook.events.includes(event))
    .sort((a, b) => a.weight - b.weight || compareBytes(a.name, b.name))
}

function sortByKind<T>(items: readonly T[], kindOf: (item: T) => string, order: readonly string[]): T[] {
  const rank = new Map(order.map((kind, i) => [kind, i]))
  return [...items].sort((a, b) => {
    const left = rank.get(kindOf(a))
    const right = rank.get(kindOf(b))
    if (left === undefined && right === undefined) return compareBytes(kindOf(a), kindOf(b))
    if (left === undefined) return 1
    if (right === undefined) return -1
    return left - right
  })
}
