/** From where a request leads to how its bytes get there. */
import { newBadRequest } from '#machinery/meta/errors.ts'
import { placesOf, proxyRequest, withQuery } from './http-proxy.ts'
import type { Connector } from './interfaces.ts'
import { readLog } from './log.ts'
import type { UpgradeTools } from './upgrade.ts'
import { proxyUpgrade } from './upgrade.ts'

export function createConnector(tools: UpgradeTools): Connector {
  return {
    async connect(call, target) {
      const isUpgrade = call.request.isUpgrade === true
      switch (target.type) {
        case 'nothing':
          return { status: 204, headers: {}, body: { type: 'empty' } }
        case 'log':
          return readLog(call, target, tools.dialer)
        case 'stream':
          if (!isUpgrade) throw newBadRequest('Upgrade request required')
          return proxyUpgrade(call, target, tools)
        case 'proxy': {
          if (!isUpgrade) return proxyRequest(call, target, tools.dialer)
          const path = withQuery(placesOf(call, target).path || '/', call.request.query)
          return proxyUpgrade(call, { backend: target.backend, path, streams: undefined }, tools)
        }
      }
    },
  }
}
