/**
 * A node may ask for tokens of the audiences its pod's volumes name, directly or through a CSI driver, and of those it
 * has been given by the authorizer. Upstream: noderestriction validateNodeServiceAccountAudience.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { CSIDriver } from '#machinery/api/storage/v1/types.gen.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes } from '../interfaces.ts'

type Deps = Pick<AdmissionDeps, 'peek' | 'authorizer'>
type FrozenPod = DeepReadonly<Pod>

/** Throws an Error when it cannot be told. */
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

/** Throws an Error when no volume names it and some cannot be told, in upstream's words. */
function isInVolumes(pod: FrozenPod, audience: string, deps: Deps): boolean {
  const problems: string[] = []
  for (const volume of pod.spec.volumes ?? []) {
    const isProjected = (volume.projected?.sources ?? []).some(
      ({ serviceAccountToken: token }) => token !== undefined && (token.audience ?? '') === audience,
    )
    if (isProjected) return true
    try {
      const driver = driverOf(pod, volume, deps)
      if (driver !== undefined && isOfDriver(driver, audience, deps)) return true
    } catch (err: unknown) {
      problems.push(errorMessage(err))
    }
  }
  if (problems.length === 0) return false
  const why = problems.length === 1 ? problems[0] : `[${[...new Set(problems)].join(', ')}]`
  throw new Error(`error validating audience ${JSON.stringify(audience)}: ${why}`)
}

function driverOf(pod: FrozenPod, volume: DeepReadonly<Volume>, deps: Deps): string | undefined {
  const { name: podName = '', namespace = '' } = pod.metadata
  const { name, ephemeral, persistentVolumeClaim, csi } = volume
  if (ephemeral?.volumeClaimTemplate !== undefined) return driverOfClaim(namespace, `${podName}-${name}`, deps)
  if (persistentVolumeClaim !== undefined) return driverOfClaim(namespace, persistentVolumeClaim.claimName, deps)
  return csi?.driver
}

function driverOfClaim(namespace: string, name: string, deps: Deps): string | undefined {
  const claim = found<PersistentVolumeClaim>(deps, 'persistentvolumeclaim', namespace, name)
  return found<PersistentVolume>(deps, 'persistentvolume', '', claim.spec?.volumeName ?? '').spec.csi?.driver
}

function isOfDriver(name: string, audience: string, deps: Deps): boolean {
  const driver = found<CSIDriver>(deps, 'csidriver', '', name, 'storage.k8s.io')
  return (driver.spec.tokenRequests ?? []).some((request) => request.audience === audience)
}

/** `kind`: as upstream's listers name it. */
function found<T extends KubeObject>(deps: Deps, kind: string, namespace: string, name: string, group = '') {
  const object = deps.peek(group, `${kind}s`, namespace, name)
  if (object === undefined) throw newNotFound({ group, resource: kind }, name)
  return object as DeepReadonly<T>
}
