/**
 * How many Pods of a node match, remembered for as long as the node is as it is: Pods made from one template ask the same
 * of all nodes again and again, and between two of them few nodes change. Relies on the snapshot replacing the NodeInfo of
 * a node that changed.
 */
import type { FrozenPod, NodeInfo } from './interfaces.ts'

/** Questions remembered per node. */
const QUESTIONS_MAX = 256

export class PodCounter {
  readonly #answers = new WeakMap<NodeInfo, Map<string, number>>()

  /**
   * `question` names what `matches` asks: one text, one meaning; undefined: nothing is remembered. Only for nodes of the
   * snapshot, never for clones.
   */
  count(node: NodeInfo, question: string | undefined, matches: (pod: FrozenPod) => boolean): number {
    if (node.pods.size === 0) return 0
    if (question === undefined) return countPods(node, matches)
    let answers = this.#answers.get(node)
    if (answers === undefined || answers.size >= QUESTIONS_MAX) {
      answers = new Map()
      this.#answers.set(node, answers)
    }
    let count = answers.get(question)
    if (count === undefined) {
      count = countPods(node, matches)
      answers.set(question, count)
    }
    return count
  }
}

function countPods({ pods }: NodeInfo, matches: (pod: FrozenPod) => boolean): number {
  let count = 0
  for (const { pod } of pods.values()) if (matches(pod)) count++
  return count
}
