/** Finalizers as deletion sees them. Upstream: registry/store.go deletionFinalizersForGarbageCollection and friends. */
import type { DeleteOptions, KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from './interfaces.ts'
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './metadata-validation.ts'

export function hasPendingFinalizers(object: DeepReadonly<KubeObject>, strategy: Strategy): boolean {
  const { finalizers } = object.metadata
  if (finalizers !== undefined && finalizers.length > 0) return true
  return strategy.hasPendingFinalization?.(object) === true
}

/** The finalizers that the propagation policy asks for; undefined when they are there already. */
export function finalizersFor(
  object: DeepReadonly<KubeObject>,
  strategy: Strategy,
  options: DeleteOptions,
): string[] | undefined {
  const current = object.metadata.finalizers ?? []
  const shouldOrphan = orphansDependents(current, strategy, options)
  const isForeground = deletesDependentsFirst(current, strategy, options)
  if (!shouldOrphan && !isForeground && current.length === 0) return undefined
  const wanted = current.filter((finalizer) => finalizer !== ORPHAN_FINALIZER && finalizer !== FOREGROUND_FINALIZER)
  if (shouldOrphan) wanted.push(ORPHAN_FINALIZER)
  if (isForeground) wanted.push(FOREGROUND_FINALIZER)
  const isSame = wanted.length === current.length && wanted.every((finalizer) => current.includes(finalizer))
  return isSame ? undefined : wanted
}

function orphansDependents(current: readonly string[], strategy: Strategy, options: DeleteOptions): boolean {
  if (strategy.defaultGarbageCollection === 'Unsupported') return false
  if (options.orphanDependents !== undefined) return options.orphanDependents
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Orphan'
  if (current.includes(ORPHAN_FINALIZER)) return true
  if (current.includes(FOREGROUND_FINALIZER)) return false
  return strategy.defaultGarbageCollection === 'Orphan'
}

function deletesDependentsFirst(current: readonly string[], strategy: Strategy, options: DeleteOptions): boolean {
  if (strategy.defaultGarbageCollection === 'Unsupported') return false
  if (options.orphanDependents !== undefined) return false
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Foreground'
  return current.includes(FOREGROUND_FINALIZER)
}
