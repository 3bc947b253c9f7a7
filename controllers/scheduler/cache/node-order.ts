/** Nodes in the order they are looked at: one of each zone in turn. Upstream: scheduler backend/cache/node_tree.go. */
import type { FrozenNode } from '../framework/interfaces.ts'

export function zoneOf({ metadata }: FrozenNode): string {
  const labels = metadata.labels ?? {}
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? ''
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  return `${region}:\u0000:${zone}`
}

/** `nodes` in their order of arrival, with their zones. */
export function roundRobin(nodes: Iterable<readonly [name: string, zone: string]>): string[] {
  const zones = new Map<string, string[]>()
  let longest = 0
  for (const [name, zone] of nodes) {
    const names = zones.get(zone) ?? []
    names.push(name)
    zones.set(zone, names)
    longest = Math.max(longest, names.length)
  }
  const order: string[] = []
  for (let i = 0; i < longest; i++) {
    for (const names of zones.values()) {
      const name = names[i]
      if (name !== undefined) order.push(name)
    }
  }
  return order
}
