/**
 * How healthy each zone is, and how fast nodes of it may be tainted NoExecute because of it.
 * Upstream: pkg/controller/nodelifecycle handleDisruption, ComputeZoneState, setLimiterInZone.
 */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { ZoneQueue } from './zone-queue.ts'

export type ZoneState = 'Initial' | 'Normal' | 'PartialDisruption' | 'FullDisruption'

/** Rates in nodes per second. */
export interface EvictionRates {
  readonly normal: number
  /** In a zone in partial disruption with more than `largeZoneNodes` nodes; smaller ones are left alone. */
  readonly secondary: number
  readonly largeZoneNodes: number
  /** Share of nodes not ready from which a zone is in partial disruption. */
  readonly unhealthyShare: number
}

/** Per zone: ready and not ready nodes. */
export interface ZoneCount {
  ready: number
  notReady: number
}

/** What a look at all zones has led to. */
type Turn = 'none' | 'all-lost' | 'back'

/** Fewer lost nodes are never a disruption of the zone. */
const LOST_NODES_MIN = 3
const SEPARATOR = ':\0:'

/** Region and zone; '' for nodes that say neither. */
export function zoneOf({ metadata: { labels = {} } }: DeepReadonly<Node>): string {
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? ''
  return zone === '' && region === '' ? '' : `${region}${SEPARATOR}${zone}`
}

export function zoneState({ ready, notReady }: ZoneCount, unhealthyShare: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption'
  const isPartial = notReady >= LOST_NODES_MIN && notReady / (ready + notReady) >= unhealthyShare
  return isPartial ? 'PartialDisruption' : 'Normal'
}

export class EvictionZones {
  readonly #clock: Clock
  readonly #rates: EvictionRates
  readonly #states = new Map<string, ZoneState>()
  readonly #queues = new Map<string, ZoneQueue>()

  constructor(clock: Clock, rates: EvictionRates) {
    this.#clock = clock
    this.#rates = rates
  }

  get isBusy(): boolean {
    for (const queue of this.#queues.values()) if (queue.isBusy) return true
    return false
  }

  stateOf(zone: string): ZoneState | undefined {
    return this.#states.get(zone)
  }

  /** The zone's queue; a zone nobody has seen begins here. */
  queueOf(zone: string): ZoneQueue {
    let queue = this.#queues.get(zone)
    if (queue === undefined) {
      queue = new ZoneQueue(this.#clock, this.#rates.normal)
      this.#queues.set(zone, queue)
      this.#states.set(zone, 'Initial')
    }
    return queue
  }

  queues(): readonly ZoneQueue[] {
    return [...this.#queues.values()]
  }

  /** Wherever it waits: nodes may change their zone. */
  remove(node: string): void {
    for (const queue of this.#queues.values()) queue.remove(node)
  }

  debug(): object {
    const entries = [...this.#queues].map(([zone, { waiting, perSecond }]) => ({
      zone: zone.replace(SEPARATOR, '/'),
      state: this.#states.get(zone),
      waiting,
      perSecond,
    }))
    return { zones: entries }
  }

  /**
   * Sets the rates for what the zones are like now. 'all-lost': no node anywhere is ready any more, evictions stop; 'back':
   * some are again. In both cases the caller has to forgive all nodes.
   */
  update(counts: ReadonlyMap<string, ZoneCount>): Turn {
    this.#dropEmpty(counts)
    const before = [...counts.keys()].map((zone) => this.#states.get(zone))
    const states = new Map([...counts].map(([zone, count]) => [zone, zoneState(count, this.#rates.unhealthyShare)]))
    const areAllLost = [...states.values()].every((state) => state === 'FullDisruption')
    const wereAllLost = before.every((state) => state === 'FullDisruption')
    if (areAllLost && wereAllLost) return 'none'
    for (const [zone, state] of states) {
      const count = counts.get(zone) ?? { ready: 0, notReady: 0 }
      const isSettled = this.#states.get(zone) === state && !wereAllLost && !areAllLost
      if (!isSettled) this.queueOf(zone).setRate(areAllLost ? 0 : this.#rateOf(state, count))
      this.#states.set(zone, state)
    }
    if (areAllLost) return 'all-lost'
    return wereAllLost ? 'back' : 'none'
  }

  #rateOf(state: ZoneState, { ready, notReady }: ZoneCount): number {
    if (state !== 'PartialDisruption') return this.#rates.normal
    return ready + notReady > this.#rates.largeZoneNodes ? this.#rates.secondary : 0
  }

  #dropEmpty(counts: ReadonlyMap<string, ZoneCount>): void {
    for (const zone of this.#states.keys()) if (!counts.has(zone)) this.#states.delete(zone)
    // Nodes that do not count for the zone's health may still wait in its queue.
    for (const [zone, queue] of this.#queues) if (queue.isEmpty && !counts.has(zone)) this.#queues.delete(zone)
  }
}
