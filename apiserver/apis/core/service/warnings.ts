/** Upstream: pkg/api/service/warnings.go. */
import { cidrWarnings, ipWarnings } from '../../ip-validation.ts'
import type { FrozenService } from './facts.ts'

const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints'
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode'

export function serviceWarnings({ metadata, spec }: FrozenService): string[] {
  const warnings: string[] = []
  const { clusterIP = '', loadBalancerIP = '', externalIPs = [], type } = spec
  const isHeadless = type === 'ClusterIP' && clusterIP === 'None'
  if (metadata.annotations?.[TOPOLOGY_HINTS] !== undefined) {
    warnings.push(`annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`)
  }
  if (clusterIP !== '' && clusterIP !== 'None') {
    spec.clusterIPs?.forEach((ip, i) => {
      warnings.push(...ipWarnings(`spec.clusterIPs[${i}]`, ip))
    })
  }
  if (isHeadless) {
    if (loadBalancerIP !== '') warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services')
  }
  externalIPs.forEach((ip, i) => {
    warnings.push(...ipWarnings(`spec.externalIPs[${i}]`, ip))
  })
  if (externalIPs.length > 0 && !isHeadless && type !== 'ExternalName') {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters')
  }
  if (loadBalancerIP !== '') warnings.push(...ipWarnings('spec.loadBalancerIP', loadBalancerIP))
  spec.loadBalancerSourceRanges?.forEach((range, i) => {
    warnings.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, range))
  })
  if (type === 'ExternalName') {
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  } else if ((spec.externalName ?? '') !== '') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  }
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  }
  return warnings
}
