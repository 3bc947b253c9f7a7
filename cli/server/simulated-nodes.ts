/** `--node=simulated`: the simulated nodes of this process as a component, so that the manager gives them an identity and restarts them. */
import type { SimulatedNodeSpec } from '#agent/simulated/index.ts'
import { SimulatedNodes } from '#agent/simulated/index.ts'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { ApiEventRecorder, type ComponentDefinition, defineComponent } from '#sdk'
import type { Permission, Verb } from '#sdk'
import { VERSION_INFO } from '../version.ts'
import type { LoadedStages } from './stages.ts'

export const SIMULATED_NODES = 'simulated-nodes'
/** Programs look for the events of nodes under this name. */
const EVENT_SOURCE = 'kubelet'

/** With more nodes Events of every start would be most of the load. */
export const REPORTING_NODES_MAX = 10

export interface SimulatedNodesComponentOptions {
  readonly nodes: readonly SimulatedNodeSpec[]
  readonly stages: LoadedStages | undefined
}

/** Stages may patch whatever they like. */
export function simulatedNodesPermissions(playsStages: boolean): Permission[] {
  const staged: readonly Verb[] = playsStages ? ['patch'] : []
  return [
    { resource: NODES, verbs: ['get', 'list', 'watch', 'create', 'update', ...staged] },
    { resource: NODES, subresource: 'status', verbs: ['update', ...staged] },
    { resource: LEASES, verbs: ['get', 'create', 'update'] },
    { resource: PODS, verbs: ['get', 'list', 'watch', 'delete', ...staged] },
    { resource: PODS, subresource: 'status', verbs: ['update', ...staged] },
  ]
}

export function simulatedNodesComponent({ nodes: specs, stages }: SimulatedNodesComponentOptions): ComponentDefinition {
  return defineComponent({
    name: SIMULATED_NODES,
    permissions: simulatedNodesPermissions(stages !== undefined),
    createComponent({ client, clock, random, logger, informer }) {
      const [pods, nodes] = [informer(PODS), informer(NODES)]
      let running: SimulatedNodes | undefined
      return {
        run(signal, onReady) {
          const events = new ApiEventRecorder({ client, clock, random, logger, component: EVENT_SOURCE }, signal)
          const dependencies = { client, clock, random, logger, events, pods, nodes }
          running = new SimulatedNodes(dependencies, {
            nodes: specs,
            version: kubeletVersion(),
            reportsStarts: specs.length <= REPORTING_NODES_MAX,
            ...(stages === undefined ? {} : { stages }),
          })
          return running.run(signal, onReady)
        },
        debug: () => running?.debug() ?? {},
      }
    },
  })
}

/** `name` alone, or `name-0`, `name-1` … */
export function simulatedNodeNames(name: string, count: number): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}-${i}`)
}

/** Build metadata is knarr's own. */
export const kubeletVersion = (): string => VERSION_INFO.gitVersion.replace(/\+.*$/, '')
