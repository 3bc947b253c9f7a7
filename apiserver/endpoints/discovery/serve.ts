/** /api, /apis and below: which document a path and an Accept header mean. Upstream: apiserver pkg/endpoints/discovery. */
import { newPathNotFound } from '#machinery/meta/errors.ts'
import { encodeProtobuf } from '#machinery/schema/protobuf/encode.ts'
import { toYaml } from '#machinery/yaml/yaml.ts'
import type { AggregatedVersion, DiscoveryPriorities } from '../../aggregator/interfaces.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceDefinition } from '../../registry/generic/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import type { AcceptClause } from '../accept.ts'
import type { Media } from '../negotiate.ts'
import { negotiateDocument } from '../negotiate.ts'
import { aggregatedVersionEntry, withAggregatedGroups } from './aggregated-versions.ts'
import type { DocumentCache } from './cached-document.ts'
import { aggregatedDiscovery, groupDocument, groupList, groupsOf, legacyVersions, resourceList } from './documents.ts'

export interface DiscoverySource {
  readonly definitions: () => readonly ResourceDefinition[]
  /** What aggregated API servers serve. */
  readonly aggregated: () => readonly AggregatedVersion[]
  readonly priorities: () => DiscoveryPriorities
  readonly documents: DocumentCache
  /** host:port shown in /api. */
  readonly serverAddress: () => string
}

export function serveDiscovery(call: ApiCall, segments: readonly string[], source: DiscoverySource): ApiResponse {
  const [root = '', first = '', second] = segments
  const definitions = source.definitions()
  const aggregatedVersions = source.aggregated()
  const groups = withAggregatedGroups(groupsOf(definitions), aggregatedVersions, source.priorities())
  const { accept } = call.request.headers
  const { media, mediaType, clause } = negotiateDocument(
    accept,
    (wanted) => segments.length === 1 && aggregatedVersion(wanted) !== undefined,
  )
  const respond = (name: string, make: () => object): ApiResponse =>
    source.documents.respond(call, `${name} ${media}`, mediaType, () => encoded(make(), media))
  if (segments.length === 1) {
    const aggregated = clause && aggregatedVersion(clause)
    if (aggregated !== undefined) {
      const shown = groups.filter(({ group }) => (group === '') === (root === 'api'))
      const apiVersion = `apidiscovery.k8s.io/${aggregated}`
      const type = `${mediaType};g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList`
      const elsewhere = (group: string, version: string): object | undefined => {
        const found = aggregatedVersions.find((candidate) => candidate.group === group && candidate.version === version)
        return found && aggregatedVersionEntry(found)
      }
      const make = () => encoded(aggregatedDiscovery(apiVersion, shown, definitions, elsewhere), media)
      return source.documents.respond(call, `${root} ${aggregated} ${media}`, type, make)
    }
    if (root === 'apis') return respond('apis', () => groupList(groups))
    return respond('api', () => legacyVersions(groups, source.serverAddress()))
  }
  const groupName = root === 'api' ? '' : first
  const version = root === 'api' ? first : second
  const group = groups.find((candidate) => candidate.group === groupName)
  if (group === undefined || (root === 'apis' && groupName === '')) throw newPathNotFound()
  if (version === undefined) return respond(`apis/${groupName}`, () => groupDocument(group))
  if (!group.versions.includes(version)) throw newPathNotFound()
  return respond(`${root}/${groupName}/${version}`, () => resourceList(groupName, version, definitions))
}

/** JSON is made by the cache of documents, which keeps the value for callers in this process. */
function encoded(document: object, media: Media): object {
  if (media === 'yaml') return Buffer.from(toYaml(document))
  return (media === 'protobuf' ? encodeProtobuf(document) : undefined) ?? document
}

/** Undefined when the clause asks for something else. */
function aggregatedVersion({ parameters }: AcceptClause): 'v2' | 'v2beta1' | undefined {
  if (parameters.get('as') !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io')
    return undefined
  const version = parameters.get('v')
  return version === 'v2' || version === 'v2beta1' ? version : undefined
}
