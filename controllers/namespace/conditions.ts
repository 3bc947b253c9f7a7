/**
 * The conditions of a Terminating namespace: what went wrong and what is left, in upstream's words. Pure.
 * Upstream: pkg/controller/namespace/deletion/status_condition_utils.go.
 */
import type { NamespaceCondition } from '#machinery/api/core/v1/types.gen.ts'
import type { DiscoveryFailure } from '#machinery/client/discovery.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** What one pass over the namespace has found. */
export interface DeletionFindings {
  readonly discoveryFailures: readonly DiscoveryFailure[]
  readonly contentErrors: readonly string[]
  /** `resource.group` → how many are left. */
  readonly remaining: ReadonlyMap<string, number>
  /** Finalizer → how many of the remaining objects carry it. */
  readonly finalizers: ReadonlyMap<string, number>
}

interface Outcome {
  readonly type: string
  readonly okReason: string
  readonly okMessage: string
  readonly reason: string
  /** Undefined when all is well. */
  message(findings: DeletionFindings): string | undefined
}

const OUTCOMES: readonly Outcome[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    okReason: 'ResourcesDiscovered',
    okMessage: 'All resources successfully discovered',
    reason: 'DiscoveryFailed',
    message: ({ discoveryFailures }) =>
      discoveryFailures.length === 0
        ? undefined
        : `Discovery failed for some groups, ${discoveryFailures.length} failing: unable to retrieve the complete list of server APIs: ${discoveryFailures
            .map(({ groupVersion, message }) => `${groupVersion}: ${message}`)
            .sort()
            .join(', ')}`,
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    okReason: 'ParsedGroupVersions',
    okMessage: 'All legacy kube types successfully parsed',
    reason: 'GroupVersionParsingFailed',
    message: () => undefined,
  },
  {
    type: 'NamespaceDeletionContentFailure',
    okReason: 'ContentDeleted',
    okMessage: 'All content successfully deleted, may be waiting on finalization',
    reason: 'ContentDeletionFailed',
    message: ({ contentErrors }) =>
      contentErrors.length === 0
        ? undefined
        : `Failed to delete all resource types, ${contentErrors.length} remaining: ${[...contentErrors].sort().join(', ')}`,
  },
  {
    type: 'NamespaceContentRemaining',
    okReason: 'ContentRemoved',
    okMessage: 'All content successfully removed',
    reason: 'SomeResourcesRemain',
    message: ({ remaining }) =>
      describe(remaining, 'Some resources are remaining: ', (name, count) => `${name} has ${count} resource instances`),
  },
  {
    type: 'NamespaceFinalizersRemaining',
    okReason: 'ContentHasNoFinalizers',
    okMessage: 'All content-preserving finalizers finished',
    reason: 'SomeFinalizersRemain',
    message: ({ finalizers }) =>
      describe(
        finalizers,
        'Some content in the namespace has finalizers remaining: ',
        (name, count) => `${name} in ${count} resource instances`,
      ),
  },
]

/** The namespace's conditions after this pass; undefined when they already say so. */
export function updatedConditions(
  current: DeepReadonly<NamespaceCondition[]>,
  findings: DeletionFindings,
  now: string,
): NamespaceCondition[] | undefined {
  const conditions: NamespaceCondition[] = current.map((condition) => ({ ...condition }))
  let hasChanged = false
  for (const outcome of OUTCOMES) {
    const wanted = conditionFor(outcome, findings, now)
    const index = conditions.findIndex(({ type }) => type === outcome.type)
    const old = conditions[index]
    if (old !== undefined && isSame(old, wanted)) continue
    if (old === undefined) conditions.push(wanted)
    else conditions[index] = old.status === wanted.status ? { ...wanted, ...transitionOf(old) } : wanted
    hasChanged = true
  }
  return hasChanged ? conditions : undefined
}

function conditionFor(outcome: Outcome, findings: DeletionFindings, now: string): NamespaceCondition {
  const message = outcome.message(findings)
  return message === undefined
    ? {
        type: outcome.type,
        status: 'False',
        lastTransitionTime: now,
        reason: outcome.okReason,
        message: outcome.okMessage,
      }
    : { type: outcome.type, status: 'True', lastTransitionTime: now, reason: outcome.reason, message }
}

function isSame(a: NamespaceCondition, b: NamespaceCondition): boolean {
  return a.status === b.status && a.reason === b.reason && a.message === b.message
}

function transitionOf(condition: NamespaceCondition): { lastTransitionTime?: string } {
  return condition.lastTransitionTime === undefined ? {} : { lastTransitionTime: condition.lastTransitionTime }
}

function describe(
  counts: ReadonlyMap<string, number>,
  prefix: string,
  each: (name: string, count: number) => string,
): string | undefined {
  const parts = [...counts].filter(([, count]) => count > 0).map(([name, count]) => each(name, count))
  return parts.length === 0 ? undefined : prefix + parts.sort().join(', ')
}
