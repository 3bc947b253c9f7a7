/** Host ports of one node are given once. Upstream: scheduler plugins/nodeports. */
import type { FilterPlugin, FrozenPod, PluginDefinition } from '../../framework/interfaces.ts'
import { SKIP, unschedulable } from '../../framework/verdicts.ts'

const TAKEN = unschedulable("node(s) didn't have free ports for the requested pod ports")

const plugin: FilterPlugin = {
  name: 'NodePorts',
  events: [
    { resource: 'nodes', actions: ['add'] },
    {
      resource: 'pods',
      actions: ['delete'],
      mayHelp: (_pod, { old }) => old === undefined || hasHostPort(old as FrozenPod),
    },
  ],
  preFilter: ({ hostPorts }) => (hostPorts.length === 0 ? SKIP : { state: undefined }),
  filter: (_state, { hostPorts }, node) => (node.hasPortConflict(hostPorts) ? TAKEN : undefined),
}

const hasHostPort = ({ spec }: FrozenPod): boolean =>
  [...spec.containers, ...(spec.initContainers ?? [])].some(({ ports = [] }) =>
    ports.some(({ hostPort = 0 }) => hostPort > 0),
  )

export const nodePortsPlugin: PluginDefinition = { name: plugin.name, create: () => plugin }
