/** Tables of networking.k8s.io. Upstream: pkg/printers/internalversion/printers.go. */
import type { Ingress, IngressClass, IPAddress, NetworkPolicy } from '#machinery/api/networking/v1/types.gen.ts'
import { formatLabelSelector } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, ingressPoints, NAME } from '../table.ts'

type FrozenIngress = DeepReadonly<Ingress>

const HOSTS_SHOWN = 3

export const ingressTable = defineTable([
  NAME,
  { name: 'Class', value: ({ spec }: FrozenIngress) => spec?.ingressClassName ?? '<none>' },
  { name: 'Hosts', value: (ingress: FrozenIngress) => hosts(ingress) },
  {
    name: 'Address',
    value: ({ status }: FrozenIngress) => ingressPoints(status?.loadBalancer).join(','),
  },
  { name: 'Ports', value: ({ spec }: FrozenIngress) => ((spec?.tls ?? []).length > 0 ? '80, 443' : '80') },
  AGE,
])

/** Rules without a host count among those not shown, but not towards the three. */
function hosts({ spec }: FrozenIngress): string {
  const rules = (spec?.rules ?? []).map(({ host }) => host ?? '')
  const list: string[] = []
  let seen = 0
  for (const host of rules) {
    if (list.length === HOSTS_SHOWN) break
    if (host !== '') list.push(host)
    seen++
  }
  if (list.length === 0) return '*'
  return list.join(',') + (seen < rules.length ? ` + ${rules.length - HOSTS_SHOWN} more...` : '')
}

const IS_DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class'

export const ingressClassTable = defineTable([
  {
    ...NAME,
    value: ({ metadata }: DeepReadonly<IngressClass>) =>
      `${metadata.name ?? ''}${metadata.annotations?.[IS_DEFAULT_CLASS] === 'true' ? ' (default)' : ''}`,
  },
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

/** Its cells end with an age upstream, which no column shows. */
export const ipAddressTable = defineTable([
  NAME,
  {
    name: 'ParentRef',
    value: ({ spec }: DeepReadonly<IPAddress>) => {
      if (spec?.parentRef === undefined) return '<none>'
      const { group = '', resource = '', namespace = '', name = '' } = spec.parentRef
      const kind = `${resource}${group === '' ? '' : `.${group}`}`.toLowerCase()
      return `${kind}/${namespace === '' ? '' : `${namespace}/`}${name}`
    },
  },
])

export const serviceCidrTable = defineTable([
  NAME,
  { name: 'CIDRs', value: ({ spec }) => (spec?.cidrs ?? []).join(',') },
  AGE,
])
