/** What a Pod needs its claims for, and which Pod a claim was made for. Upstream: pkg/controller/resourceclaim. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { FrozenResourceClaim } from '#machinery/devices/pod-claims.ts'
import { resourceClaimNamesOf } from '#machinery/devices/pod-claims.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** Index over Pods: `namespace/claim`, generated claims as soon as the status names them. */
export const PODS_BY_CLAIM = 'resource-claim'

export const podsByClaimIndexOf = (pod: DeepReadonly<Pod>): readonly string[] =>
  resourceClaimNamesOf(pod).map((name) => `${pod.metadata.namespace ?? ''}/${name}`)

/** Index over Pods: `namespace/template`, for those that may wait for a template to be made. */
export const PODS_BY_TEMPLATE = 'resource-claim-template'

export const podsByTemplateIndexOf = ({ metadata, spec }: DeepReadonly<Pod>): readonly string[] => {
  const names = (spec.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName }) => resourceClaimTemplateName ?? [])
  return [...new Set(names)].map((name) => `${metadata.namespace ?? ''}/${name}`)
}

export const usesClaims = ({ spec, status }: DeepReadonly<Pod>): boolean =>
  (spec.resourceClaims ?? []).length > 0 || status?.extendedResourceClaimStatus !== undefined

/** None of its containers runs or ever will. */
export function isPodDone({ metadata, spec, status }: DeepReadonly<Pod>): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true
  return metadata.deletionTimestamp !== undefined && (spec.nodeName ?? '') === ''
}

export function owningPod(claim: FrozenResourceClaim): { readonly name: string; readonly uid: string } | undefined {
  return claim.metadata.ownerReferences?.find(
    ({ controller, apiVersion, kind }) => controller === true && apiVersion === 'v1' && kind === 'Pod',
  )
}

/** Room for a hyphen and five random characters in 63. */
const BASE_MAX = 57

/** `<pod>-<claim>-`; both parts are cut in proportion when that is too long, and the last hyphen goes. */
export function claimGenerateName(pod: string, entry: string): string {
  const wanted = `${pod}-${entry}-`
  if (wanted.length <= BASE_MAX) return wanted
  const cut = (text: string): string => text.slice(0, Math.trunc((text.length * BASE_MAX) / wanted.length))
  return `${cut(pod)}-${cut(entry)}`
}
