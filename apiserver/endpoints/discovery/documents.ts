/**
 * Discovery documents, made of the resource definitions: legacy (/api, /apis, one list per version) and aggregated.
 * Upstream: apiserver pkg/endpoints/discovery/{group,version,legacy}.go, discovery/aggregated.
 */
import { createHash } from 'node:crypto'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { ResourceDefinition, SubresourceDefinition, VersionDefinition } from '../../registry/generic/interfaces.ts'
import { compareGroups, compareVersions } from './priority.ts'

export interface GroupVersions {
  readonly group: string
  /** Preferred first. */
  readonly versions: readonly string[]
}

export function groupsOf(definitions: readonly ResourceDefinition[]): GroupVersions[] {
  const versionsByGroup = new Map<string, Set<string>>()
  for (const { group, versions } of definitions) {
    for (const { version, served } of versions) {
      if (!served) continue
      const known = versionsByGroup.get(group)
      if (known === undefined) versionsByGroup.set(group, new Set([version]))
      else known.add(version)
    }
  }
  return [...versionsByGroup]
    .map(([group, versions]) => ({ group, versions: [...versions].sort(compareVersions) }))
    .sort((a, b) => compareGroups(a.group, b.group))
}

export function legacyVersions(groups: readonly GroupVersions[], serverAddress: string): object {
  const versions = groups.find(({ group }) => group === '')?.versions ?? []
  const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress }]
  return { kind: 'APIVersions', versions, serverAddressByClientCIDRs }
}

export function groupList(groups: readonly GroupVersions[]): object {
  const named = groups.filter(({ group }) => group !== '')
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(groupEntry) }
}

export function groupDocument(group: GroupVersions): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) }
}

function groupEntry({ group, versions }: GroupVersions) {
  const entries = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions: entries, preferredVersion: entries[0] }
}

export function resourceList(group: string, version: string, definitions: readonly ResourceDefinition[]): object {
  const resources = servedIn(group, version, definitions).flatMap((definition) => [
    mainResource(definition),
    ...listedSubresources(definition, version).map((subresource) => subresourceEntry(definition, subresource)),
  ])
  const head = group === '' ? { kind: 'APIResourceList' } : { kind: 'APIResourceList', apiVersion: 'v1' }
  return { ...head, groupVersion: apiVersionOf({ group, version }), resources }
}

/** Custom resources do not join those a built-in version has. */
function servedIn(group: string, version: string, definitions: readonly ResourceDefinition[]): ResourceDefinition[] {
  const isServed = (candidate: VersionDefinition): boolean => candidate.version === version && candidate.served
  const served = definitions.filter((definition) => definition.group === group && definition.versions.some(isServed))
  const builtIn = served.filter(({ isCustom }) => isCustom !== true)
  return (builtIn.length > 0 ? builtIn : served).sort((a, b) => (a.resource < b.resource ? -1 : 1))
}

/** Of custom resources: those of this version, status first. */
function listedSubresources(definition: ResourceDefinition, version: string): readonly SubresourceDefinition[] {
  const { isCustom, subresources, versions } = definition
  if (isCustom !== true) return [...subresources].sort((a, b) => (a.name < b.name ? -1 : 1))
  const { converted } = versions.find((one) => one.version === version) ?? {}
  return (converted?.definition ?? definition).subresources
}

function mainResource(definition: ResourceDefinition): object {
  const { resource, singular, namespaced, kind, shortNames, categories } = definition
  return {
    name: resource,
    singularName: singular,
    namespaced,
    kind,
    verbs: [...definition.verbs].sort(),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(definition.virtualCreate === undefined ? { storageVersionHash: storageVersionHash(definition) } : {}),
  }
}

function subresourceEntry(definition: ResourceDefinition, subresource: SubresourceDefinition): object {
  const name = `${definition.resource}/${subresource.name}`
  const foreign = foreignKind(subresource)
  return {
    name,
    singularName: '',
    namespaced: definition.namespaced,
    ...(foreign === undefined ? {} : { group: foreign.group, version: foreign.version }),
    kind: foreign?.kind ?? definition.kind,
    verbs: verbsOf(subresource),
  }
}

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

function foreignKind(subresource: SubresourceDefinition): typeof SCALE | undefined {
  if (subresource.type === 'scale') return SCALE
  return subresource.type === 'create' || subresource.type === 'connect' ? subresource.kind : undefined
}

export function verbsOf(subresource: SubresourceDefinition): readonly string[] {
  if (subresource.type === 'view' || subresource.type === 'connect') return [...subresource.verbs].sort()
  return subresource.type === 'scale' ? ['get', 'patch', 'update'] : ['create']
}

function storageVersionHash({ group, storageVersion, kind }: ResourceDefinition): string {
  const hash = createHash('sha256').update(`${group}/${storageVersion}/${kind}`).digest()
  return hash.subarray(0, 8).toString('base64')
}

/** APIGroupDiscoveryList of the legacy group alone (at /api) or of all others (at /apis). */
export function aggregatedDiscovery(
  apiVersion: string,
  groups: readonly GroupVersions[],
  definitions: readonly ResourceDefinition[],
  elsewhere: (group: string, version: string) => object | undefined,
): object {
  const byGroup = new Map<string, ResourceDefinition[]>(groups.map(({ group }) => [group, []]))
  for (const definition of definitions) byGroup.get(definition.group)?.push(definition)
  const own = (group: string, version: string): object => ({
    version,
    resources: servedIn(group, version, byGroup.get(group) ?? []).map((definition) =>
      aggregatedResource(version, definition),
    ),
    freshness: 'Current',
  })
  const items = groups.map(({ group, versions }) => ({
    metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
    versions: versions.map((version) => elsewhere(group, version) ?? own(group, version)),
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion, metadata: {}, items }
}

function aggregatedResource(version: string, definition: ResourceDefinition): object {
  const { group, resource, singular, namespaced, kind, shortNames, categories } = definition
  const own = { group, version, kind }
  const subresources = listedSubresources(definition, version).map((subresource) => ({
    subresource: subresource.name,
    responseKind: foreignKind(subresource) ?? own,
    verbs: verbsOf(subresource),
  }))
  return {
    resource,
    responseKind: own,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: [...definition.verbs].sort(),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  }
}
