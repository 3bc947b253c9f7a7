/**
 * Every feature gate of Kubernetes 1.36 with its stage, default and lock.
 * Upstream: pkg/features, apiserver and apiextensions-apiserver pkg/features, component-base, as
 * test/compatibility_lifecycle/reference/versioned_feature_list.yaml sums them up.
 */

export type GateStage = 'ALPHA' | 'BETA' | 'GA' | 'DEPRECATED'

export interface FeatureGate {
  readonly name: string
  readonly stage: GateStage
  readonly isOnByDefault: boolean
  /** Only the default may be set. */
  readonly isLocked: boolean
}

const ALPHA = `
AllowUnsafeMalformedObjectDeletion APIServingWithRoutine CBORServingAndStorage
CloudControllerManagerWatchBasedRoutesReconciliation CloudControllerManagerWebhook ContainerStopSignals
ControllerManagerReleaseLeaderElectionLockOnExit CPUManagerPolicyAlphaOptions CRIListStreaming CrossNamespaceVolumeDataSource
CSIVolumeHealth DRAListTypeAttributes DRANodeAllocatableResources DRAResourcePoolStatus DRAWorkloadResourceClaims EventedPLEG
GangScheduling GenericWorkload HPAScaleToZero ImageVolumeWithDigest InPlacePodVerticalScalingExclusiveCPUs
InPlacePodVerticalScalingExclusiveMemory KubeletInUserNamespace LoggingAlphaOptions ManifestBasedAdmissionControlConfig MemoryQoS
MutablePVNodeAffinity NativeHistograms PersistentVolumeClaimUnusedSinceTime PodAndContainerStatsFromCRI PodLevelResourceManagers
PodLogsQuerySplitStreams PodsAPI QOSReserved ReduceDefaultCrashLoopBackOffDecay RuntimeClassInImageCriApi ShardedListAndWatch
StorageCapacityScoring StorageVersionAPI TaintTolerationComparisonOperators TopologyAwareWorkloadScheduling
TopologyManagerPolicyAlphaOptions UserNamespacesHostNetworkSupport VolumeLimitScaling WindowsCPUAndMemoryAffinity
WorkloadAwarePreemption WorkloadWithJob`

const BETA_OFF = `
ClusterTrustBundle ClusterTrustBundleProjection ConcurrentWatchObjectDecode CoordinatedLeaderElection DRADeviceTaintRules
LocalStorageCapacityIsolationFSQuotaMonitoring MaxUnavailableStatefulSet PodCertificateRequest SchedulerAsyncAPICalls
SELinuxMount StorageVersionMigrator`

const BETA_ON = `
AllowParsingUserUIDFromCertAuth APIResponseCompression APIServerIdentity AuthorizePodWebsocketUpgradeCreatePermission
ClearingNominatedNodeNameAfterBinding ComponentFlagz ComponentStatusz ConstrainedImpersonation ContainerCheckpoint
ContainerRestartRules ContextualLogging CPUManagerPolicyBetaOptions CRDObservedGenerationTracking DeclarativeValidationBeta
DeploymentReplicaSetTerminatingReplicas DetectCacheInconsistency DRAConsumableCapacity DRADeviceBindingConditions
DRADeviceTaints DRAExtendedResource DRAPartitionableDevices DRAResourceClaimDeviceStatus
DRAResourceClaimGranularStatusAuthorization DRASchedulerFilterTimeout EnvFiles ExtendWebSocketsToKubelet GracefulNodeShutdown
GracefulNodeShutdownBasedOnPodPriority HostnameOverride HPAConfigurableTolerance InPlacePodLevelResourcesVerticalScaling
InPlacePodVerticalScalingInitContainers KubeletCrashLoopBackOffMax KubeletEnsureSecretPulledImages KubeletSeparateDiskGC
KubeletServiceAccountTokenForCredentialProviders ListFromCacheSnapshot LoggingBetaOptions MatchLabelKeysInPodTopologySpread
MatchLabelKeysInPodTopologySpreadSelectorMerge MutablePodResourcesForSuspendedJobs
MutableSchedulingDirectivesForSuspendedJobs NodeDeclaredFeatures NominatedNodeNameForExpectation OpenAPIEnums
OpportunisticBatching PLEGOnDemandRelist PodDeletionCost PodLevelResources PodReadyToStartContainersCondition
PodTopologyLabelsAdmission PortForwardWebsockets PreventStaticPodAPIReferences RelaxedServiceNameValidation
ReloadKubeletClientCAFile ReloadKubeletServerCertificateFile RemoteRequestHeaderUID ResourceHealthStatus
ResourceHealthStatusMessage RestartAllContainersOnContainerExits RotateKubeletServerCertificate SchedulerAsyncPreemption
SchedulerPopFromBackoffQ ServiceAccountNodeAudienceRestriction SizeBasedListCostEstimate StaleControllerConsistencyDaemonSet
StaleControllerConsistencyJob StaleControllerConsistencyReplicaSet StaleControllerConsistencyStatefulSet
StatefulSetSemanticRevisionComparison StorageVersionHash StrictIPCIDRValidation
StructuredAuthenticationConfigurationEgressSelector StructuredAuthenticationConfigurationJWKSMetrics
TokenRequestServiceAccountUIDValidation TopologyManagerPolicyBetaOptions TranslateStreamCloseWebsocketRequests
UnauthenticatedHTTP2DOSMitigation UnknownVersionInteroperabilityProxy WatchCacheInitializationPostStartHook WatchList
WindowsGracefulNodeShutdown`

const GA_FREE = 'AllowServiceExternalIPs CustomCPUCFSQuotaPeriod DRAPrioritizedList MutatingAdmissionPolicy'

const GA_LOCKED = `
AnonymousAuthConfigurableEndpoints APIServerTracing AuthorizeNodeWithSelectors AuthorizeWithSelectors ConsistentListFromCache
CPUManagerPolicyOptions CRDValidationRatcheting CSIServiceAccountTokenSecrets CustomResourceFieldSelectors
DeclarativeValidation DisableAllocatorDualWrite DRAAdminAccess DynamicResourceAllocation ExecProbeTimeout
ExternalServiceAccountTokenSigner ImageMaximumGCAge ImageVolume InPlacePodVerticalScaling JobManagedBy JobPodReplacementPolicy
KubeletCgroupDriverFromCRI KubeletFineGrainedAuthz KubeletPodResourcesDynamicResources KubeletPodResourcesGet KubeletPSI
KubeletTracing MatchLabelKeysInPodAffinity MultiCIDRServiceAllocator MutableCSINodeAllocatableCount NFTablesProxyMode
NodeInclusionPolicyInPodTopologySpread NodeLogQuery NodeSwap OrderedNamespaceDeletion PodLifecycleSleepAction
PodLifecycleSleepActionAllowZero PodObservedGenerationTracking PodSchedulingReadiness PreferSameTrafficDistribution
ProcMountType RecoverVolumeExpansionFailure RecursiveReadOnlyMounts RelaxedDNSSearchValidation
RelaxedEnvironmentVariableValidation ResilientWatchCacheInitialization SchedulerQueueingHints SELinuxChangePolicy
SELinuxMountReadWriteOncePod SeparateTaintEvictionController ServiceAccountTokenJTI ServiceAccountTokenNodeBinding
ServiceAccountTokenNodeBindingValidation ServiceAccountTokenPodNodeInfo StreamingCollectionEncodingToJSON
StreamingCollectionEncodingToProtobuf StructuredAuthenticationConfiguration SupplementalGroupsPolicy SystemdWatchdog
TopologyManagerPolicyOptions UserNamespacesSupport VolumeAttributesClass WinDSR WinOverlay`

const DEPRECATED_OFF = `
AllowDNSOnlyNodeCSR AllowInsecureKubeletCertificateSigningRequests ChangeContainerStatusOnKubeletRestart
DeclarativeValidationTakeover KMSv1 KubeletRegistrationGetOnExistsOnly WindowsHostNetwork`

const DEPRECATED_ON = `
DisableCPUQuotaWithExclusiveCPUs KubeletPodResourcesListUseActivePods LegacyServiceAccountTokenNoAutoGeneration
ServiceCIDRStatusFieldWiping StorageNamespaceIndex`

const DEPRECATED_LOCKED_OFF = 'AllowOverwriteTerminationGracePeriodSeconds GitRepoVolumeDriver SeparateCacheWatchRPC'
const DEPRECATED_LOCKED_ON = 'AggregatedDiscoveryRemoveBetaType DisableNodeKubeProxyVersion'

/** LegacyServiceAccountTokenNoAutoGeneration is gone upstream; here it still works, and nothing else is. */
export const FEATURE_GATES: ReadonlyMap<string, FeatureGate> = new Map(
  [
    ...gates(ALPHA, { stage: 'ALPHA', isOnByDefault: false, isLocked: false }),
    ...gates(BETA_OFF, { stage: 'BETA', isOnByDefault: false, isLocked: false }),
    ...gates(BETA_ON, { stage: 'BETA', isOnByDefault: true, isLocked: false }),
    ...gates(GA_FREE, { stage: 'GA', isOnByDefault: true, isLocked: false }),
    ...gates(GA_LOCKED, { stage: 'GA', isOnByDefault: true, isLocked: true }),
    ...gates(DEPRECATED_OFF, { stage: 'DEPRECATED', isOnByDefault: false, isLocked: false }),
    ...gates(DEPRECATED_ON, { stage: 'DEPRECATED', isOnByDefault: true, isLocked: false }),
    ...gates(DEPRECATED_LOCKED_OFF, { stage: 'DEPRECATED', isOnByDefault: false, isLocked: true }),
    ...gates(DEPRECATED_LOCKED_ON, { stage: 'DEPRECATED', isOnByDefault: true, isLocked: true }),
  ].map((gate) => [gate.name, gate]),
)

function gates(names: string, facts: Omit<FeatureGate, 'name'>): FeatureGate[] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => ({ name, ...facts }))
}
