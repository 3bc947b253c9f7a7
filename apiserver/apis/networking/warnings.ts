/** Upstream: pkg/registry/networking/{ingress,networkpolicy}/strategy.go. */
import type { Ingress, NetworkPolicy } from '#machinery/api/networking/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { cidrWarnings } from '../ip-validation.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

export function ingressWarnings({ metadata, spec }: DeepReadonly<Ingress>): string[] {
  if (metadata.annotations?.[CLASS_ANNOTATION] === undefined || spec?.ingressClassName !== undefined) return []
  return [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
}

export function networkPolicyWarnings({ spec }: DeepReadonly<NetworkPolicy>): string[] {
  const warnings: string[] = []
  const check = (field: string, cidr: string, except: readonly string[] = []): void => {
    warnings.push(...cidrWarnings(`${field}.cidr`, cidr))
    except.forEach((range, i) => {
      warnings.push(...cidrWarnings(`${field}.except[${i}]`, range))
    })
  }
  spec?.ingress?.forEach(({ from }, i) => {
    from?.forEach(({ ipBlock }, j) => {
      if (ipBlock !== undefined) check(`spec.ingress[${i}].from[${j}].ipBlock`, ipBlock.cidr, ipBlock.except)
    })
  })
  spec?.egress?.forEach(({ to }, i) => {
    to?.forEach(({ ipBlock }, j) => {
      if (ipBlock !== undefined) check(`spec.egress[${i}].to[${j}].ipBlock`, ipBlock.cidr, ipBlock.except)
    })
  })
  return warnings
}
