/** What aggregated API servers serve, in the form of our own discovery documents. Upstream: apiserver discovery/aggregated. */
import type { APIResource } from '#machinery/api/meta/v1.gen.ts'
import type { AggregatedVersion } from '../../aggregator/interfaces.ts'
import type { GroupVersions } from './documents.ts'
import { compareGroups, compareVersions } from './priority.ts'

export function withAggregatedGroups(
  groups: readonly GroupVersions[],
  aggregated: readonly AggregatedVersion[],
): readonly GroupVersions[] {
  if (aggregated.length === 0) return groups
  const merged = new Map(groups.map(({ group, versions }) => [group, new Set(versions)]))
  for (const { group, version } of aggregated) merged.set(group, (merged.get(group) ?? new Set()).add(version))
  return [...merged]
    .map(([group, versions]) => ({ group, versions: [...versions].sort(compareVersions) }))
    .sort((a, b) => compareGroups(a.group, b.group))
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
