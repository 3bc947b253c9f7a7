/** What aggregated API servers serve, in the form of our own discovery documents. Upstream: apiserver discovery/aggregated. */
import type { APIResource } from '#machinery/api/meta/v1.gen.ts'
import type { AggregatedVersion, DiscoveryPriorities } from '../../aggregator/interfaces.ts'
import type { GroupVersions } from './documents.ts'
import {
  BUILT_IN_PRIORITIES,
  CUSTOM_RESOURCE_PRIORITY,
  compareGroups,
  compareVersions,
  groupPriority,
} from './priority.ts'

export function withAggregatedGroups(
  groups: readonly GroupVersions[],
  aggregated: readonly AggregatedVersion[],
  priorities: DiscoveryPriorities,
): readonly GroupVersions[] {
  if (aggregated.length === 0 && priorities.groups.size === 0 && priorities.versions.size === 0) return groups
  const merged = new Map(groups.map(({ group, versions }) => [group, new Set(versions)]))
  for (const { group, version } of aggregated) merged.set(group, (merged.get(group) ?? new Set()).add(version))
  const groupRank = (group: string): number => priorities.groups.get(group) ?? groupPriority(group)
  return [...merged]
    .map(([group, versions]) => ({ group, versions: orderedVersions(group, [...versions], priorities) }))
    .sort((a, b) => groupRank(b.group) - groupRank(a.group) || compareGroups(a.group, b.group))
}

function orderedVersions(group: string, versions: string[], { versions: said }: DiscoveryPriorities): string[] {
  const rank = (version: string): number => {
    const key = `${group}/${version}`
    return said.get(key) ?? (BUILT_IN_PRIORITIES.get(key) ?? CUSTOM_RESOURCE_PRIORITY).version
  }
  return versions.sort((a, b) => rank(b) - rank(a) || compareVersions(a, b))
}

/** One version of an APIGroupDiscovery. */
export function aggregatedVersionEntry({ group, version, resources, isStale }: AggregatedVersion): object {
  const own = ({ name }: APIResource): boolean => !name.includes('/')
  return {
    version,
    resources: resources.filter(own).map((resource) => ({
      resource: resource.name,
      responseKind: kindOf(resource, group, version),
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
      singularResource: resource.singularName,
      verbs: resource.verbs,
      ...(resource.shortNames === undefined ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories === undefined ? {} : { categories: resource.categories }),
      ...subresourcesOf(resource, resources, group, version),
    })),
    freshness: isStale ? 'Stale' : 'Current',
  }
}

function subresourcesOf({ name }: APIResource, all: readonly APIResource[], group: string, version: string): object {
  const found = all.filter((candidate) => candidate.name.startsWith(`${name}/`))
  if (found.length === 0) return {}
  const subresources = found.map((subresource) => ({
    subresource: subresource.name.slice(name.length + 1),
    responseKind: kindOf(subresource, group, version),
    verbs: subresource.verbs,
  }))
  return { subresources }
}

function kindOf(resource: APIResource, group: string, version: string): object {
  return { group: resource.group ?? group, version: resource.version ?? version, kind: resource.kind }
}
