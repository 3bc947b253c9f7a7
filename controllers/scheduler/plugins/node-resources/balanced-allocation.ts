/** Prefers nodes that the Pod makes more evenly used. Upstream: plugins/noderesources/balanced_allocation.go (v1.36). */
import type { PluginDefinition, ScorePlugin } from '../../framework/interfaces.ts'
import { SKIP } from '../../framework/verdicts.ts'
import { checkBalancedAllocationArgs } from './args.ts'
import type { ScoredResource } from './scored-resources.ts'
import { DEFAULT_RESOURCES, ResourceScorer } from './scored-resources.ts'
import { balanced } from './strategies.ts'

const NAME = 'NodeResourcesBalancedAllocation'

export const nodeResourcesBalancedAllocationPlugin: PluginDefinition = {
  name: NAME,
  checkArgs: checkBalancedAllocationArgs,
  create({ resources }): ScorePlugin<readonly number[]> {
    const wanted = resources as readonly ScoredResource[] | undefined
    const scored = wanted === undefined || wanted.length === 0 ? DEFAULT_RESOURCES : wanted
    const scorer = new ResourceScorer(scored, balanced, true)
    return {
      name: NAME,
      preScore(pod) {
        const requests = scorer.requestsOf(pod)
        // A Pod that asks for nothing would always go where it is most even already.
        return requests.every((amount) => amount === 0) ? SKIP : { state: requests }
      },
      score: (requests, _pod, node) => scorer.score(requests, node),
    }
  },
}
