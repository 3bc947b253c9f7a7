/** What the events of a controller name as their source, where upstream's says something else than its controller's name. */
import * as names from './names.ts'

const SOURCES: ReadonlyMap<string, string> = new Map([
  [names.DISRUPTION_CONTROLLER, 'controllermanager'],
  [names.ENDPOINTS_CONTROLLER, 'endpoint-controller'],
  [names.ENDPOINT_SLICE_CONTROLLER, 'endpoint-slice-controller'],
  [names.ENDPOINT_SLICE_MIRRORING_CONTROLLER, 'endpoint-slice-mirroring-controller'],
  [names.EPHEMERAL_VOLUME_CONTROLLER, 'ephemeral_volume'],
  [names.HORIZONTAL_POD_AUTOSCALER_CONTROLLER, 'horizontal-pod-autoscaler'],
  [names.NODE_IPAM_CONTROLLER, 'cidrAllocator'],
  [names.NODE_LIFECYCLE_CONTROLLER, 'node-controller'],
  [names.PERSISTENT_VOLUME_ATTACH_DETACH_CONTROLLER, 'attachdetach-controller'],
  [names.PERSISTENT_VOLUME_BINDER_CONTROLLER, 'persistentvolume-controller'],
  [names.PERSISTENT_VOLUME_EXPANDER_CONTROLLER, 'volume_expand'],
  [names.REPLICATION_CONTROLLER, 'replication-controller'],
  [names.RESOURCE_CLAIM_CONTROLLER, 'resource_claim'],
  [names.SERVICE_LB_CONTROLLER, 'service-controller'],
])

export const eventSourceOf = (controller: string): string => SOURCES.get(controller) ?? controller
