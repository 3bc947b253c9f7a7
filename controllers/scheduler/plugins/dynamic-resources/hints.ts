/** What may help a Pod that waits for its claims. Upstream: plugins/dynamicresources EventsToRegister. */
import type { ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { resourceClaimNamesOf } from '#machinery/devices/pod-claims.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { changeOf, isSamePod } from '../../framework/change.ts'
import type { ClusterEvent, EventHint, FrozenPod } from '../../framework/interfaces.ts'

/** `hasClaims`: all claims of the Pod are there to be scheduled with. */
export function deviceEvents(hasClaims: (pod: FrozenPod) => boolean): readonly EventHint[] {
  return [
    { resource: 'nodes', actions: ['add', 'update'], kinds: ['UpdateNodeLabel', 'UpdateNodeAllocatable'] },
    {
      resource: 'resourceclaims',
      actions: ['add', 'update', 'delete'],
      mayHelp: (pod, event) => claimMayHelp(pod, event) && hasClaims(pod),
    },
    {
      resource: 'pods',
      actions: ['update'],
      kinds: ['UpdatePodGeneratedResourceClaim'],
      mayHelp: (pod, { object }) => isSamePod(pod, object) && hasClaims(object as FrozenPod),
    },
    { resource: 'deviceclasses', actions: ['add', 'update'] },
    { resource: 'resourceslices', actions: ['add', 'update'] },
  ]
}

/** Devices were freed, or it is one of the Pod's own. One of an earlier attempt has to be gone. */
function claimMayHelp(pod: FrozenPod, event: ClusterEvent): boolean {
  const { old, object } = changeOf<ResourceClaim>(event)
  if (old?.status?.allocation !== undefined && object?.status?.allocation === undefined) return true
  if (object === undefined) return old?.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid) === true
  const isOwn =
    object.metadata.namespace === pod.metadata.namespace &&
    resourceClaimNamesOf(pod).includes(object.metadata.name ?? '')
  return isOwn && (old === undefined || !deepEqual(old.status, object.status))
}
