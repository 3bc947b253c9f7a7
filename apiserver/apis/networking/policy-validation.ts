/** NetworkPolicy. Upstream: pkg/apis/networking/validation/validation.go. */
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '#machinery/api/networking/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { parseCidr, prefixContains } from '#machinery/meta/ip-address.ts'
import { isValidPortName, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkLegacyCidr } from '../ip-validation.ts'
import { addInvalid, checkLabelSelector, isInvalidSelector } from '../validation.ts'

type FrozenPolicy = DeepReadonly<NetworkPolicy>

const PROTOCOLS = ['TCP', 'UDP', 'SCTP']
const POLICY_TYPES = ['Ingress', 'Egress']

/** What may stay as it is stored. */
interface Leniency {
  readonly cidrs: readonly string[]
  /** In selectors, once the policy's own has an odd one. */
  readonly anyLabelValue: boolean
}

/** `old`: its CIDRs stay valid in the form they have. */
export function validateNetworkPolicy({ spec }: FrozenPolicy, old?: FrozenPolicy): FieldError[] {
  const errors: FieldError[] = []
  const anyLabelValue = isInvalidSelector(old?.spec?.podSelector)
  const kept: Leniency = { cidrs: old === undefined ? [] : cidrsOf(old), anyLabelValue }
  checkLabelSelector(errors, 'spec.podSelector', spec?.podSelector, anyLabelValue)
  spec?.ingress?.forEach((rule, i) => {
    validateRule(errors, `spec.ingress[${i}]`, rule.ports, 'from', rule.from, kept)
  })
  spec?.egress?.forEach((rule, i) => {
    validateRule(errors, `spec.egress[${i}]`, rule.ports, 'to', rule.to, kept)
  })
  const types = spec?.policyTypes ?? []
  if (types.length > POLICY_TYPES.length) {
    errors.push(fieldInvalid('spec.policyTypes', types, 'may not specify more than two policyTypes'))
    return errors
  }
  types.forEach((type, i) => {
    if (!POLICY_TYPES.includes(type)) errors.push(fieldNotSupported(`spec.policyTypes[${i}]`, type, POLICY_TYPES))
  })
  return errors
}

function cidrsOf({ spec }: FrozenPolicy): string[] {
  const peers = [
    ...(spec?.ingress ?? []).flatMap(({ from = [] }) => from),
    ...(spec?.egress ?? []).flatMap(({ to = [] }) => to),
  ]
  return peers.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock.cidr, ...(ipBlock.except ?? [])]))
}

function validateRule(
  errors: FieldError[],
  field: string,
  ports: readonly DeepReadonly<NetworkPolicyPort>[] | undefined,
  direction: 'from' | 'to',
  peers: readonly DeepReadonly<NetworkPolicyPeer>[] | undefined,
  kept: Leniency,
): void {
  ports?.forEach((port, i) => {
    validatePort(errors, `${field}.ports[${i}]`, port)
  })
  peers?.forEach((peer, i) => {
    validatePeer(errors, `${field}.${direction}[${i}]`, peer, kept)
  })
}

function validatePort(
  errors: FieldError[],
  field: string,
  { protocol, port, endPort }: DeepReadonly<NetworkPolicyPort>,
): void {
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) {
    errors.push(fieldNotSupported(`${field}.protocol`, protocol, PROTOCOLS))
  }
  const end = `${field}.endPort`
  if (port === undefined) {
    const detail = 'may not be specified when `port` is not specified'
    if (endPort !== undefined) errors.push(fieldInvalid(end, endPort, detail))
  } else if (typeof port === 'string') {
    const detail = 'may not be specified when `port` is non-numeric'
    if (endPort !== undefined) errors.push(fieldInvalid(end, endPort, detail))
    addInvalid(errors, `${field}.port`, port, isValidPortName(port))
  } else {
    addInvalid(errors, `${field}.port`, port, isValidPortNumber(port))
    if (endPort === undefined) return
    if (endPort < port) errors.push(fieldInvalid(end, port, 'must be greater than or equal to `port`'))
    addInvalid(errors, end, endPort, isValidPortNumber(endPort))
  }
}

function validatePeer(
  errors: FieldError[],
  field: string,
  { podSelector, namespaceSelector, ipBlock }: DeepReadonly<NetworkPolicyPeer>,
  kept: Leniency,
): void {
  checkLabelSelector(errors, `${field}.podSelector`, podSelector, kept.anyLabelValue)
  checkLabelSelector(errors, `${field}.namespaceSelector`, namespaceSelector, kept.anyLabelValue)
  if (ipBlock !== undefined) validateIpBlock(errors, `${field}.ipBlock`, ipBlock, kept.cidrs)
  const hasSelector = podSelector !== undefined || namespaceSelector !== undefined
  if (!hasSelector && ipBlock === undefined) errors.push(fieldRequired(field, 'must specify a peer'))
  else if (hasSelector && ipBlock !== undefined) {
    errors.push(fieldForbidden(field, 'may not specify both ipBlock and another peer'))
  }
}

function validateIpBlock(
  errors: FieldError[],
  field: string,
  { cidr = '', except = [] }: DeepReadonly<IPBlock>,
  kept: readonly string[],
): void {
  if (cidr === '') {
    errors.push(fieldRequired(`${field}.cidr`, ''))
    return
  }
  checkLegacyCidr(errors, `${field}.cidr`, cidr, kept)
  const network = parseCidr(cidr)
  if (network === undefined) return
  except.forEach((range, i) => {
    const at = `${field}.except[${i}]`
    checkLegacyCidr(errors, at, range, kept)
    const excepted = parseCidr(range)
    if (excepted === undefined) return
    const isInside = prefixContains(network, { family: excepted.family, value: excepted.base })
    if (!isInside || network.bits >= excepted.bits) {
      errors.push(fieldInvalid(at, range, 'must be a strict subset of `cidr`'))
    }
  })
}
