/** Names of the built-in controllers: identities, metric labels, flags. Never renamed silently. Upstream: controller_names.go. */

export const NAMESPACE_CONTROLLER = 'namespace-controller'
export const SERVICE_ACCOUNT_CONTROLLER = 'serviceaccount-controller'
export const SERVICE_ACCOUNT_TOKEN_CONTROLLER = 'serviceaccount-token-controller'
export const ROOT_CA_PUBLISHER_CONTROLLER = 'root-ca-certificate-publisher-controller'
export const CLUSTER_ROLE_AGGREGATION_CONTROLLER = 'clusterrole-aggregation-controller'
export const GARBAGE_COLLECTOR_CONTROLLER = 'garbage-collector-controller'
export const JOB_CONTROLLER = 'job-controller'
export const TTL_AFTER_FINISHED_CONTROLLER = 'ttl-after-finished-controller'
/** Upstream runs it inside kube-apiserver, without a name of its own. */
export const SERVICE_IP_REPAIR_CONTROLLER = 'service-ip-repair-controller'
export const SERVICE_CIDR_CONTROLLER = 'service-cidr-controller'
export const HELM_CHART_CONTROLLER = 'helm-chart-controller'
export const DEPLOY_CONTROLLER = 'deploy-controller'
export const REPLICA_SET_CONTROLLER = 'replicaset-controller'
export const REPLICATION_CONTROLLER = 'replicationcontroller-controller'
export const DEPLOYMENT_CONTROLLER = 'deployment-controller'
