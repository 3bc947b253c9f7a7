/**
 * The controllers of kube-controller-manager 1.36 by name, and the names they had before, which stay valid.
 * Upstream: cmd/kube-controller-manager/names/controller_names.go, cloud-provider names, the descriptors' aliases.
 */
import * as names from './names.ts'

/** Of these there is none here, whether upstream runs them by default or not: docs/compatibility.md says what follows. */
const ELSEWHERE_ONLY = [
  'cloud-node-lifecycle-controller',
  'kube-apiserver-serving-clustertrustbundle-publisher-controller',
  'node-route-controller',
  'podcertificaterequest-cleaner-controller',
  'podgroup-protection-controller',
  'resourceclaim-controller',
  'resourcepoolstatusrequest-controller',
  'selinux-warning-controller',
]

const OWN = new Set<string>(Object.values(names))

/** Names that a configuration written for kube-controller-manager may hold, and that nothing here answers to. */
export const MISSING_CONTROLLERS: readonly string[] = ELSEWHERE_ONLY.filter((name) => !OWN.has(name))

/** Every name `--controllers` takes. */
export const CONTROLLER_NAMES: readonly string[] = [...OWN, ...MISSING_CONTROLLERS]

/** By the former name. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['attachdetach', names.PERSISTENT_VOLUME_ATTACH_DETACH_CONTROLLER],
  ['bootstrapsigner', names.BOOTSTRAP_SIGNER_CONTROLLER],
  ['cloud-node-lifecycle', 'cloud-node-lifecycle-controller'],
  ['clusterrole-aggregation', names.CLUSTER_ROLE_AGGREGATION_CONTROLLER],
  ['cronjob', names.CRON_JOB_CONTROLLER],
  ['csrapproving', names.CSR_APPROVING_CONTROLLER],
  ['csrcleaner', names.CSR_CLEANER_CONTROLLER],
  ['csrsigning', names.CSR_SIGNING_CONTROLLER],
  ['daemonset', names.DAEMON_SET_CONTROLLER],
  ['deployment', names.DEPLOYMENT_CONTROLLER],
  ['disruption', names.DISRUPTION_CONTROLLER],
  ['endpoint', names.ENDPOINTS_CONTROLLER],
  ['endpointslice', names.ENDPOINT_SLICE_CONTROLLER],
  ['endpointslicemirroring', names.ENDPOINT_SLICE_MIRRORING_CONTROLLER],
  // What this server called it before.
  ['endpointslicemirroring-controller', names.ENDPOINT_SLICE_MIRRORING_CONTROLLER],
  ['ephemeral-volume', names.EPHEMERAL_VOLUME_CONTROLLER],
  ['garbagecollector', names.GARBAGE_COLLECTOR_CONTROLLER],
  ['horizontalpodautoscaling', names.HORIZONTAL_POD_AUTOSCALER_CONTROLLER],
  ['job', names.JOB_CONTROLLER],
  ['legacy-service-account-token-cleaner', names.LEGACY_TOKEN_CLEANER_CONTROLLER],
  ['namespace', names.NAMESPACE_CONTROLLER],
  ['nodeipam', names.NODE_IPAM_CONTROLLER],
  ['nodelifecycle', names.NODE_LIFECYCLE_CONTROLLER],
  ['persistentvolume-binder', names.PERSISTENT_VOLUME_BINDER_CONTROLLER],
  ['persistentvolume-expander', names.PERSISTENT_VOLUME_EXPANDER_CONTROLLER],
  ['podgc', names.POD_GARBAGE_COLLECTOR_CONTROLLER],
  ['pv-protection', names.PERSISTENT_VOLUME_PROTECTION_CONTROLLER],
  ['pvc-protection', names.PERSISTENT_VOLUME_CLAIM_PROTECTION_CONTROLLER],
  ['replicaset', names.REPLICA_SET_CONTROLLER],
  ['replicationcontroller', names.REPLICATION_CONTROLLER],
  ['resource-claim-controller', 'resourceclaim-controller'],
  ['resourcequota', names.RESOURCE_QUOTA_CONTROLLER],
  ['root-ca-cert-publisher', names.ROOT_CA_PUBLISHER_CONTROLLER],
  ['route', 'node-route-controller'],
  ['service', names.SERVICE_LB_CONTROLLER],
  ['serviceaccount', names.SERVICE_ACCOUNT_CONTROLLER],
  ['serviceaccount-token', names.SERVICE_ACCOUNT_TOKEN_CONTROLLER],
  ['statefulset', names.STATEFUL_SET_CONTROLLER],
  ['storage-version-gc', names.STORAGE_VERSION_GARBAGE_COLLECTOR_CONTROLLER],
  ['tokencleaner', names.TOKEN_CLEANER_CONTROLLER],
  ['ttl', names.TTL_CONTROLLER],
  ['ttl-after-finished', names.TTL_AFTER_FINISHED_CONTROLLER],
])

/** `csrsigning` → today's name, `-csrsigning` alike; anything else as it is. */
export function currentName(entry: string): string {
  const prefix = entry.startsWith('-') ? '-' : ''
  const name = entry.slice(prefix.length)
  return prefix + (ALIASES.get(name) ?? name)
}
