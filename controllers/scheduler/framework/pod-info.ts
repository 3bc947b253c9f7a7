/** What is computed once about a Pod. Upstream: kube-scheduler framework/types.go PodInfo. */
import { affinityTermsOf } from './affinity-terms.ts'
import type { FrozenPod, HostPort, PodInfo } from './interfaces.ts'
import { podAmounts } from './resource-amounts.ts'

export function createPodInfo(pod: FrozenPod): PodInfo {
  return { pod, ...podAmounts(pod), hostPorts: hostPortsOf(pod), ...affinityTermsOf(pod) }
}

/** The same Pod in a state in which nothing that was computed can be different. */
export const withPod = (info: PodInfo, pod: FrozenPod): PodInfo => ({ ...info, pod })

/** `metadata.uid`: what a Pod is known by in queue, cache and NodeInfo. */
export const podKey = ({ metadata }: FrozenPod): string => metadata.uid ?? `${metadata.namespace}/${metadata.name}`

/** `namespace/name`, as people read it. */
export const podName = ({ metadata }: FrozenPod): string => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`

export const podPriority = ({ spec }: FrozenPod): number => spec.priority ?? 0

/** Containers and sidecars. Upstream: scheduler util.GetHostPorts. */
export function hostPortsOf({ spec }: FrozenPod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const ports: HostPort[] = []
  for (const container of [...spec.containers, ...sidecars]) {
    for (const { hostPort = 0, hostIP, protocol = 'TCP' } of container.ports ?? []) {
      if (hostPort > 0)
        ports.push({ ip: hostIP === undefined || hostIP === '' ? ANY_IP : hostIP, protocol, port: hostPort })
    }
  }
  return ports
}

export const ANY_IP = '0.0.0.0'
