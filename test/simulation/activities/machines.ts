/** Nodes that are deleted, and come back under their names: as when a machine is repaired or replaced. */
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { NODE_NAMES } from '../node-component.ts'
import type { Activity, Tools } from './activity.ts'

export function machines({ hands }: Tools): Activity {
  const missing = async (): Promise<readonly string[]> => {
    const present = new Set((await hands.all(NODES)).map(({ metadata }) => metadata.name))
    return NODE_NAMES.filter((name) => !present.has(name))
  }
  const remove = async (): Promise<void> => {
    const node = await hands.any(NODES)
    if (node !== undefined) await hands.remove(NODES, node)
  }
  const restore = async (names: readonly string[]): Promise<void> => {
    for (const name of names) await hands.create(NODES, newNode(name))
  }
  return {
    name: 'machines',
    actions: [
      { name: 'delete Node', weight: 5, disturbs: true, run: remove },
      { name: 'bring a Node back', weight: 5, run: async () => restore((await missing()).slice(0, 1)) },
    ],
    heal: async () => restore(await missing()),
  }
}

/** The machine behind it takes it over. */
function newNode(name: string): Node {
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' }
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} }
}
