/** Nodes that are cordoned take only Pods that tolerate it. Upstream: scheduler plugins/nodeunschedulable. */
import { isTolerated } from '#machinery/scheduling/tolerations.ts'
import type { FilterPlugin, FrozenNode, FrozenPod, PluginDefinition } from '../../framework/interfaces.ts'
import { unresolvable } from '../../framework/verdicts.ts'

const CORDONED = unresolvable('node(s) were unschedulable')
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

const takes = (node: FrozenNode, pod: FrozenPod): boolean =>
  node.spec.unschedulable !== true || isTolerated(TAINT, pod.spec.tolerations)

const plugin: FilterPlugin = {
  name: 'NodeUnschedulable',
  events: [
    { resource: 'nodes', actions: ['add', 'update'], mayHelp: (pod, { object }) => takes(object as FrozenNode, pod) },
    {
      resource: 'pods',
      actions: ['update'],
      mayHelp: (pod, { object }) => isTolerated(TAINT, sameTolerations(pod, object)),
    },
  ],
  filter: (_state, { pod }, { node }) => (takes(node, pod) ? undefined : CORDONED),
}

function sameTolerations(pod: FrozenPod, object: unknown): FrozenPod['spec']['tolerations'] {
  const updated = object as FrozenPod
  return updated.metadata.uid === pod.metadata.uid ? updated.spec.tolerations : undefined
}

export const nodeUnschedulablePlugin: PluginDefinition = { name: plugin.name, create: () => plugin }
