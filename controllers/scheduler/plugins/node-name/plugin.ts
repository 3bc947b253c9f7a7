/** A Pod that names its node goes nowhere else. Upstream: scheduler plugins/nodename. */
import type { FilterPlugin, PluginDefinition } from '../../framework/interfaces.ts'
import { unresolvable } from '../../framework/verdicts.ts'

const OTHER_NODE = unresolvable("node(s) didn't match the requested node name")

const plugin: FilterPlugin = {
  name: 'NodeName',
  events: [{ resource: 'nodes', actions: ['add'] }],
  filter(_state, { pod }, { name }) {
    const { nodeName = '' } = pod.spec
    return nodeName === '' || nodeName === name ? undefined : OTHER_NODE
  },
}

export const nodeNamePlugin: PluginDefinition = { name: plugin.name, create: () => plugin }
