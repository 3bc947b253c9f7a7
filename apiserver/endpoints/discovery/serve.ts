/** /api, /apis and below: which document a path and an Accept header mean. Upstream: apiserver pkg/endpoints/discovery. */
import { newPathNotFound } from '#machinery/meta/errors.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceDefinition } from '../../registry/generic/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import { parseAccept } from '../negotiate.ts'
import type { DocumentCache } from './cached-document.ts'
import { aggregatedDiscovery, groupDocument, groupList, groupsOf, legacyVersions, resourceList } from './documents.ts'

export interface DiscoverySource {
  readonly definitions: () => readonly ResourceDefinition[]
  readonly documents: DocumentCache
  /** host:port shown in /api. */
  readonly serverAddress: () => string
}

const JSON_TYPE = 'application/json'

export function serveDiscovery(call: ApiCall, segments: readonly string[], source: DiscoverySource): ApiResponse {
  const [root = '', first = '', second] = segments
  const definitions = source.definitions()
  const groups = groupsOf(definitions)
  const respond = (name: string, make: () => object): ApiResponse =>
    source.documents.respond(call, name, JSON_TYPE, make)
  if (segments.length === 1) {
    const aggregated = aggregatedVersion(call.request.headers['accept'])
    if (aggregated !== undefined) {
      const shown = groups.filter(({ group }) => (group === '') === (root === 'api'))
      const apiVersion = `apidiscovery.k8s.io/${aggregated}`
      const type = `${JSON_TYPE};g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList`
      const make = () => aggregatedDiscovery(apiVersion, shown, definitions)
      return source.documents.respond(call, `${root} ${aggregated}`, type, make)
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

/** The aggregated version the client prefers over plain JSON; undefined when it does not know any. */
function aggregatedVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  if (accept === undefined || !accept.includes('APIGroupDiscoveryList')) return undefined
  for (const { mediaType, parameters } of parseAccept(accept)) {
    if (mediaType !== JSON_TYPE) continue
    if (parameters.get('as') !== 'APIGroupDiscoveryList') return undefined
    const version = parameters.get('v')
    if (parameters.get('g') === 'apidiscovery.k8s.io' && (version === 'v2' || version === 'v2beta1')) return version
  }
  return undefined
}
