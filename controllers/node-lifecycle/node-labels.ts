/** Old names of labels follow the new ones. Upstream: pkg/controller/nodelifecycle reconcileNodeLabels. */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const OLD_NAMES: readonly (readonly [stable: string, old: string])[] = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
]

/** Labels that have to be set; empty when all is well. */
export function labelsToSet({ metadata: { labels = {} } }: DeepReadonly<Node>): Record<string, string> {
  const changes: Record<string, string> = {}
  for (const [stable, old] of OLD_NAMES) {
    const value = labels[stable]
    if (value !== undefined && labels[old] !== value) changes[old] = value
  }
  return changes
}
