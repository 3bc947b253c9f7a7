/** The plugins there are, and those that run unless the configuration says otherwise. Upstream: plugins/registry.go, default_plugins.go. */
import type { PluginDefinition } from '../framework/interfaces.ts'
import { defaultBinderPlugin } from '../plugins/default-binder/plugin.ts'
import { defaultPreemption } from '../plugins/default-preemption/plugin.ts'
import { dynamicResources } from '../plugins/dynamic-resources/plugin.ts'
import { imageLocalityPlugin } from '../plugins/image-locality/plugin.ts'
import { interPodAffinity } from '../plugins/inter-pod-affinity/plugin.ts'
import { nodeAffinityPlugin } from '../plugins/node-affinity/plugin.ts'
import { nodeDeclaredFeaturesPlugin } from '../plugins/node-declared-features/plugin.ts'
import { nodeNamePlugin } from '../plugins/node-name/plugin.ts'
import { nodePortsPlugin } from '../plugins/node-ports/plugin.ts'
import { nodeResourcesBalancedAllocationPlugin } from '../plugins/node-resources/balanced-allocation.ts'
import { nodeResourcesFitPlugin } from '../plugins/node-resources/fit.ts'
import { nodeUnschedulablePlugin } from '../plugins/node-unschedulable/plugin.ts'
import { nodeVolumeLimits } from '../plugins/node-volume-limits/plugin.ts'
import { podTopologySpread } from '../plugins/pod-topology-spread/plugin.ts'
import { schedulingGatesPlugin } from '../plugins/scheduling-gates/plugin.ts'
import { taintTolerationPlugin } from '../plugins/taint-toleration/plugin.ts'
import { volumeBinding } from '../plugins/volume-binding/plugin.ts'
import { volumeRestrictions } from '../plugins/volume-restrictions/plugin.ts'
import { volumeZone } from '../plugins/volume-zone/plugin.ts'
import { PRIORITY_SORT } from './extension-points.ts'

export interface DefaultPlugin {
  readonly definition: PluginDefinition
  readonly weight: number
}

const prioritySort: PluginDefinition = { name: PRIORITY_SORT, create: () => ({ name: PRIORITY_SORT, events: [] }) }

const plugin = (definition: PluginDefinition, weight = 1): DefaultPlugin => ({ definition, weight })

/** In the order they are called. */
export const DEFAULT_PLUGINS: readonly DefaultPlugin[] = [
  plugin(schedulingGatesPlugin),
  plugin(prioritySort),
  plugin(nodeUnschedulablePlugin),
  plugin(nodeNamePlugin),
  plugin(taintTolerationPlugin, 3),
  plugin(nodeAffinityPlugin, 2),
  plugin(nodePortsPlugin),
  plugin(nodeResourcesFitPlugin),
  plugin(volumeRestrictions),
  plugin(nodeVolumeLimits),
  plugin(volumeBinding),
  plugin(volumeZone),
  plugin(podTopologySpread, 2),
  plugin(interPodAffinity, 2),
  plugin(dynamicResources, 2),
  plugin(defaultPreemption),
  plugin(nodeResourcesBalancedAllocationPlugin),
  plugin(imageLocalityPlugin),
  plugin(defaultBinderPlugin),
  plugin(nodeDeclaredFeaturesPlugin),
]

export const REGISTRY: ReadonlyMap<string, PluginDefinition> = new Map(
  DEFAULT_PLUGINS.map(({ definition }) => [definition.name, definition]),
)
