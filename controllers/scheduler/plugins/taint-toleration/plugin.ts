/** Taints that repel, and those that nodes would rather not have ignored. Upstream: scheduler plugins/tainttoleration (v1.36). */
import type { Node, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import { COMPARISON_GATE, findUntoleratedTaint, isTolerated, repels } from '#machinery/scheduling/tolerations.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { changeOf, isSamePod } from '../../framework/change.ts'
import type { FilterPlugin, FrozenNode, FrozenPod, PluginDefinition, ScorePlugin } from '../../framework/interfaces.ts'
import { normalizeByHighest } from '../../framework/normalize.ts'
import { unresolvable } from '../../framework/verdicts.ts'

type Tolerations = readonly DeepReadonly<Toleration>[]

const REFUSAL = unresolvable('node(s) had untolerated taint(s)')

function createPlugin(comparesNumbers: boolean): FilterPlugin & ScorePlugin<Tolerations> {
  const isBorne = (pod: FrozenPod, node: FrozenNode): boolean =>
    findUntoleratedTaint(node.spec.taints, pod.spec.tolerations, repels, comparesNumbers) === undefined
  return {
    name: 'TaintToleration',
    events: [
      {
        resource: 'nodes',
        actions: ['add', 'update'],
        kinds: ['UpdateNodeTaint'],
        mayHelp(pod, event) {
          const { old, object } = changeOf<Node>(event)
          return object !== undefined && isBorne(pod, object) && (old === undefined || !isBorne(pod, old))
        },
      },
      {
        resource: 'pods',
        actions: ['update'],
        kinds: ['UpdatePodToleration'],
        mayHelp: (pod, { object }) => isSamePod(pod, object),
      },
    ],

    filter: (_state, { pod }, { node }) => (isBorne(pod, node) ? undefined : REFUSAL),

    preScore({ pod }) {
      const { tolerations = [] } = pod.spec
      return { state: tolerations.filter(({ effect = '' }) => effect === '' || effect === 'PreferNoSchedule') }
    },

    /** Taints it would rather not have ignored. */
    score(tolerations, _pod, { node }) {
      let count = 0
      for (const taint of node.spec.taints ?? [])
        if (taint.effect === 'PreferNoSchedule' && !isTolerated(taint, tolerations, comparesNumbers)) count++
      return count
    },

    normalize: (_state, _pod, scores) => normalizeByHighest(scores, true),
  }
}

export const taintTolerationPlugin: PluginDefinition = {
  name: 'TaintToleration',
  create: (_args, handle) => createPlugin(handle.isGateEnabled(COMPARISON_GATE)),
}
