/**
 * A node may ask for tokens of the audiences its pod's volumes name, directly or through a CSI driver, and of those it
 * has been given by the authorizer. Upstream: noderestriction validateNodeServiceAccountAudience.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { CSIDriver } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes } from '../interfaces.ts'

type Deps = Pick<AdmissionDeps, 'peek' | 'authorizer'>
type FrozenPod = DeepReadonly<Pod>

export async function mayRequestAudience(
  pod: FrozenPod,
  audience: string,
  { user, namespace, name }: AdmissionAttributes,
  deps: Deps,
): Promise<boolean> {
  if (isInVolumes(pod, audience, deps)) return true
  const { decision } = await deps.authorizer.authorize({
    user,
    verb: 'request-serviceaccounts-token-audience',
    isResourceRequest: true,
    apiGroup: '',
    apiVersion: '*',
    resource: audience,
    subresource: '',
    namespace,
    name,
    path: '',
  })
  return decision === 'Allow'
}

function isInVolumes(pod: FrozenPod, audience: string, deps: Deps): boolean {
  return (pod.spec.volumes ?? []).some(({ name, projected, csi, persistentVolumeClaim, ephemeral }) => {
    const isProjected = (projected?.sources ?? []).some(
      ({ serviceAccountToken: token }) => token !== undefined && (token.audience ?? '') === audience,
    )
    if (isProjected) return true
    const claimName = ephemeral === undefined ? persistentVolumeClaim?.claimName : `${pod.metadata.name ?? ''}-${name}`
    const driver = csi?.driver ?? driverOfClaim(pod.metadata.namespace ?? '', claimName, deps)
    return driver !== undefined && isOfDriver(driver, audience, deps)
  })
}

function driverOfClaim(namespace: string, name: string | undefined, deps: Deps): string | undefined {
  if (name === undefined) return undefined
  const claim = deps.peek('', 'persistentvolumeclaims', namespace, name) as
    | DeepReadonly<PersistentVolumeClaim>
    | undefined
  const { volumeName = '' } = claim?.spec ?? {}
  if (volumeName === '') return undefined
  const volume = deps.peek('', 'persistentvolumes', '', volumeName) as DeepReadonly<PersistentVolume> | undefined
  return volume?.spec.csi?.driver
}

function isOfDriver(name: string, audience: string, deps: Deps): boolean {
  const driver = deps.peek('storage.k8s.io', 'csidrivers', '', name) as DeepReadonly<CSIDriver> | undefined
  return (driver?.spec.tokenRequests ?? []).some((request) => request.audience === audience)
}
