/**
 * Pods that wait on Permit: their node is reserved, their binding begins when every plugin that asked to wait has allowed
 * it, and never when one rejects it, its time is over or it is wanted for somebody else.
 * Upstream: scheduler framework/runtime/waiting_pods_map.go. Differs: there is a bound.
 */
import { formatGoDuration } from '#machinery/schema/protobuf/go-duration.ts'
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'
import type { FrozenPod, Verdict, WaitingPod } from '../framework/interfaces.ts'
import { podKey } from '../framework/pod-info.ts'
import { failed, unschedulable } from '../framework/verdicts.ts'

/** Waiting Pods take room on nodes, so there are rarely many. */
const PODS_MAX = 10_000
const STOPPED = 'the scheduler stops'
/** No plugin may ask for longer. */
export const WAIT_MAX_MS = 15 * 60_000

export class PermitWaits {
  readonly #clock: Clock
  readonly #pods = new Map<string, Wait>()
  #isStopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#pods.size
  }

  get(key: string): WaitingPod | undefined {
    return this.#pods.get(key)
  }

  values(): Iterable<WaitingPod> {
    return this.#pods.values()
  }

  /** From now on plugins see the Pod. `waits`: plugin -> how long at most. The verdict, or undefined: there are too many. */
  add(pod: FrozenPod, node: string, waits: ReadonlyMap<string, number>): Promise<Verdict | undefined> {
    if (this.#isStopped) return Promise.resolve(failed(undefined, STOPPED))
    if (this.#pods.size >= PODS_MAX) return Promise.resolve(unschedulable('too many pods wait on permit'))
    const key = podKey(pod)
    const wait = new Wait(pod, node, waits, this.#clock)
    this.#pods.set(key, wait)
    return wait.decided.finally(() => this.#pods.delete(key))
  }

  /** Nobody waits any longer. */
  stop(): void {
    this.#isStopped = true
    for (const wait of this.#pods.values()) wait.preempt('', STOPPED)
  }
}

class Wait implements WaitingPod {
  readonly pod: FrozenPod
  readonly node: string
  /** Undefined: allowed. */
  readonly decided: Promise<Verdict | undefined>
  readonly #timers = new Map<string, TimerHandle>()
  #decide: (verdict: Verdict | undefined) => void = () => undefined
  #isDecided = false

  constructor(pod: FrozenPod, node: string, waits: ReadonlyMap<string, number>, clock: Clock) {
    this.pod = pod
    this.node = node
    this.decided = new Promise((resolve) => {
      this.#decide = resolve
    })
    for (const [plugin, waitMs] of waits) {
      const message = `rejected due to timeout after waiting ${formatGoDuration(BigInt(Math.round(waitMs * 1e6)))} at plugin ${plugin}`
      this.#timers.set(
        plugin,
        clock.setTimeout(() => this.reject(plugin, message), waitMs),
      )
    }
  }

  get pendingPlugins(): readonly string[] {
    return [...this.#timers.keys()]
  }

  allow(plugin: string): void {
    this.#timers.get(plugin)?.cancel()
    this.#timers.delete(plugin)
    if (this.#timers.size === 0) this.#end(undefined)
  }

  reject(plugin: string, message: string): boolean {
    return this.#end({ ...unschedulable(message), plugin })
  }

  preempt(plugin: string, message: string): boolean {
    return this.#end({ ...failed(undefined, message), plugin })
  }

  /** False: it was decided already. */
  #end(verdict: Verdict | undefined): boolean {
    if (this.#isDecided) return false
    this.#isDecided = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#decide(verdict)
    return true
  }
}
