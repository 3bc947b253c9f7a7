/** Tables of networking.k8s.io. Upstream: pkg/printers/internalversion/printers.go. */
import type { Ingress, IngressClass, NetworkPolicy } from '#machinery/api/networking/v1/types.gen.ts'
import { formatLabelSelector } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, NAME } from '../table.ts'

type FrozenIngress = DeepReadonly<Ingress>

const HOSTS_SHOWN = 3

export const ingressTable = defineTable([
  NAME,
  { name: 'Class', value: ({ spec }: FrozenIngress) => spec?.ingressClassName ?? '<none>' },
  { name: 'Hosts', value: (ingress: FrozenIngress) => hosts(ingress) },
  {
    name: 'Address',
    value: ({ status }: FrozenIngress) =>
      (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').join(','),
  },
  { name: 'Ports', value: ({ spec }: FrozenIngress) => ((spec?.tls ?? []).length > 0 ? '80, 443' : '80') },
  AGE,
])

function hosts({ spec }: FrozenIngress): string {
  const list = (spec?.rules ?? []).map(({ host }) => host ?? '').filter((host) => host !== '')
  if (list.length === 0) return '*'
  const shown = list.slice(0, HOSTS_SHOWN).join(',')
  return list.length > HOSTS_SHOWN ? `${shown} + ${list.length - HOSTS_SHOWN} more...` : shown
}

export const ingressClassTable = defineTable([
  NAME,
  { name: 'Controller', value: ({ spec }: DeepReadonly<IngressClass>) => spec?.controller ?? '' },
  {
    name: 'Parameters',
    value: ({ spec }: DeepReadonly<IngressClass>) => {
      const parameters = spec?.parameters
      if (parameters === undefined) return '<none>'
      const group = parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`
      return `${parameters.kind}${group}/${parameters.name}`
    },
  },
  AGE,
])

export const networkPolicyTable = defineTable([
  NAME,
  {
    name: 'Pod-Selector',
    value: ({ spec }: DeepReadonly<NetworkPolicy>) => formatLabelSelector(spec?.podSelector ?? {}),
  },
  AGE,
])

export const ipAddressTable = defineTable([
  NAME,
  {
    name: 'ParentRef',
    value: ({ spec }) => {
      const { group = '', resource = '', namespace = '', name = '' } = spec?.parentRef ?? {}
      return `${resource}${group === '' ? '' : `.${group}`}/${namespace === '' ? '' : `${namespace}/`}${name}`
    },
  },
  AGE,
])

export const serviceCidrTable = defineTable([
  NAME,
  { name: 'CIDRs', value: ({ spec }) => (spec?.cidrs ?? []).join(',') },
  AGE,
])
