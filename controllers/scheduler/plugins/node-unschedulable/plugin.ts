/** Nodes that are cordoned take only Pods that tolerate it. Upstream: scheduler plugins/nodeunschedulable. */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { isTolerated } from '#machinery/scheduling/tolerations.ts'
import { type Change, changeOf, isSamePod } from '../../framework/change.ts'
import type { FilterPlugin, FrozenNode, FrozenPod, PluginDefinition } from '../../framework/interfaces.ts'
import { unresolvable } from '../../framework/verdicts.ts'

const CORDONED = unresolvable('node(s) were unschedulable')
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

const takes = (node: FrozenNode, pod: FrozenPod): boolean =>
  node.spec.unschedulable !== true || isTolerated(TAINT, pod.spec.tolerations)

const plugin: FilterPlugin = {
  name: 'NodeUnschedulable',
  events: [
    {
      resource: 'nodes',
      actions: ['add', 'update'],
      kinds: ['UpdateNodeTaint'],
      mayHelp: (_pod, event) => isOpened(changeOf<Node>(event)),
    },
    {
      resource: 'pods',
      actions: ['update'],
      kinds: ['UpdatePodToleration'],
      mayHelp: (pod, { object }) =>
        isSamePod(pod, object) && isTolerated(TAINT, (object as FrozenPod).spec.tolerations),
    },
  ],
  filter: (_state, { pod }, { node }) => (takes(node, pod) ? undefined : CORDONED),
}

/** It came without a cordon, or lost it. */
const isOpened = ({ old, object }: Change<Node>): boolean =>
  object?.spec.unschedulable !== true && (old === undefined || old.spec.unschedulable === true)

export const nodeUnschedulablePlugin: PluginDefinition = { name: plugin.name, create: () => plugin }
