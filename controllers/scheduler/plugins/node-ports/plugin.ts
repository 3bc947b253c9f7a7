/** Host ports of one node are given once. Upstream: scheduler plugins/nodeports. */
import { hadPlace } from '../../framework/change.ts'
import type { FilterPlugin, FrozenPod, HostPort, PluginDefinition } from '../../framework/interfaces.ts'
import { ANY_IP, hostPortsOf } from '../../framework/pod-info.ts'
import { SKIP, unschedulable } from '../../framework/verdicts.ts'

const TAKEN = unschedulable("node(s) didn't have free ports for the requested pod ports")

const plugin: FilterPlugin = {
  name: 'NodePorts',
  events: [
    { resource: 'nodes', actions: ['add'] },
    {
      resource: 'pods',
      actions: ['delete'],
      mayHelp: (pod, { old }) => old === undefined || freesPort(pod, old as FrozenPod),
    },
  ],
  preFilter: ({ hostPorts }) => (hostPorts.length === 0 ? SKIP : { state: undefined }),
  filter: (_state, { hostPorts }, node) => (node.hasPortConflict(hostPorts) ? TAKEN : undefined),
}

/** One that both use. */
const freesPort = (pod: FrozenPod, gone: FrozenPod): boolean =>
  hadPlace(gone) && hostPortsOf(gone).some((taken) => hostPortsOf(pod).some((wanted) => isConflict(taken, wanted)))

const isConflict = (a: HostPort, b: HostPort): boolean =>
  a.protocol === b.protocol && a.port === b.port && (a.ip === b.ip || a.ip === ANY_IP || b.ip === ANY_IP)

export const nodePortsPlugin: PluginDefinition = { name: plugin.name, create: () => plugin }
