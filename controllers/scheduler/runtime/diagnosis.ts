/** Why no node was found, and how that is said. Upstream: scheduler framework/types.go Diagnosis, FitError. */
import type { NodeInfo, Verdict } from '../framework/interfaces.ts'

export class Diagnosis {
  /** Node -> the first "no". */
  readonly verdicts = new Map<string, Verdict>()
  /** Of all nodes that are not in `verdicts`. */
  #others: Verdict | undefined
  #preFilterMessage = ''
  readonly #postFilterMessages: string[] = []
  readonly rejectedBy = new Set<string>()
  readonly pendingBy = new Set<string>()

  reject(node: string, verdict: Verdict): void {
    this.verdicts.set(node, verdict)
    this.#blame(verdict)
  }

  /** Refused before any node was looked at. */
  rejectAll(verdict: Verdict): void {
    this.#others = verdict
    this.#preFilterMessage = messageOf(verdict)
    this.#blame(verdict)
  }

  /** Nodes that PreFilter plugins left out. */
  leaveOut(plugins: readonly string[]): void {
    for (const plugin of plugins) this.rejectedBy.add(plugin)
    const reason = `node(s) didn't satisfy plugin(s) [${[...plugins].sort().join(' ')}]`
    this.#others = { code: 'UnschedulableAndUnresolvable', reasons: [reason] }
  }

  /** What PostFilter plugins have to say, one after the other. */
  explain(verdict: Verdict): void {
    this.#postFilterMessages.push(messageOf(verdict))
  }

  /** Every node with its "no", for preemption. */
  verdictsOf(nodes: readonly NodeInfo[]): ReadonlyMap<string, Verdict> {
    const others = this.#others ?? UNKNOWN
    return new Map(nodes.map(({ name }) => [name, this.verdicts.get(name) ?? others]))
  }

  /** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …` */
  message(nodeCount: number): string {
    const parts = [`0/${nodeCount} nodes are available:`]
    if (this.#preFilterMessage !== '') parts.push(`${this.#preFilterMessage}.`)
    else {
      const reasons = this.#countedReasons(nodeCount)
      if (reasons.length > 0) parts.push(`${reasons.join(', ')}.`)
    }
    if (this.#postFilterMessages.length > 0) parts.push(this.#postFilterMessages.join(', '))
    return parts.join(' ')
  }

  #countedReasons(nodeCount: number): string[] {
    const counts = new Map<string, number>()
    const count = (reasons: readonly string[], times: number): void => {
      for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + times)
    }
    for (const { reasons } of this.verdicts.values()) count(reasons, 1)
    const others = nodeCount - this.verdicts.size
    if (others > 0) count(this.#others?.reasons ?? [], others)
    return [...counts].map(([reason, times]) => `${times} ${reason}`).sort()
  }

  #blame({ code, plugin }: Verdict): void {
    if (plugin === undefined) return
    if (code === 'Pending') this.pendingBy.add(plugin)
    else this.rejectedBy.add(plugin)
  }
}

const UNKNOWN: Verdict = { code: 'UnschedulableAndUnresolvable', reasons: [] }

export const messageOf = ({ reasons }: Verdict): string => reasons.join(', ')
