/**
 * DynamicResources: not supported. A Pod with resource claims is held back with a sentence instead of being started
 * without its devices. Upstream: plugins/dynamicresources.
 */
import type { FilterPlugin, PluginDefinition, PodInfo, Verdict } from '../../framework/interfaces.ts'
import { SKIP, unresolvable } from '../../framework/verdicts.ts'

export const dynamicResources: PluginDefinition = {
  name: 'DynamicResources',
  create: () => new DynamicResources(),
}

export class DynamicResources implements FilterPlugin<undefined> {
  readonly name = 'DynamicResources'
  /** Nothing that happens helps. */
  readonly events = []

  preFilter({ pod }: PodInfo): Verdict {
    const [first] = pod.spec.resourceClaims ?? []
    if (first === undefined) return SKIP
    return unresolvable(`pod has resource claim "${first.name}", and dynamic resource allocation is not supported`)
  }

  filter(): undefined {
    return undefined
  }
}
