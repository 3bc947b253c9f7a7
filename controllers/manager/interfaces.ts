/** What the composition root gives the manager. */
import type { Registry } from 'prom-client'
import type { Client } from '#machinery/client/client.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { AnyControllerDefinition } from '#sdk'
import type { ControllerIdentity } from './identity.ts'

export interface ManagerOptions {
  readonly definitions: readonly AnyControllerDefinition[]
  /** `['*']` = all. */
  readonly selection?: readonly string[]
  /** Feature gates by upstream's names; absent: all off, but controllers behind one run. */
  isGateEnabled?(name: string): boolean
  /** Whether the server has this resource; absent: it has them all. */
  isServed?(resource: GroupResource): boolean
  /** Absent: this server is alone and leads. `identity`: unique among all servers, the same after a restart. */
  readonly leaderElection?: { readonly identity: string }
  /** A client that acts with this identity through the whole API chain. */
  clientFor(identity: ControllerIdentity): Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Where the metrics go; absent: nothing is measured. */
  readonly registry?: Registry
}
