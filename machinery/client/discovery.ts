/**
 * Which resources the server has, with their verbs. Reads aggregated discovery (two
 * requests) and falls back to the legacy documents. Groups that cannot be discovered are reported, not thrown: callers
 * must be able to go on with the rest. Upstream: client-go discovery ServerPreferredResources.
 */
import type { APIGroupDiscovery } from '#machinery/api/apidiscovery/v2/types.gen.ts'
import type { APIGroup, APIResourceList } from '#machinery/api/meta/v1.gen.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { tryParseApiVersion } from '#machinery/meta/resource.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Client } from './client.ts'

export interface DiscoveredResource extends Resource {
  readonly verbs: readonly string[]
}

export interface DiscoveryFailure {
  readonly groupVersion: string
  readonly message: string
}

export interface Discovery {
  readonly resources: readonly DiscoveredResource[]
  readonly failures: readonly DiscoveryFailure[]
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

/** The preferred version of each resource. Rejects only when the server does not answer discovery at all. */
export async function discoverPreferredResources(client: Client, signal?: AbortSignal): Promise<Discovery> {
  const { resources, failures } = await discoverResources(client, signal)
  const preferred = new Map<string, DiscoveredResource>()
  // Versions come in order of preference, so the first that has a resource is the preferred one.
  for (const resource of resources) {
    const id = `${resource.group}/${resource.resource}`
    if (!preferred.has(id)) preferred.set(id, resource)
  }
  return { resources: [...preferred.values()], failures }
}

/** Every served version of every resource, versions in the server's order of preference. */
export async function discoverResources(client: Client, signal?: AbortSignal): Promise<Discovery> {
  const resources: DiscoveredResource[] = []
  const failures: DiscoveryFailure[] = []
  for (const path of ['/api', '/apis']) {
    const document = await getDocument(client, path, AGGREGATED, signal)
    if (document['kind'] === 'APIGroupDiscoveryList') {
      const items = document['items'] as DeepReadonly<APIGroupDiscovery[]> | undefined
      for (const group of items ?? []) readGroup(group, resources, failures)
    } else {
      for (const group of legacyGroups(document)) await readLegacyGroup(client, group, resources, failures, signal)
    }
  }
  return { resources, failures }
}

async function getDocument(
  client: Client,
  path: string,
  accept: string,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await client.raw({
    method: 'GET',
    path,
    headers: { accept },
    ...(signal === undefined ? {} : { signal }),
  })
  if (answer.status !== 200 || typeof answer.body !== 'object' || answer.body === null)
    throw new Error(`discovery ${path} was answered with ${answer.status}`)
  return answer.body as Readonly<Record<string, unknown>>
}

function readGroup(
  group: DeepReadonly<APIGroupDiscovery>,
  found: DiscoveredResource[],
  failures: DiscoveryFailure[],
): void {
  const groupName = group.metadata.name ?? ''
  for (const { version, resources, freshness } of group.versions ?? []) {
    if (freshness === 'Stale')
      failures.push({
        groupVersion: groupName === '' ? version : `${groupName}/${version}`,
        message: 'stale discovery',
      })
    for (const { resource, responseKind, scope, verbs } of resources ?? []) {
      const kind = responseKind?.kind ?? ''
      found.push({ group: groupName, version, resource, kind, namespaced: scope === 'Namespaced', verbs })
    }
  }
}

interface LegacyGroup {
  readonly prefix: string
  readonly groupVersions: readonly string[]
}

function legacyGroups(document: Readonly<Record<string, unknown>>): LegacyGroup[] {
  if (document['kind'] === 'APIVersions')
    return [{ prefix: '/api', groupVersions: (document['versions'] as readonly string[] | undefined) ?? [] }]
  const groups = (document['groups'] as DeepReadonly<APIGroup[]> | undefined) ?? []
  return groups.map(({ versions, preferredVersion }) => {
    const all = versions.map(({ groupVersion }) => groupVersion)
    const preferred = preferredVersion?.groupVersion
    return { prefix: '/apis', groupVersions: preferred === undefined ? all : [...new Set([preferred, ...all])] }
  })
}

async function readLegacyGroup(
  client: Client,
  group: LegacyGroup,
  found: DiscoveredResource[],
  failures: DiscoveryFailure[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const groupVersion of group.groupVersions) {
    try {
      const document = await getDocument(client, `${group.prefix}/${groupVersion}`, 'application/json', signal)
      readLegacyVersion(groupVersion, document['resources'] as APIResourceList['resources'] | undefined, found)
    } catch (err: unknown) {
      signal?.throwIfAborted()
      failures.push({ groupVersion, message: errorMessage(err) })
    }
  }
}

function readLegacyVersion(
  groupVersion: string,
  resources: APIResourceList['resources'] | undefined,
  found: DiscoveredResource[],
): void {
  const parsed = tryParseApiVersion(groupVersion)
  if (parsed === undefined) return
  for (const { name, kind, namespaced, verbs } of resources ?? [])
    if (!name.includes('/')) found.push({ ...parsed, resource: name, kind, namespaced, verbs })
}
