/** `kubectl get services`. Upstream: pkg/printers/internalversion/printers.go printService. */
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, formatLabels, ingressPoints, NAME, orNone } from '../../table.ts'

type FrozenService = DeepReadonly<Service>

export const serviceTable = defineTable([
  NAME,
  { name: 'Type', value: (service: FrozenService) => service.spec.type ?? '' },
  {
    name: 'Cluster-IP',
    value: (service: FrozenService) => orNone(service.spec.clusterIPs?.[0] ?? service.spec.clusterIP),
  },
  { name: 'External-IP', value: (service: FrozenService) => externalIp(service) },
  { name: 'Port(s)', value: (service: FrozenService) => ports(service) },
  AGE,
  { name: 'Selector', wide: true, value: (service: FrozenService) => formatLabels(service.spec.selector) },
])

function externalIp({ spec, status }: FrozenService): string {
  const external = spec.externalIPs ?? []
  if (spec.type === 'ExternalName') return spec.externalName ?? ''
  if (spec.type !== 'LoadBalancer') return orNone(external.join(','))
  return [...ingressPoints(status?.loadBalancer), ...external].join(',') || '<pending>'
}

function ports({ spec }: FrozenService): string {
  const texts = (spec.ports ?? []).map(({ port, nodePort = 0, protocol }) =>
    nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  )
  return orNone(texts.join(','))
}
