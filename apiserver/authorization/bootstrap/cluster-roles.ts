/**
 * The cluster roles and bindings every cluster starts with, besides those of controllers.
 * Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#machinery/api/rbac/v1/types.gen.ts'
import { GROUP_AUTHENTICATED, GROUP_MASTERS, GROUP_UNAUTHENTICATED } from '../../authentication/interfaces.ts'
import {
  APPS,
  AUTHENTICATION,
  AUTHORIZATION,
  AUTOSCALING,
  aggregatedClusterRole,
  aggregateTo,
  BATCH,
  CERTIFICATES,
  COORDINATION,
  CORE,
  clusterRole,
  clusterRoleBinding,
  DISCOVERY,
  EXTENSIONS,
  eventsRule,
  groupSubject,
  NETWORKING,
  POLICY,
  RBAC,
  READ,
  READ_UPDATE,
  READ_WRITE,
  RESOURCE,
  rule,
  rulePerResource,
  STORAGE,
  serviceAccountSubject,
  urlRule,
  userSubject,
  WRITE,
} from './builders.ts'

const SCALABLE = 'deployments deployments/scale replicasets replicasets/scale'
const ROLLOUTS = 'daemonsets deployments/rollback'
const WORKLOAD_STATUS = 'daemonsets daemonsets/status deployments/status replicasets/status'

const CONTROLLER_MANAGER = 'system:kube-controller-manager'
const SCHEDULER = 'system:kube-scheduler'

export function clusterRoles(): ClusterRole[] {
  return [
    clusterRole('cluster-admin', [rule('*', '*', '*'), urlRule('*', '*')]),
    clusterRole('system:discovery', [
      urlRule('get', '/livez /readyz /healthz /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*'),
    ]),
    clusterRole('system:monitoring', [
      urlRule('get', '/metrics /metrics/slis /livez /readyz /healthz /livez/* /readyz/* /healthz/*'),
      urlRule('get', '/flagz'),
      urlRule('get', '/statusz'),
    ]),
    clusterRole('system:basic-user', [
      rule('create', AUTHORIZATION, 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      rule('create', AUTHENTICATION, 'selfsubjectreviews'),
    ]),
    clusterRole('system:public-info-viewer', [urlRule('get', '/livez /readyz /healthz /version /version/')]),
    ...userFacingRoles(),
    ...nodeRoles(),
    ...componentRoles(),
    ...certificateRoles(),
    clusterRole('system:service-account-issuer-discovery', [
      urlRule(
        'get',
        '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
      ),
    ]),
  ]
}

function userFacingRoles(): ClusterRole[] {
  return [
    aggregatedClusterRole('admin'),
    aggregatedClusterRole('edit', aggregateTo('admin')),
    aggregatedClusterRole('view', aggregateTo('edit')),
    clusterRole(
      'system:aggregate-to-admin',
      [rule('create', AUTHORIZATION, 'localsubjectaccessreviews'), rule(READ_WRITE, RBAC, 'roles rolebindings')],
      aggregateTo('admin'),
    ),
    clusterRole('system:aggregate-to-edit', editRules(), aggregateTo('edit')),
    clusterRole('system:aggregate-to-view', viewRules(), aggregateTo('view')),
  ]
}

function editRules(): PolicyRule[] {
  return [
    rule(READ, CORE, 'pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy'),
    rule('impersonate', CORE, 'serviceaccounts'),
    rule(WRITE, CORE, 'pods pods/attach pods/proxy pods/exec pods/portforward'),
    rule('create', CORE, 'pods/eviction'),
    rule(
      WRITE,
      CORE,
      'replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy persistentvolumeclaims configmaps secrets events',
    ),
    rule('create', CORE, 'serviceaccounts/token'),
    rule(WRITE, APPS, `statefulsets statefulsets/scale ${SCALABLE} ${ROLLOUTS}`),
    rule(WRITE, AUTOSCALING, 'horizontalpodautoscalers'),
    rule(WRITE, BATCH, 'jobs cronjobs'),
    rule(WRITE, EXTENSIONS, `${SCALABLE} ${ROLLOUTS} ingresses replicationcontrollers/scale networkpolicies`),
    rule(WRITE, POLICY, 'poddisruptionbudgets'),
    rule(WRITE, NETWORKING, 'networkpolicies ingresses'),
    rule(READ_WRITE, COORDINATION, 'leases'),
    rule(WRITE, RESOURCE, 'resourceclaims resourceclaimtemplates'),
  ]
}

function viewRules(): PolicyRule[] {
  return [
    rule(
      READ,
      CORE,
      'pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps',
    ),
    rule(
      READ,
      CORE,
      'limitranges resourcequotas bindings events pods/status resourcequotas/status namespaces/status replicationcontrollers/status pods/log',
    ),
    rule(READ, CORE, 'namespaces'),
    rule(READ, DISCOVERY, 'endpointslices'),
    rule(
      READ,
      APPS,
      `controllerrevisions statefulsets statefulsets/status statefulsets/scale ${SCALABLE} ${WORKLOAD_STATUS}`,
    ),
    rule(READ, AUTOSCALING, 'horizontalpodautoscalers horizontalpodautoscalers/status'),
    rule(READ, BATCH, 'jobs cronjobs cronjobs/status jobs/status'),
    rule(
      READ,
      EXTENSIONS,
      `${SCALABLE} ${WORKLOAD_STATUS} ingresses ingresses/status replicationcontrollers/scale networkpolicies`,
    ),
    rule(READ, POLICY, 'poddisruptionbudgets poddisruptionbudgets/status'),
    rule(READ, NETWORKING, 'networkpolicies ingresses ingresses/status'),
    rule(READ, RESOURCE, 'resourceclaims resourceclaims/status resourceclaimtemplates'),
  ]
}

/** What any node may do, before the Node authorizer narrows it down. Upstream: policy.go NodeRules. */
export function nodeRules(): PolicyRule[] {
  return [
    rule('create', AUTHENTICATION, 'tokenreviews'),
    rule('create', AUTHORIZATION, 'subjectaccessreviews localsubjectaccessreviews'),
    rule(READ, CORE, 'services'),
    rule('create get list watch', CORE, 'nodes'),
    rule('update patch', CORE, 'nodes/status'),
    rule('update patch', CORE, 'nodes'),
    rule('create update patch', CORE, 'events'),
    rule(READ, CORE, 'pods'),
    rule('create delete', CORE, 'pods'),
    rule('update patch', CORE, 'pods/status'),
    rule('create', CORE, 'pods/eviction'),
    rule(READ, CORE, 'secrets configmaps'),
    rule('get', CORE, 'persistentvolumeclaims persistentvolumes'),
    rule('get', CORE, 'endpoints'),
    rule('create get list watch', CERTIFICATES, 'certificatesigningrequests'),
    rule('get create update patch delete', COORDINATION, 'leases'),
    rule('get', STORAGE, 'volumeattachments'),
    rule('create', CORE, 'serviceaccounts/token'),
    rule('get update patch', CORE, 'persistentvolumeclaims/status'),
    rule(READ, STORAGE, 'csidrivers'),
    rule('get create update patch delete', STORAGE, 'csinodes'),
    rule(READ, 'node.k8s.io', 'runtimeclasses'),
    rule('get', RESOURCE, 'resourceclaims'),
    rule('deletecollection', RESOURCE, 'resourceslices'),
    // For image credential providers.
    rule('get', CORE, 'serviceaccounts'),
  ]
}

function nodeRoles(): ClusterRole[] {
  return [
    clusterRole('system:node', nodeRules()),
    clusterRole('system:node-problem-detector', [
      rule('get', CORE, 'nodes'),
      rule('patch', CORE, 'nodes/status'),
      eventsRule(),
    ]),
    clusterRole('system:kubelet-api-admin', [
      rule(READ, CORE, 'nodes'),
      rule('proxy', CORE, 'nodes'),
      rule('*', CORE, 'nodes/proxy nodes/metrics nodes/stats nodes/log'),
      rule('*', CORE, 'nodes/configz nodes/healthz nodes/pods'),
    ]),
    clusterRole('system:node-bootstrapper', [
      rule('create get list watch', CERTIFICATES, 'certificatesigningrequests'),
    ]),
    clusterRole('system:node-proxier', [
      rule('list watch', CORE, 'services endpoints'),
      rule(READ, CORE, 'nodes'),
      eventsRule(),
      rule('list watch', NETWORKING, 'servicecidrs'),
      rule('list watch', DISCOVERY, 'endpointslices'),
    ]),
  ]
}

function componentRoles(): ClusterRole[] {
  return [
    clusterRole('system:heapster', [
      rule(READ, CORE, 'events pods nodes namespaces'),
      rule(READ, EXTENSIONS, 'deployments'),
    ]),
    clusterRole('system:auth-delegator', accessReviewRules()),
    clusterRole('system:kube-aggregator', [rule(READ, CORE, 'services endpoints')]),
    clusterRole(CONTROLLER_MANAGER, [
      eventsRule(),
      rule('create', COORDINATION, 'leases'),
      rule('get update', COORDINATION, 'leases', 'kube-controller-manager'),
      rule('create', CORE, 'secrets serviceaccounts'),
      rule('delete', CORE, 'secrets'),
      rule('get', CORE, 'namespaces secrets serviceaccounts configmaps'),
      rule('update', CORE, 'secrets serviceaccounts'),
      ...accessReviewRules(),
      rule('list watch', '*', '*'),
      rule('create', CORE, 'serviceaccounts/token'),
    ]),
    clusterRole('system:kube-dns', [rule('list watch', CORE, 'endpoints services')]),
    clusterRole('system:persistent-volume-provisioner', [
      rule('get list watch create delete', CORE, 'persistentvolumes'),
      rule('get list watch update', CORE, 'persistentvolumeclaims'),
      rule(READ, STORAGE, 'storageclasses'),
      rule('watch', CORE, 'events'),
      eventsRule(),
    ]),
    clusterRole('system:volume-scheduler', [
      rule(READ_UPDATE, CORE, 'persistentvolumes'),
      rule(READ, STORAGE, 'storageclasses'),
      rule(READ_UPDATE, CORE, 'persistentvolumeclaims'),
    ]),
    clusterRole(SCHEDULER, schedulerRules()),
  ]
}

function accessReviewRules(): PolicyRule[] {
  return [rule('create', AUTHENTICATION, 'tokenreviews'), rule('create', AUTHORIZATION, 'subjectaccessreviews')]
}

function schedulerRules(): PolicyRule[] {
  return [
    eventsRule(),
    rule('create', COORDINATION, 'leases'),
    rule('get list update watch', COORDINATION, 'leases', 'kube-scheduler'),
    rule(READ_WRITE, COORDINATION, 'leasecandidates'),
    rule(READ, CORE, 'nodes'),
    rule('get list watch delete', CORE, 'pods'),
    rule('create', CORE, 'pods/binding bindings'),
    rule('patch update', CORE, 'pods/status'),
    rule(READ, CORE, 'services replicationcontrollers'),
    rule(READ, [APPS, EXTENSIONS], 'replicasets'),
    rule(READ, APPS, 'statefulsets'),
    rule(READ, POLICY, 'poddisruptionbudgets'),
    rule(READ, CORE, 'persistentvolumeclaims persistentvolumes'),
    ...accessReviewRules(),
    ...rulePerResource(READ, STORAGE, 'csinodes volumeattachments'),
    rule(READ, CORE, 'namespaces'),
    ...rulePerResource(READ, STORAGE, 'csidrivers csistoragecapacities'),
    rule(READ, RESOURCE, 'deviceclasses'),
    ...rulePerResource(READ_UPDATE, RESOURCE, 'resourceclaims resourceclaims/status'),
    rule('create delete', RESOURCE, 'resourceclaims'),
    rule(READ_UPDATE, CORE, 'pods/finalizers'),
    rule(READ, RESOURCE, 'resourceslices'),
    rule('patch update', RESOURCE, 'resourceclaims/binding'),
  ]
}

function certificateRoles(): ClusterRole[] {
  const approver = (signer: string): ClusterRole =>
    clusterRole(`system:${CERTIFICATES}:${signer}-approver`, [
      rule('approve', CERTIFICATES, 'signers', `kubernetes.io/${signer}`),
    ])
  return [
    ...['nodeclient', 'selfnodeclient'].map((subresource) =>
      clusterRole(`system:${CERTIFICATES}:certificatesigningrequests:${subresource}`, [
        rule('create', CERTIFICATES, `certificatesigningrequests/${subresource}`),
      ]),
    ),
    approver('legacy-unknown'),
    approver('kubelet-serving'),
    approver('kube-apiserver-client'),
    approver('kube-apiserver-client-kubelet'),
  ]
}

export function clusterRoleBindings(): ClusterRoleBinding[] {
  const authenticated = groupSubject(GROUP_AUTHENTICATED)
  return [
    clusterRoleBinding('cluster-admin', [groupSubject(GROUP_MASTERS)]),
    clusterRoleBinding('system:monitoring', [groupSubject('system:monitoring')]),
    clusterRoleBinding('system:discovery', [authenticated]),
    clusterRoleBinding('system:basic-user', [authenticated]),
    clusterRoleBinding('system:public-info-viewer', [authenticated, groupSubject(GROUP_UNAUTHENTICATED)]),
    clusterRoleBinding('system:node-proxier', [userSubject('system:kube-proxy')]),
    clusterRoleBinding(CONTROLLER_MANAGER, [userSubject(CONTROLLER_MANAGER)]),
    clusterRoleBinding('system:kube-dns', [serviceAccountSubject('kube-dns')]),
    clusterRoleBinding(SCHEDULER, [userSubject(SCHEDULER)]),
    clusterRoleBinding('system:volume-scheduler', [userSubject(SCHEDULER)]),
    // Nobody: nodes are the Node authorizer's business, the binding is kept for those who add subjects.
    clusterRoleBinding('system:node', []),
    clusterRoleBinding('system:service-account-issuer-discovery', [groupSubject('system:serviceaccounts')]),
  ]
}
