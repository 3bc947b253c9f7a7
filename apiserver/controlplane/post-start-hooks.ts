/**
 * What the server does once while it starts, as health checks by upstream's names: `poststarthook/<name>` fails until it is done.
 * Upstream: apiserver pkg/server/hooks.go. Differs: only those of which there is a counterpart here.
 */
import type { HealthCheck } from '../server/interfaces.ts'

/** In the order in which they are listed. */
export class PostStartHooks<Name extends string> {
  readonly #pending: Set<Name>
  readonly checks: readonly HealthCheck[]

  constructor(names: readonly Name[]) {
    this.#pending = new Set(names)
    this.checks = names.map((name) => ({
      name: `poststarthook/${name}`,
      endpoints: ['healthz', 'livez', 'readyz'],
      check: () => (this.#pending.has(name) ? 'not finished' : undefined),
    }))
  }

  done(...names: readonly Name[]): void {
    for (const name of names) this.#pending.delete(name)
  }
}
