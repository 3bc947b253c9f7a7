/**
 * How soon a failed Pod of a DaemonSet may be deleted again on one node: a kubelet that refuses it would otherwise be asked
 * without end. Upstream: client-go util/flowcontrol/backoff.go as pkg/controller/daemon uses it.
 */
import type { Clock } from '#machinery/util/clock.ts'

const INITIAL_MS = 1_000
const MAX_MS = 15 * 60_000

interface Entry {
  readonly delayMs: number
  readonly sinceMs: number
}

export class FailedPodBackoff {
  readonly #clock: Clock
  /** By DaemonSet, then by node. */
  readonly #entries = new Map<string, Map<string, Entry>>()
  /** A new template may do better: its failures count from the start. */
  readonly #generations = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds still to wait; 0: it may be deleted now, which counts as the next failure. */
  attempt(key: string, generation: number, node: string): number {
    if (this.#generations.get(key) !== generation) this.forget(key)
    this.#generations.set(key, generation)
    const nodes = this.#entries.get(key) ?? new Map<string, Entry>()
    this.#entries.set(key, nodes)
    const nowMs = this.#clock.monotonicMs()
    const known = nodes.get(node)
    const before = known !== undefined && nowMs - known.sinceMs <= 2 * MAX_MS ? known : undefined
    if (before !== undefined && nowMs - before.sinceMs < before.delayMs)
      return before.delayMs - (nowMs - before.sinceMs)
    const delayMs = before === undefined ? INITIAL_MS : Math.min(before.delayMs * 2, MAX_MS)
    nodes.set(node, { delayMs, sinceMs: nowMs })
    return 0
  }

  forget(key: string): void {
    this.#entries.delete(key)
    this.#generations.delete(key)
  }

  /** Nodes that are gone. */
  keepOnly(key: string, nodes: ReadonlySet<string>): void {
    const entries = this.#entries.get(key)
    for (const node of entries?.keys() ?? []) if (!nodes.has(node)) entries?.delete(node)
  }
}
