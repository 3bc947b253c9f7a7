/**
 * One Addon, several servers: each server that has the file says so in status.servers, and the newest version of the file is
 * the one that counts. So servers with different folders add up, the same file everywhere is applied by one of them, and a
 * file is gone when no server has it any more.
 * Upstream: k3s has every server apply its own folder over the others'. Differs: no taking turns, nothing deleted that
 * another server still holds, and a condition that says which servers disagree.
 */
import { ADDONS } from '#machinery/api/k3s/v1/resources.ts'
import type { Addon, AddonServer } from '#machinery/api/k3s/v1/types.ts'
import type { Condition } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface ServerRecordsOptions {
  readonly client: Client
  readonly clock: Clock
  /** This server. */
  readonly nodeName: string
  /** All servers of the datastore, down or not. Undefined: this is the only one, and no records are kept. */
  readonly members: (() => ReadonlySet<string>) | undefined
}

type AddonView = DeepReadonly<Addon>

const CONSISTENT = 'Consistent'
/** Who created the Addon: until that server's record is written, nobody else may take it for one without a file. */
const CREATOR_ANNOTATION = 'addon.k3s.cattle.io/created-by'
const SHOWN_CHECKSUM_LENGTH = 12

export class ServerRecords {
  readonly #options: ServerRecordsOptions

  constructor(options: ServerRecordsOptions) {
    this.#options = options
  }

  /** False: everything below is for nothing. */
  get isShared(): boolean {
    return this.#options.members !== undefined
  }

  /** Where this server has the file. */
  ownSource(addon: AddonView): string | undefined {
    return addon.status?.servers?.find(({ name }) => name === this.#options.nodeName)?.source
  }

  isHeldByOthers(addon: AddonView): boolean {
    const { nodeName, members } = this.#options
    const holders = this.#members(addon).map(({ name }) => name)
    const creator = addon.metadata.annotations?.[CREATOR_ANNOTATION]
    if (addon.status?.servers === undefined && creator !== undefined && members?.().has(creator)) holders.push(creator)
    return holders.some((name) => name !== nodeName)
  }

  /** What a new Addon carries. */
  annotations(): Record<string, string> | undefined {
    return this.isShared ? { [CREATOR_ANNOTATION]: this.#options.nodeName } : undefined
  }

  publish(
    addon: AddonView,
    file: { readonly path: string; readonly mtimeMs: number },
    checksum: string,
    signal: AbortSignal,
  ): Promise<AddonView> {
    const { nodeName } = this.#options
    const own = { name: nodeName, source: file.path, checksum, modifiedTime: new Date(file.mtimeMs).toISOString() }
    const others = this.#members(addon).filter(({ name }) => name !== nodeName)
    return this.#write(addon, [...others, own], signal)
  }

  /** This server has the file no more. */
  withdraw(addon: AddonView, signal: AbortSignal): Promise<AddonView> {
    return this.#write(
      addon,
      this.#members(addon).filter(({ name }) => name !== this.#options.nodeName),
      signal,
    )
  }

  /** Whether it is for this server to apply what it has: it has the newest version, or the same one and nobody applied it. */
  mayApply(addon: AddonView, checksum: string): boolean {
    const newest = newestOf(addon.status?.servers ?? [])
    if (newest === undefined || newest.name === this.#options.nodeName) return true
    return newest.checksum === checksum && addon.status?.observedChecksum !== checksum
  }

  /** The records of servers that still belong to the cluster. */
  #members(addon: AddonView): AddonServer[] {
    const members = this.#options.members?.()
    return (addon.status?.servers ?? []).filter(({ name }) => members?.has(name) ?? false)
  }

  async #write(addon: AddonView, servers: AddonServer[], signal: AbortSignal): Promise<AddonView> {
    servers.sort((a, b) => (a.name < b.name ? -1 : 1))
    const before = addon.status?.conditions ?? []
    const conditions = [
      ...before.filter(({ type }) => type !== CONSISTENT),
      ...consistency(servers, before, this.#options.clock.now()),
    ]
    const status = { ...deepCopy<NonNullable<Addon['status']>>(addon.status ?? {}), servers, conditions }
    if (deepEqual(status, { servers: [], conditions: [], ...addon.status })) return addon
    const draft = { ...deepCopy<Addon>(addon), status }
    return this.#options.client.update(ADDONS, draft, { subresource: 'status', signal })
  }
}

/** The latest change of the file wins; at the same time the server whose name comes first. */
function newestOf<T extends DeepReadonly<AddonServer>>(servers: readonly T[]): T | undefined {
  let newest: T | undefined
  for (const server of servers) {
    const isNewer =
      newest === undefined ||
      server.modifiedTime > newest.modifiedTime ||
      (server.modifiedTime === newest.modifiedTime && server.name < newest.name)
    if (isNewer) newest = server
  }
  return newest
}

/** None while fewer than two servers have the file. */
function consistency(
  servers: readonly AddonServer[],
  before: readonly DeepReadonly<Condition>[],
  now: Date,
): Condition[] {
  const newest = newestOf(servers)
  if (newest === undefined || servers.length < 2) return []
  const different = servers.filter(({ checksum }) => checksum !== newest.checksum)
  const status = different.length === 0 ? 'True' : 'False'
  const previous = before.find(({ type }) => type === CONSISTENT)
  const lastTransitionTime = previous?.status === status ? previous.lastTransitionTime : formatTime(now)
  if (different.length === 0) {
    const message = `${servers.length} servers have the same file`
    return [{ type: CONSISTENT, status, reason: 'SameOnAllServers', message, lastTransitionTime }]
  }
  const theirs = different.map((server) => `${server.name} has ${describe(server)}`).join(', ')
  const message = `the newest version counts, ${describe(newest)} of ${newest.name}; ${theirs}`
  return [{ type: CONSISTENT, status, reason: 'ServersDiffer', message, lastTransitionTime }]
}

const describe = ({ checksum, modifiedTime }: AddonServer): string =>
  `${checksum.slice(0, SHOWN_CHECKSUM_LENGTH)} of ${modifiedTime}`
