/**
 * Whether this server's controllers run: at once when it is alone, by the Lease `kube-system/kube-controller-manager`
 * when there may be others. Who loses the lease stops its controllers and stands by; upstream ends the process instead.
 */
import { sleep } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import { LeaderElector } from '#sdk'
import { SHARED_INFORMERS_IDENTITY } from './identity.ts'
import type { ManagerOptions } from './interfaces.ts'

const LEASE = { namespace: 'kube-system', name: 'kube-controller-manager' }
const RETRY_MS = 1_000

export class Leadership {
  readonly #options: ManagerOptions
  readonly #elector: LeaderElector | undefined
  /** Resolves when somebody else was first seen to lead. */
  readonly standby: Promise<void>
  #markStandby: () => void = () => undefined
  #leader: string | undefined

  constructor(options: ManagerOptions) {
    this.#options = options
    this.standby = new Promise((resolve) => {
      this.#markStandby = resolve
    })
    const { leaderElection, clock, random, logger } = options
    if (leaderElection === undefined) return
    this.#elector = new LeaderElector({
      client: options.clientFor(SHARED_INFORMERS_IDENTITY),
      clock,
      random,
      logger,
      lease: LEASE,
      identity: leaderElection.identity,
      onNewLeader: (identity) => this.#onNewLeader(identity, identity === leaderElection.identity),
    })
  }

  get isLeader(): boolean {
    return this.#elector?.isLeader ?? true
  }

  debug(): { readonly leader?: string } {
    return this.#leader === undefined ? {} : { leader: this.#leader }
  }

  /** Runs `lead` whenever this server leads, until the signal aborts. */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    if (this.#elector === undefined) return lead(signal)
    const { clock, logger } = this.#options
    while (!signal.aborted) {
      try {
        await this.#elector.run(lead, signal)
      } catch (err: unknown) {
        logger.error({ err: toError(err) }, 'leading ended with an error')
        await sleep(clock, RETRY_MS, signal).catch(() => undefined)
      }
    }
  }

  #onNewLeader(leader: string, isThisServer: boolean): void {
    this.#leader = leader
    if (isThisServer) this.#options.logger.debug({ leader }, 'this server leads: its controllers run')
    else {
      this.#options.logger.info({ leader }, 'another server leads: controllers stand by')
      this.#markStandby()
    }
  }
}
