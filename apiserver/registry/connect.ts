/**
 * Connections to what runs on a node (logs, exec, attach, port-forward, proxies): in discovery, but refused while no
 * agent can be reached.
 */
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import type { SubresourceDefinition, Verb } from './generic/interfaces.ts'

export const PROXY_VERBS: readonly Verb[] = ['create', 'delete', 'get', 'patch', 'update']

export function connectSubresource(
  name: string,
  kind: string,
  verbs: readonly Verb[] = ['create', 'get'],
): SubresourceDefinition {
  return {
    name,
    type: 'connect',
    kind: { group: '', version: 'v1', kind },
    verbs,
    connect(parentName) {
      throw newServiceUnavailable(`cannot connect to ${name} of "${parentName}": no node agent is available`)
    },
  }
}
