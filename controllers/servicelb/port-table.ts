/**
 * Who has which port on which Node. A load balancer serves a Node with all its ports or not at all; of two that want the same
 * port there, the Service created first has it. Pure.
 * Upstream: none; k3s leaves this to the host ports of its Pods, which stay Pending without a word on the Service.
 */

export interface Claim {
  /** namespace/name. */
  readonly service: string
  /** RFC 3339. */
  readonly createdAt: string
  /** Who of those created in the same second was seen first. */
  readonly arrival: number
  /** `TCP/80`. */
  readonly ports: readonly string[]
  /** Names of the Nodes it may use. */
  readonly nodes: readonly string[]
}

export interface Conflict {
  /** `TCP/80`. */
  readonly port: string
  /** The Service that has the port. */
  readonly holder: string
  /** On how many of the Nodes. */
  readonly nodes: number
}

export interface Assignment {
  /** Names of the Nodes that answer for the Service. */
  readonly nodes: readonly string[]
  /** How many there would be without conflicts. */
  readonly available: number
  readonly conflicts: readonly Conflict[]
}

/** Each Service's part, by its key. */
export function assignPorts(claims: readonly Claim[]): Map<string, Assignment> {
  const holders = new Map<string, string>()
  const assignments = new Map<string, Assignment>()
  for (const claim of [...claims].sort(inOrderOfPrecedence)) assignments.set(claim.service, assign(claim, holders))
  return assignments
}

function assign({ service, ports, nodes: wanted }: Claim, holders: Map<string, string>): Assignment {
  const nodes: string[] = []
  const conflicts = new Map<string, Conflict>()
  for (const node of wanted) {
    const taken = ports.flatMap((port) => {
      const holder = holders.get(`${node}|${port}`)
      return holder === undefined ? [] : [{ port, holder }]
    })
    for (const { port, holder } of taken) {
      const id = `${port}|${holder}`
      conflicts.set(id, { port, holder, nodes: (conflicts.get(id)?.nodes ?? 0) + 1 })
    }
    if (taken.length > 0) continue
    nodes.push(node)
    for (const port of ports) holders.set(`${node}|${port}`, service)
  }
  return { nodes, available: wanted.length, conflicts: [...conflicts.values()] }
}

function inOrderOfPrecedence(a: Claim, b: Claim): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  return a.arrival - b.arrival
}
