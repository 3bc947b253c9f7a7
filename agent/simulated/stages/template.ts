/** What templates of stages may call. The engine that renders them is handed in. Upstream: kwok pkg/utils/gotpl/funcs.go. */
import { isIP } from 'node:net'
import type { Clock } from '#machinery/util/clock.ts'
import { toYaml } from '#machinery/yaml/emit.ts'
import type { SimulatedNode } from '../simulated-node.ts'

export type TemplateFunctions = Readonly<Record<TemplateFunctionName, (...values: readonly unknown[]) => unknown>>

export type TemplateFunctionName = (typeof TEMPLATE_FUNCTION_NAMES)[number]

/** Renders a Go template over `data` (plain JSON) and reads the result as YAML. Throws an Error on bad templates and YAML. */
export type StageRenderer = (template: string, data: unknown, functions: TemplateFunctions) => unknown

const NODE_CONDITIONS = [
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['NetworkUnavailable', 'False', 'RouteCreated', 'RouteController created a route'],
].map(([type, status, reason, message]) => ({ type, status, reason, message }))

const KUBELET_PORT = 10_250

export interface TemplateContext {
  readonly clock: Clock
  readonly version: string
  readonly node: SimulatedNode
  /** The address of the object's Pod, given out when first asked for. */
  podIP(): string
}

export function templateFunctions({ clock, version, node, podIP }: TemplateContext): TemplateFunctions {
  const now = (): string => clock.now().toISOString()
  return {
    Quote: (value) => JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value ?? null)),
    Now: now,
    StartTime: now,
    YAML: (value, indent) => yaml(value, typeof indent === 'number' ? indent : 0),
    Version: () => version,
    NodeConditions: () => NODE_CONDITIONS,
    NodeName: () => node.name,
    NodeIP: () => node.address,
    NodePort: () => KUBELET_PORT,
    NodeIPWith: () => node.address,
    NodeIPsWith: () => [node.address],
    PodIP: podIP,
    PodIPWith: podIP,
    PodIPsWith: () => [podIP()].filter((address) => isIP(address) !== 0),
  }
}

/** Two spaces a level, as kwok indents. */
function yaml(value: unknown, indent: number): string {
  const text = toYaml(value)
  return indent <= 0 ? text : `\n${text}`.replaceAll('\n', `\n${' '.repeat(indent * 2)}`)
}

export const TEMPLATE_FUNCTION_NAMES = [
  'Quote',
  'Now',
  'StartTime',
  'YAML',
  'Version',
  'NodeConditions',
  'NodeName',
  'NodeIP',
  'NodePort',
  'NodeIPWith',
  'NodeIPsWith',
  'PodIP',
  'PodIPWith',
  'PodIPsWith',
] as const
