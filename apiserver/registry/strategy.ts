/**
 * The two rules nearly every kind shares, around its own policy: the main resource never writes status and /status
 * never writes anything else; metadata.generation counts changes of the desired state.
 * Upstream: the PrepareForCreate/PrepareForUpdate of pkg/registry/<group>/<kind>/strategy.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from './generic/interfaces.ts'

interface StrategyOptions {
  readonly hasStatus: boolean
  /** The status of a new object; undefined keeps the client's. */
  readonly emptyStatus: Readonly<Record<string, unknown>> | undefined
  readonly countsGenerations: boolean
  /** A change of these counts as a change of the desired state. */
  readonly countedMetadata?: CountedMetadata | undefined
  readonly kind: Strategy
}

export type CountedMetadata = 'labels' | 'annotations'

type Members = Record<string, unknown>

export function createStrategy(options: StrategyOptions): Strategy {
  const { hasStatus, emptyStatus, countsGenerations, countedMetadata, kind } = options
  return {
    ...kind,
    prepareForCreate(draft, context) {
      if (hasStatus && emptyStatus !== undefined) (draft as unknown as Members)['status'] = { ...emptyStatus }
      if (countsGenerations) draft.metadata.generation = 1
      else delete draft.metadata.generation
      kind.prepareForCreate?.(draft, context)
    },
    prepareForUpdate(draft, old, context) {
      if (hasStatus) copyMember(draft, old, 'status')
      if (!countsGenerations) keepGeneration(draft, old)
      kind.prepareForUpdate?.(draft, old, context)
      if (countsGenerations) updateGeneration(draft, old, countedMetadata)
    },
  }
}

/** Everything but status comes from the stored object; `kind` adds what the subresource checks. */
export function createStatusStrategy(kind: Strategy): Strategy {
  return {
    ...kind,
    prepareForUpdate(draft, old, context) {
      restoreExcept(draft, old, STATUS_ONLY)
      kind.prepareForUpdate?.(draft, old, context)
    },
  }
}

/** A status that comes without metadata: what reports it can neither let go of a finalizer nor lose an owner. */
export function withStoredMetadata(kind: Strategy = {}): Strategy {
  return {
    resetFields: ['metadata', 'spec'],
    ...kind,
    prepareForUpdate(draft, old, context) {
      restoreMetadata(draft, old)
      kind.prepareForUpdate?.(draft, old, context)
    },
  }
}

/** Upstream's ResetObjectMetaForStatus. */
export function restoreMetadata(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  for (const member of CLIENT_METADATA) restoreMetadataMember(draft, old, member)
}

const CLIENT_METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const

export function restoreMetadataMember(
  draft: KubeObject,
  old: DeepReadonly<KubeObject>,
  member: (typeof CLIENT_METADATA)[number],
): void {
  const stored: unknown = old.metadata[member]
  if (stored === undefined) delete draft.metadata[member]
  else Object.assign(draft.metadata, { [member]: deepCopy(stored) })
}

const STATUS_ONLY: ReadonlySet<string> = new Set(['status'])

/** Puts every member but `kept` and the type back to what is stored. Metadata may change but for its server-set parts. */
export function restoreExcept(draft: KubeObject, old: DeepReadonly<KubeObject>, kept: ReadonlySet<string>): void {
  for (const member of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (member === 'metadata' || member === 'apiVersion' || member === 'kind' || kept.has(member)) continue
    copyMember(draft, old, member)
  }
  keepGeneration(draft, old)
}

function keepGeneration(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  if (old.metadata.generation === undefined) delete draft.metadata.generation
  else draft.metadata.generation = old.metadata.generation
}

export function copyMember(draft: KubeObject, old: DeepReadonly<KubeObject>, member: string): void {
  const target = draft as unknown as Members
  if (Object.hasOwn(old, member)) target[member] = (old as unknown as Members)[member]
  else delete target[member]
}

/** Everything but metadata and status is desired state; most kinds have just spec. */
function updateGeneration(
  draft: KubeObject,
  old: DeepReadonly<KubeObject>,
  countedMetadata: CountedMetadata | undefined,
): void {
  const before = old.metadata.generation ?? 0
  const isSame =
    isDesiredStateEqual(draft, old) &&
    (countedMetadata === undefined ||
      deepEqual(draft.metadata[countedMetadata] ?? {}, old.metadata[countedMetadata] ?? {}))
  draft.metadata.generation = isSame ? before : before + 1
  if (draft.metadata.generation === 0) delete draft.metadata.generation
}

function isDesiredStateEqual(draft: KubeObject, old: DeepReadonly<KubeObject>): boolean {
  for (const member of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (member === 'metadata' || member === 'status' || member === 'apiVersion' || member === 'kind') continue
    if (!deepEqual((draft as unknown as Members)[member], (old as unknown as Members)[member])) return false
  }
  return true
}
