/**
 * One active instance among several, by a Lease: the holder renews it, the others wait until it has not changed for its
 * duration as seen by their own clock, so clocks need not agree. A holder that cannot renew in time gives up.
 * Upstream: client-go tools/leaderelection.
 */
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Lease, LeaseSpec } from '#machinery/api/coordination/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, isConflict, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatMicroTime, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface LeaderElectionOptions {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly lease: { readonly namespace: string; readonly name: string }
  /** Unique among all instances, at all times. */
  readonly identity: string
  /** Told who leads, whenever that changes; also of ourselves. */
  onNewLeader?(identity: string): void
  readonly leaseDurationMs?: number
  readonly renewDeadlineMs?: number
  readonly retryPeriodMs?: number
}

const LEASE_DURATION_MS = 15_000
const RENEW_DEADLINE_MS = 10_000
const RETRY_PERIOD_MS = 2_000
/** Waits are stretched by up to this part of themselves, so that instances do not run in step. */
const JITTER = 1.2

interface Observed {
  readonly spec: DeepReadonly<LeaseSpec>
  readonly atMs: number
}

export class LeaderElector {
  readonly #options: Required<Omit<LeaderElectionOptions, 'onNewLeader'>> & LeaderElectionOptions
  #reportedLeader = ''
  #observed: Observed | undefined
  #isLeader = false

  constructor(options: LeaderElectionOptions) {
    this.#options = {
      leaseDurationMs: LEASE_DURATION_MS,
      renewDeadlineMs: RENEW_DEADLINE_MS,
      retryPeriodMs: RETRY_PERIOD_MS,
      ...options,
    }
  }

  get isLeader(): boolean {
    return this.#isLeader
  }

  /**
   * Waits for the lease, then runs `lead` with a signal that aborts when leadership is lost. Resolves when `lead` has
   * ended or `signal` aborted; the lease is released then. Rejects with `lead`'s error.
   */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    if (!(await this.#acquire(signal))) return
    const leadership = new AbortController()
    const abort = (): void => leadership.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#isLeader = true
    const renewing = this.#renew(leadership)
    try {
      await lead(leadership.signal)
    } finally {
      signal.removeEventListener('abort', abort)
      leadership.abort()
      await renewing
      this.#isLeader = false
      await this.#release()
    }
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, retryPeriodMs } = this.#options
    while (!signal.aborted) {
      if (await this.#tryAcquireOrRenew(signal)) return true
      const delayMs = retryPeriodMs + (retryPeriodMs * JITTER * random.int(1_000)) / 1_000
      await sleep(clock, delayMs, signal).catch(() => undefined)
    }
    return false
  }

  /** Renews until leadership ends; ends it when the deadline passes without a renewal. */
  async #renew(leadership: AbortController): Promise<void> {
    const { clock, logger, retryPeriodMs, renewDeadlineMs } = this.#options
    let renewedMs = clock.monotonicMs()
    for (;;) {
      await sleep(clock, retryPeriodMs, leadership.signal).catch(() => undefined)
      if (leadership.signal.aborted) return
      if (await this.#tryAcquireOrRenew(leadership.signal)) renewedMs = clock.monotonicMs()
      else if (clock.monotonicMs() - renewedMs >= renewDeadlineMs) {
        logger.error({ lease: this.#options.lease }, 'leadership lost')
        leadership.abort(new Error('leadership lost'))
      }
    }
  }

  async #tryAcquireOrRenew(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#acquireOrRenew(signal)
    } catch (err: unknown) {
      const { logger, lease } = this.#options
      if (!isConflict(err) && !isAlreadyExists(err) && !signal.aborted)
        logger.warn({ lease, error: errorMessage(err) }, 'the lease could not be acquired or renewed')
      return false
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { client, clock, lease, identity } = this.#options
    const current = await client.get(LEASES, lease, { signal }).catch(undefinedIfNotFound)
    const now = formatMicroTime(clock.now())
    if (current === undefined) {
      await client.create(LEASES, this.#newLease(now), { signal })
      this.#report(identity)
      return true
    }
    if (this.#observed === undefined || !deepEqual(this.#observed.spec, current.spec))
      this.#observed = { spec: current.spec, atMs: clock.monotonicMs() }
    const { holderIdentity = '', leaseTransitions = 0, acquireTime } = current.spec
    const isOurs = holderIdentity === identity
    if (!isOurs && holderIdentity !== '' && !this.#isExpired(this.#observed)) {
      this.#report(holderIdentity)
      return false
    }
    const spec: LeaseSpec = {
      ...this.#spec(now),
      leaseTransitions: isOurs ? leaseTransitions : leaseTransitions + 1,
      ...(isOurs && acquireTime !== undefined ? { acquireTime } : {}),
    }
    const renewed = await client.update(LEASES, { ...deepCopy<Lease>(current), spec }, { signal })
    this.#observed = { spec: renewed.spec, atMs: clock.monotonicMs() }
    this.#report(identity)
    return true
  }

  #report(leader: string): void {
    if (leader === this.#reportedLeader) return
    this.#reportedLeader = leader
    this.#options.onNewLeader?.(leader)
  }

  #isExpired({ spec, atMs }: Observed): boolean {
    const durationMs = (spec.leaseDurationSeconds ?? 0) * 1_000
    return this.#options.clock.monotonicMs() - atMs > durationMs
  }

  /** Lets the others in at once instead of after the lease's duration. Best effort. */
  async #release(): Promise<void> {
    const { client, clock, lease, identity } = this.#options
    try {
      const current = await client.get(LEASES, lease)
      if (current.spec.holderIdentity !== identity) return
      const now = formatMicroTime(clock.now())
      const { leaseTransitions = 0 } = current.spec
      const spec = { leaseDurationSeconds: 1, renewTime: now, acquireTime: now, holderIdentity: '', leaseTransitions }
      await client.update(LEASES, { ...deepCopy<Lease>(current), spec })
    } catch (err: unknown) {
      this.#options.logger.debug({ lease, error: errorMessage(err) }, 'the lease could not be released')
    }
  }

  #newLease(now: string): Lease {
    const { lease } = this.#options
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: lease.namespace, name: lease.name },
      spec: { ...this.#spec(now), leaseTransitions: 0 },
    }
  }

  #spec(now: string): LeaseSpec {
    const { identity, leaseDurationMs } = this.#options
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.round(leaseDurationMs / 1_000),
      acquireTime: now,
      renewTime: now,
    }
  }
}
