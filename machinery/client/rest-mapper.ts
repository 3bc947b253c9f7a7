/**
 * From kinds to resources, by the server's own discovery: what generic parts (add-ons, Helm, garbage collection, namespace
 * deletion) use to reach objects of any type. Answers come from a cache that `refresh` renews; an unknown kind triggers
 * one refresh, so a CRD installed a moment ago is found. Upstream: client-go restmapper, discovery.
 */
import type { GroupVersionKind, Resource } from '#machinery/meta/resource.ts'
import { isObject } from '#machinery/util/json.ts'
import type { Client } from './client.ts'

export interface DiscoveredResource extends Resource {
  readonly verbs: readonly string[]
  readonly shortNames: readonly string[]
  readonly subresources: readonly string[]
  /** The version clients should use: the first the server lists for the group. */
  readonly isPreferred: boolean
}

export interface RestMapper {
  /** The resource that serves this exact kind; undefined when nobody does, even after asking the server again. */
  resourceFor(kind: GroupVersionKind, signal?: AbortSignal): Promise<DiscoveredResource | undefined>
  /** Every served resource (no subresources), all versions. */
  resources(signal?: AbortSignal): Promise<readonly DiscoveredResource[]>
  /** Asks the server again; callers at the same time share one request. */
  refresh(signal?: AbortSignal): Promise<void>
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

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
    const documents = await Promise.all(
      ['/api', '/apis'].map((path) =>
        this.#client.raw({ method: 'GET', path, headers: { accept: AGGREGATED }, ...(signal && { signal }) }),
      ),
    )
    const resources = documents.flatMap(({ body }) => [...discoveredResources(body)])
    this.#byKind = new Map(resources.map((resource) => [kindId(resource), resource]))
    this.#resources = resources
  }
}

const kindId = (kind: GroupVersionKind): string => `${kind.group}/${kind.version}/${kind.kind}`

function* discoveredResources(document: unknown): Generator<DiscoveredResource> {
  for (const group of members(document, 'items')) {
    const groupName = isObject(group['metadata']) ? text(group['metadata'], 'name') : ''
    for (const [index, version] of members(group, 'versions').entries()) {
      for (const resource of members(version, 'resources')) {
        const responseKind = isObject(resource['responseKind']) ? resource['responseKind'] : {}
        yield {
          group: groupName,
          version: text(version, 'version'),
          resource: text(resource, 'resource'),
          kind: text(responseKind, 'kind'),
          namespaced: resource['scope'] === 'Namespaced',
          verbs: texts(resource, 'verbs'),
          shortNames: texts(resource, 'shortNames'),
          subresources: members(resource, 'subresources').map((subresource) => text(subresource, 'subresource')),
          isPreferred: index === 0,
        }
      }
    }
  }
}

function members(value: unknown, name: string): Record<string, unknown>[] {
  const list = isObject(value) ? value[name] : undefined
  return Array.isArray(list) ? list.filter(isObject) : []
}

function text(value: Record<string, unknown>, name: string): string {
  const member = value[name]
  return typeof member === 'string' ? member : ''
}

function texts(value: Record<string, unknown>, name: string): string[] {
  const list = value[name]
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : []
}
