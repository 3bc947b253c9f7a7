/**
 * Connections to what runs on a node (logs, exec, attach, port-forward, proxies): in discovery, but refused while no
 * agent can be reached.
 */
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import type { SubresourceDefinition } from './generic/interfaces.ts'

export function connectSubresource(name: string, kind: string): SubresourceDefinition {
  return {
    name,
    type: 'create',
    kind: { group: '', version: 'v1', kind },
    create(parentName) {
      return Promise.reject(
        newServiceUnavailable(`cannot connect to ${name} of "${parentName}": no node agent is available`),
      )
    },
  }
}
