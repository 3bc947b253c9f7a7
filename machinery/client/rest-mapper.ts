/**
 * From kinds to resources, by the server's own discovery: what generic parts (add-ons, Helm) use to reach objects of any
 * type. Answers come from a cache that `refresh` renews; an unknown kind triggers one refresh, so a CRD installed a moment
 * ago is found. Upstream: client-go restmapper.
 */
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import type { Client } from './client.ts'
import type { DiscoveredResource } from './discovery.ts'
import { discoverResources } from './discovery.ts'

export interface RestMapper {
  /** The resource that serves this exact kind; undefined when nobody does, even after asking the server again. */
  resourceFor(kind: GroupVersionKind, signal?: AbortSignal): Promise<DiscoveredResource | undefined>
  /** Every served resource (no subresources), all versions. */
  resources(signal?: AbortSignal): Promise<readonly DiscoveredResource[]>
  /** Asks the server again; callers at the same time share one request. */
  refresh(signal?: AbortSignal): Promise<void>
}

export function createRestMapper(client: Client): RestMapper {
  return new CachedRestMapper(client)
}

class CachedRestMapper implements RestMapper {
  readonly #client: Client
  #resources: readonly DiscoveredResource[] | undefined
  #byKind: ReadonlyMap<string, DiscoveredResource> = new Map()
  #refreshing: Promise<void> | undefined

  constructor(client: Client) {
    this.#client = client
  }

  async resourceFor(kind: GroupVersionKind, signal?: AbortSignal): Promise<DiscoveredResource | undefined> {
    const known = this.#byKind.get(kindId(kind))
    if (known !== undefined) return known
    await this.refresh(signal)
    return this.#byKind.get(kindId(kind))
  }

  async resources(signal?: AbortSignal): Promise<readonly DiscoveredResource[]> {
    if (this.#resources === undefined) await this.refresh(signal)
    return this.#resources ?? []
  }

  refresh(signal?: AbortSignal): Promise<void> {
    this.#refreshing ??= this.#load(signal).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #load(signal: AbortSignal | undefined): Promise<void> {
    const { resources } = await discoverResources(this.#client, signal)
    this.#byKind = new Map(resources.map((resource) => [kindId(resource), resource]))
    this.#resources = resources
  }
}

const kindId = (kind: GroupVersionKind): string => `${kind.group}/${kind.version}/${kind.kind}`
