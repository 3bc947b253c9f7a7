/** A Pod with gates is not looked at. Upstream: scheduler plugins/schedulinggates. */
import { isSamePod } from '../../framework/change.ts'
import type { Plugin, PluginDefinition } from '../../framework/interfaces.ts'

const plugin: Plugin = {
  name: 'SchedulingGates',
  events: [
    {
      resource: 'pods',
      actions: ['update'],
      kinds: ['UpdatePodSchedulingGatesEliminated'],
      mayHelp: (pod, { object }) => isSamePod(pod, object),
    },
  ],
  preEnqueue({ spec }) {
    const gates = (spec.schedulingGates ?? []).map(({ name }) => name)
    if (gates.length === 0) return undefined
    return {
      code: 'UnschedulableAndUnresolvable',
      reasons: [`waiting for scheduling gates: [${gates.join(' ')}]`],
    }
  },
}

export const schedulingGatesPlugin: PluginDefinition = { name: plugin.name, create: () => plugin }
