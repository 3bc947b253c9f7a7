/** Every built-in controller, in the order they are started. The one place that knows them all. */
import type { AnyControllerDefinition } from '#sdk'
import { attachDetachController } from '../attach-detach/reconciler.ts'
import { bootstrapSignerController } from '../bootstrap-token/signer.ts'
import { tokenCleanerController } from '../bootstrap-token/token-cleaner.ts'
import { csrApprovingController } from '../certificates/approver.ts'
import { csrCleanerController } from '../certificates/cleaner.ts'
import type { CertificateTools } from '../certificates/request-rules.ts'
import { csrSigningController } from '../certificates/signer.ts'
import { clusterRoleAggregationController } from '../clusterrole-aggregation/reconciler.ts'
import { cronJobController } from '../cronjob/reconciler.ts'
import { daemonSetController } from '../daemonset/reconciler.ts'
import { deploymentController } from '../deployment/reconciler.ts'
import { deviceTaintEvictionController } from '../device-taint-eviction/reconciler.ts'
import { disruptionController } from '../disruption/reconciler.ts'
import { endpointsController } from '../endpoints/reconciler.ts'
import { endpointSliceController } from '../endpointslice/reconciler.ts'
import { endpointSliceMirroringController } from '../endpointslicemirroring/reconciler.ts'
import { ephemeralVolumeController } from '../ephemeral-volume/reconciler.ts'
import { flowSchemaStatusController } from '../flow-schema-status/reconciler.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { horizontalPodAutoscalerController } from '../horizontal-pod-autoscaler/reconciler.ts'
import { jobController } from '../job/reconciler.ts'
import { legacyTokenCleanerController } from '../legacy-token-cleaner/controller.ts'
import { namespaceController } from '../namespace/reconciler.ts'
import type { NodeIpamOptions } from '../node-ipam/reconciler.ts'
import { nodeIpamController } from '../node-ipam/reconciler.ts'
import { nodeLifecycleController } from '../node-lifecycle/controller.ts'
import { persistentVolumeBinderController } from '../persistent-volume-binder/reconciler.ts'
import { podGarbageCollectorController } from '../pod-garbage-collector/controller.ts'
import { replicaSetController, replicationController } from '../replicaset/reconciler.ts'
import { resourceClaimController } from '../resource-claim/reconciler.ts'
import { resourceQuotaController } from '../resource-quota/controller.ts'
import { rootCaPublisherController } from '../root-ca-publisher/reconciler.ts'
import { serviceCidrController } from '../service-cidr/reconciler.ts'
import { serviceIpRepairController } from '../service-ip-repair/reconciler.ts'
import type { ServiceAccountTokenOptions } from '../serviceaccount-token/reconciler.ts'
import { serviceAccountTokenController } from '../serviceaccount-token/reconciler.ts'
import { serviceAccountController } from '../serviceaccount/reconciler.ts'
import type { StatefulSetOptions } from '../statefulset/reconciler.ts'
import { statefulSetController } from '../statefulset/reconciler.ts'
import { storageVersionGarbageCollectorController } from '../storage-version-gc/reconciler.ts'
import { storageVersionMigratorController } from '../storage-version-migrator/reconciler.ts'
import { attributesClassProtectionController } from '../storage-protection/attributes-classes.ts'
import { claimProtectionController } from '../storage-protection/claims.ts'
import { volumeProtectionController } from '../storage-protection/volumes.ts'
import { taintEvictionController } from '../taint-eviction/reconciler.ts'
import { serviceLbController } from '../servicelb/reconciler.ts'
import { ttlAfterFinishedController } from '../ttl-after-finished/reconciler.ts'
import { ttlController } from '../ttl/reconciler.ts'
import { validatingAdmissionPolicyStatusController } from '../validating-admission-policy-status/reconciler.ts'
import { volumeExpandController } from '../volume-expand/reconciler.ts'

/** What built-in controllers need beyond the API; parsed from flags and files by cli/. */
export interface BuiltinControllerOptions {
  /** PEM of the CA that signs the API server's certificate. */
  readonly rootCa: string
  readonly serviceAccountTokens: Omit<ServiceAccountTokenOptions, 'rootCa'>
  /** Absent: nobody approves or signs certificate requests. */
  readonly certificates?: CertificateTools
  readonly statefulSets?: StatefulSetOptions
  /** Absent: nodes get no pod networks. */
  readonly nodeNetworks?: NodeIpamOptions
  /** Finished Pods that are kept; default 12,500, 0 = all. */
  readonly terminatedPodThreshold?: number
}

const TERMINATED_PODS_MAX = 12_500

export function builtinControllers(options: BuiltinControllerOptions): AnyControllerDefinition[] {
  const { rootCa, serviceAccountTokens, certificates, nodeNetworks } = options
  const { terminatedPodThreshold = TERMINATED_PODS_MAX } = options
  return [
    clusterRoleAggregationController,
    serviceAccountController,
    serviceAccountTokenController({ ...serviceAccountTokens, rootCa }),
    legacyTokenCleanerController,
    rootCaPublisherController({ rootCa }),
    namespaceController,
    garbageCollectorController,
    deploymentController,
    replicaSetController,
    replicationController,
    statefulSetController(options.statefulSets),
    daemonSetController,
    resourceQuotaController,
    bootstrapSignerController,
    tokenCleanerController,
    ...(certificates === undefined ? [] : [csrApprovingController(certificates), csrSigningController(certificates)]),
    csrCleanerController,
    jobController,
    cronJobController,
    disruptionController,
    horizontalPodAutoscalerController,
    ttlAfterFinishedController,
    endpointsController,
    endpointSliceController,
    endpointSliceMirroringController,
    serviceCidrController,
    flowSchemaStatusController,
    serviceIpRepairController,
    persistentVolumeBinderController,
    claimProtectionController,
    volumeProtectionController,
    attributesClassProtectionController,
    ephemeralVolumeController,
    resourceClaimController,
    volumeExpandController,
    attachDetachController,
    nodeLifecycleController,
    taintEvictionController,
    deviceTaintEvictionController,
    podGarbageCollectorController({ terminatedPodThreshold }),
    ...(nodeNetworks === undefined ? [] : [nodeIpamController(nodeNetworks)]),
    ttlController,
    serviceLbController,
    validatingAdmissionPolicyStatusController,
    storageVersionMigratorController,
    storageVersionGarbageCollectorController,
  ]
}
