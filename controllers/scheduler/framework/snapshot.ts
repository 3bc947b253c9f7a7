/**
 * What one scheduling cycle sees: all nodes in the order they are looked at. Brought up to date before a cycle by
 * replacing only the NodeInfos that changed. Upstream: kube-scheduler backend/cache/snapshot.go.
 */
import type { NodeInfo, Snapshot } from './interfaces.ts'

export function createSnapshot(nodes: readonly NodeInfo[]): Snapshot {
  const snapshot = new NodeSnapshot()
  snapshot.reset(nodes)
  return snapshot
}

export class NodeSnapshot implements Snapshot {
  nodes: readonly NodeInfo[] = []
  #order: NodeInfo[] = []
  #places = new Map<string, number>()
  #withAffinity: readonly NodeInfo[] | undefined
  #withRequiredAntiAffinity: readonly NodeInfo[] | undefined
  readonly #images = new Map<string, number>()

  get(name: string): NodeInfo | undefined {
    const place = this.#places.get(name)
    return place === undefined ? undefined : this.nodes[place]
  }

  get withPodAffinity(): readonly NodeInfo[] {
    this.#withAffinity ??= this.nodes.filter(({ podsWithAffinity }) => podsWithAffinity.size > 0)
    return this.#withAffinity
  }

  get withRequiredAntiAffinity(): readonly NodeInfo[] {
    this.#withRequiredAntiAffinity ??= this.nodes.filter(
      ({ podsWithRequiredAntiAffinity }) => podsWithRequiredAntiAffinity.size > 0,
    )
    return this.#withRequiredAntiAffinity
  }

  imageNodes(image: string): number {
    return this.#images.get(image) ?? 0
  }

  /** Other nodes, or another order. */
  reset(nodes: readonly NodeInfo[]): void {
    this.#order = [...nodes]
    this.nodes = this.#order
    this.#places = new Map(nodes.map(({ name }, place) => [name, place]))
    this.#images.clear()
    for (const { images } of nodes) this.#countImages(images, 1)
    this.#forgetLists()
  }

  /** The node as it is now, in its old place. */
  replace(node: NodeInfo): void {
    const place = this.#places.get(node.name)
    const old = place === undefined ? undefined : this.#order[place]
    if (place === undefined || old === undefined) return
    this.#order[place] = node
    if (old.images !== node.images) {
      this.#countImages(old.images, -1)
      this.#countImages(node.images, 1)
    }
    if (hasAffinity(old) || hasAffinity(node)) this.#forgetLists()
  }

  #countImages(images: ReadonlyMap<string, number>, sign: 1 | -1): void {
    for (const image of images.keys()) {
      const count = (this.#images.get(image) ?? 0) + sign
      if (count <= 0) this.#images.delete(image)
      else this.#images.set(image, count)
    }
  }

  #forgetLists(): void {
    this.#withAffinity = undefined
    this.#withRequiredAntiAffinity = undefined
  }
}

const hasAffinity = ({ podsWithAffinity }: NodeInfo): boolean => podsWithAffinity.size > 0
