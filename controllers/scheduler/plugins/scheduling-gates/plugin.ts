/** A Pod with gates is not looked at. Upstream: scheduler plugins/schedulinggates. */
import type { FrozenPod, Plugin, PluginDefinition } from '../../framework/interfaces.ts'

const plugin: Plugin = {
  name: 'SchedulingGates',
  events: [
    {
      resource: 'pods',
      actions: ['update'],
      mayHelp: (pod, { object }) => (object as FrozenPod).metadata.uid === pod.metadata.uid,
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
