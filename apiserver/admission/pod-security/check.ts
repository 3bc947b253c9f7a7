/** What one check is, and the words checks share. Upstream: pod-security-admission policy/{checks,helpers,visitor}.go. */
import type { Container, PodSpec, SecurityContext } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** A pod, or the template of a controller. */
export interface PodLike {
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: DeepReadonly<PodSpec>
}

export interface Violation {
  readonly reason: string
  readonly detail: string
}

type CheckPod = (pod: PodLike) => Violation | undefined

export interface Check {
  readonly id: string
  /** In ascending order; the last that is not newer than the policy's version counts. */
  readonly versions: readonly { readonly minor: number; readonly check: CheckPod }[]
  /** A restricted check that makes this baseline check superfluous. */
  readonly overrides?: string
}

export type PodContainer = DeepReadonly<
  Pick<Container, 'name' | 'ports' | 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'>
> & {
  readonly securityContext?: DeepReadonly<SecurityContext>
}

/** Init containers first, as messages name them. */
export function containersOf({ spec }: PodLike): readonly PodContainer[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = spec
  return [...initContainers, ...containers, ...ephemeralContainers]
}

/** Names of the containers for which it holds. */
export const containersWith = (pod: PodLike, isBad: (container: PodContainer) => boolean): string[] =>
  containersOf(pod)
    .filter(isBad)
    .map(({ name }) => name)

export const quoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(', ')

export const plural = (singular: string, items: { readonly length: number }): string =>
  items.length === 1 ? singular : `${singular}s`

/** `container "a"`, `containers "a", "b"`. */
export const namedContainers = (names: readonly string[]): string => `${plural('container', names)} ${quoted(names)}`

/** `pod and container "a"`. */
export const setters = (isPodBad: boolean, names: readonly string[]): string =>
  [...(isPodBad ? ['pod'] : []), ...(names.length > 0 ? [namedContainers(names)] : [])].join(' and ')

export const sorted = (items: Iterable<string>): string[] => [...new Set(items)].sort()

/** With a user namespace of its own, root in the pod is nobody outside. */
export const isInUserNamespace = ({ spec }: PodLike): boolean => spec.hostUsers === false
