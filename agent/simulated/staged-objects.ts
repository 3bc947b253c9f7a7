/** Players of a file's stages over the Pods and Nodes of simulated nodes. */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { SimulatedNodesDependencies, SimulatedNodesOptions } from './interfaces.ts'
import type { SimulatedNode } from './simulated-node.ts'
import { StagePlayer } from './stages/stage-player.ts'
import { type TemplateFunctions, templateFunctions } from './stages/template.ts'

type Nodes = ReadonlyMap<string, SimulatedNode>

/** Undefined without stages of Pods. */
export function stagedPods(
  dependencies: SimulatedNodesDependencies,
  { stages, version }: SimulatedNodesOptions,
  nodes: Nodes,
): StagePlayer<Pod> | undefined {
  const list = stages?.list.filter(({ kind }) => kind === 'Pod') ?? []
  if (stages === undefined || list.length === 0) return undefined
  const addresses = new Map<string, string>()
  const functionsFor = (pod: DeepReadonly<Pod>): TemplateFunctions | undefined => {
    const node = nodes.get(pod.spec.nodeName ?? '')
    if (node?.isAlive !== true) return undefined
    const { uid = '' } = pod.metadata
    const podIP = (): string => {
      const address = addresses.get(uid) ?? pod.status?.podIP ?? node.takeAddress(pod) ?? ''
      addresses.set(uid, address)
      return address
    }
    return templateFunctions({ clock: dependencies.clock, version, node, podIP })
  }
  const onGone = ({ metadata, spec }: DeepReadonly<Pod>): void => {
    const { uid = '' } = metadata
    const node = nodes.get(spec.nodeName ?? '')
    const address = addresses.get(uid)
    if (address !== undefined) node?.releaseAddress(address)
    addresses.delete(uid)
  }
  const { render } = stages
  return new StagePlayer(dependencies, {
    resource: PODS,
    informer: dependencies.pods,
    stages: list,
    render,
    isOurs: ({ spec }) => nodes.has(spec.nodeName ?? ''),
    functionsFor,
    onGone,
  })
}

/** Undefined without stages of Nodes. */
export function stagedNodes(
  dependencies: SimulatedNodesDependencies,
  { stages, version }: SimulatedNodesOptions,
  nodes: Nodes,
): StagePlayer<Node> | undefined {
  const list = stages?.list.filter(({ kind }) => kind === 'Node') ?? []
  if (stages === undefined || list.length === 0) return undefined
  const functionsFor = ({ metadata }: DeepReadonly<Node>): TemplateFunctions | undefined => {
    const node = nodes.get(metadata.name ?? '')
    if (node?.isAlive !== true) return undefined
    return templateFunctions({ clock: dependencies.clock, version, node, podIP: () => '' })
  }
  const { render } = stages
  return new StagePlayer(dependencies, {
    resource: NODES,
    informer: dependencies.nodes,
    stages: list,
    render,
    isOurs: ({ metadata }) => nodes.has(metadata.name ?? ''),
    functionsFor,
  })
}
