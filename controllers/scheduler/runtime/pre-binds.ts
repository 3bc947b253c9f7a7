/**
 * Pods whose PreBind plugins work: until those are done a Pod can be taken back without anybody outside having heard of it.
 * Upstream: scheduler framework/runtime/pods_in_prebind_map.go.
 */
import type { PodInPreBind } from '../framework/interfaces.ts'

export class PreBinds {
  readonly #pods = new Map<string, PreBind>()

  get(key: string): PodInPreBind | undefined {
    return this.#pods.get(key)
  }

  /** Runs `work` with a signal that aborts when the Pod is taken back. Rejects with the reason for that, or as `work` does. */
  async run<T>(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const phase = new PreBind()
    this.#pods.set(key, phase)
    try {
      const result = await work(AbortSignal.any([signal, phase.signal]))
      phase.signal.throwIfAborted()
      return result
    } catch (err: unknown) {
      phase.signal.throwIfAborted()
      throw err
    } finally {
      this.#pods.delete(key)
    }
  }
}

class PreBind implements PodInPreBind {
  readonly #controller = new AbortController()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  cancel(message: string): void {
    this.#controller.abort(new Error(message))
  }
}
