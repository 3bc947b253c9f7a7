/**
 * One cluster role per controller of kube-controller-manager, bound to the service account of the same name in
 * kube-system. Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#machinery/api/rbac/v1/types.gen.ts'
import {
  APPS,
  AUTHORIZATION,
  AUTOSCALING,
  BATCH,
  CERTIFICATES,
  CORE,
  clusterRole,
  clusterRoleBinding,
  DISCOVERY,
  EXTENSIONS,
  eventsRule,
  NETWORKING,
  POLICY,
  RBAC,
  READ,
  RESOURCE,
  rule,
  rulePerResource,
  STORAGE,
  serviceAccountSubject,
} from './builders.ts'

const PREFIX = 'system:controller:'
const APPS_AND_EXTENSIONS = [APPS, EXTENSIONS]
const READ_DELETE = `${READ} delete`
const READ_UPDATE = `${READ} update`
const MANAGE = `${READ} create update delete`
const MANAGE_PATCH = `${MANAGE} patch`
const ADMISSION = 'admissionregistration.k8s.io'

export function controllerRoles(): ClusterRole[] {
  return controllerRules().map(([name, rules]) => clusterRole(PREFIX + name, rules))
}

export function controllerRoleBindings(): ClusterRoleBinding[] {
  return controllerRules().map(([name]) => clusterRoleBinding(PREFIX + name, [serviceAccountSubject(name)]))
}

type ControllerRules = readonly [name: string, rules: PolicyRule[]]

function controllerRules(): ControllerRules[] {
  return [...workloadControllers(), ...clusterControllers(), ...networkControllers(), ...volumeControllers()]
}

function workloadControllers(): ControllerRules[] {
  const owner = (resource: string, groups: string | readonly string[], verbs = READ_UPDATE): PolicyRule[] => [
    rule(verbs, groups, resource),
    rule('update', groups, `${resource}/status`),
    rule('update', groups, `${resource}/finalizers`),
  ]
  const podOwner = rule('list watch patch create delete', CORE, 'pods')
  return [
    [
      'cronjob-controller',
      [
        rule(READ_UPDATE, BATCH, 'cronjobs'),
        rule(MANAGE_PATCH, BATCH, 'jobs'),
        rule('update', BATCH, 'cronjobs/status'),
        rule('update', BATCH, 'cronjobs/finalizers'),
        rule('list watch delete', CORE, 'pods'),
        eventsRule(),
      ],
    ],
    [
      'daemon-set-controller',
      [
        ...owner('daemonsets', APPS_AND_EXTENSIONS, READ),
        rule('list watch', CORE, 'nodes'),
        podOwner,
        rule('create', CORE, 'pods/binding'),
        rule(MANAGE_PATCH, APPS, 'controllerrevisions'),
        eventsRule(),
      ],
    ],
    [
      'deployment-controller',
      [
        ...owner('deployments', APPS_AND_EXTENSIONS),
        rule(MANAGE_PATCH, APPS_AND_EXTENSIONS, 'replicasets'),
        rule(READ_UPDATE, CORE, 'pods'),
        eventsRule(),
      ],
    ],
    ['job-controller', [...owner('jobs', BATCH, `${READ_UPDATE} patch`), podOwner, eventsRule()]],
    ['replicaset-controller', [...owner('replicasets', APPS_AND_EXTENSIONS), podOwner, eventsRule()]],
    ['replication-controller', [...owner('replicationcontrollers', CORE), podOwner, eventsRule()]],
    [
      'statefulset-controller',
      [
        rule('list watch', CORE, 'pods'),
        ...owner('statefulsets', APPS, READ),
        rule('get create delete update patch', CORE, 'pods'),
        rule(MANAGE_PATCH, APPS, 'controllerrevisions'),
        rule(`${READ} create`, CORE, 'persistentvolumeclaims'),
        rule('update delete', CORE, 'persistentvolumeclaims'),
        rule('update', CORE, 'pods/finalizers'),
        eventsRule(),
      ],
    ],
    ['ttl-after-finished-controller', [rule(READ_DELETE, BATCH, 'jobs'), eventsRule()]],
    [
      'disruption-controller',
      [
        rule(READ, APPS_AND_EXTENSIONS, 'deployments'),
        rule(READ, APPS_AND_EXTENSIONS, 'replicasets'),
        rule(READ, CORE, 'replicationcontrollers'),
        rule(READ, POLICY, 'poddisruptionbudgets'),
        rule(READ, APPS, 'statefulsets'),
        rule('update', POLICY, 'poddisruptionbudgets/status'),
        rule('patch update', CORE, 'pods/status'),
        rule('get', '*', '*/scale'),
        eventsRule(),
      ],
    ],
    [
      'horizontal-pod-autoscaler',
      [
        rule(READ, AUTOSCALING, 'horizontalpodautoscalers'),
        rule('update', AUTOSCALING, 'horizontalpodautoscalers/status'),
        rule('get update', '*', '*/scale'),
        rule('list watch', CORE, 'pods'),
        rule('list watch', 'metrics.k8s.io', 'pods'),
        rule(READ, 'custom.metrics.k8s.io', '*'),
        rule(READ, 'external.metrics.k8s.io', '*'),
        eventsRule(),
      ],
    ],
  ]
}

function clusterControllers(): ControllerRules[] {
  return [
    ['clusterrole-aggregation-controller', [rule('escalate get list watch update patch', RBAC, 'clusterroles')]],
    ['generic-garbage-collector', [rule(`${READ} patch update delete`, '*', '*'), eventsRule()]],
    [
      'namespace-controller',
      [
        rule(READ_DELETE, CORE, 'namespaces'),
        rule('update', CORE, 'namespaces/finalize namespaces/status'),
        rule(`${READ_DELETE} deletecollection`, '*', '*'),
      ],
    ],
    [
      'node-controller',
      [
        rule(`${READ} update delete patch`, CORE, 'nodes'),
        rule('patch update', CORE, 'nodes/status'),
        rule('patch update', CORE, 'pods/status'),
        rule(READ_DELETE, CORE, 'pods'),
        eventsRule(),
      ],
    ],
    [
      'pod-garbage-collector',
      [rule('list watch delete', CORE, 'pods'), rule(READ, CORE, 'nodes'), rule('patch', CORE, 'pods/status')],
    ],
    [
      'resourcequota-controller',
      [rule('list watch', '*', '*'), rule('update', CORE, 'resourcequotas/status'), eventsRule()],
    ],
    ['service-account-controller', [rule('create', CORE, 'serviceaccounts'), eventsRule()]],
    ['ttl-controller', [rule('update patch list watch', CORE, 'nodes'), eventsRule()]],
    ['root-ca-cert-publisher', [rule('create update', CORE, 'configmaps'), eventsRule()]],
    [
      'legacy-service-account-token-cleaner',
      [
        rule('get', CORE, 'configmaps', 'kube-apiserver-legacy-service-account-token-tracking'),
        rule('patch delete', CORE, 'secrets'),
      ],
    ],
    ['certificate-controller', certificateRules()],
    [
      'validatingadmissionpolicy-status-controller',
      [
        rule(READ, ADMISSION, 'validatingadmissionpolicies'),
        rule('get patch update', ADMISSION, 'validatingadmissionpolicies/status'),
        eventsRule(),
      ],
    ],
    [
      'resource-claim-controller',
      [
        rule(READ, CORE, 'pods'),
        rule('update', CORE, 'pods/finalizers'),
        rule(`${READ} create delete`, RESOURCE, 'resourceclaims'),
        rule('update patch', RESOURCE, 'resourceclaims resourceclaims/status'),
        rule('update patch', CORE, 'pods/status'),
        eventsRule(),
        rule('patch update', RESOURCE, 'resourceclaims/binding'),
      ],
    ],
    [
      'device-taint-eviction-controller',
      [
        rule(READ_DELETE, CORE, 'pods'),
        rule('update patch', CORE, 'pods/status'),
        ...rulePerResource(READ, RESOURCE, 'resourceclaims resourceslices deviceclasses'),
        eventsRule(),
      ],
    ],
  ]
}

function certificateRules(): PolicyRule[] {
  const signer = (name: string): string => `kubernetes.io/${name}`
  const kubelet = signer('kube-apiserver-client-kubelet')
  const all = [signer('legacy-unknown'), signer('kube-apiserver-client'), kubelet, signer('kubelet-serving')]
  return [
    rule(READ_DELETE, CERTIFICATES, 'certificatesigningrequests'),
    rule('update', CERTIFICATES, 'certificatesigningrequests/status certificatesigningrequests/approval'),
    rule('approve', CERTIFICATES, 'signers', kubelet),
    rule('sign', CERTIFICATES, 'signers', all.join(' ')),
    rule('create', AUTHORIZATION, 'subjectaccessreviews'),
    eventsRule(),
  ]
}

function networkControllers(): ControllerRules[] {
  return [
    [
      'endpoint-controller',
      [
        rule(READ, CORE, 'services pods'),
        rule(MANAGE, CORE, 'endpoints'),
        rule('create', CORE, 'endpoints/restricted'),
        eventsRule(),
      ],
    ],
    [
      'endpointslice-controller',
      [
        rule(READ, CORE, 'services pods nodes'),
        rule('update', CORE, 'services/finalizers'),
        rule(MANAGE, DISCOVERY, 'endpointslices'),
        eventsRule(),
      ],
    ],
    [
      'endpointslicemirroring-controller',
      [
        rule(READ, CORE, 'services endpoints'),
        rule('update', CORE, 'services/finalizers'),
        rule('update', CORE, 'endpoints/finalizers'),
        rule(MANAGE, DISCOVERY, 'endpointslices'),
        eventsRule(),
      ],
    ],
    ['route-controller', [rule('list watch', CORE, 'nodes'), rule('patch', CORE, 'nodes/status'), eventsRule()]],
    [
      'service-controller',
      [
        rule(READ, CORE, 'services'),
        rule('patch update', CORE, 'services/status'),
        rule('list watch', CORE, 'nodes'),
        eventsRule(),
      ],
    ],
    [
      'service-cidrs-controller',
      [
        rule(`${READ} patch update`, NETWORKING, 'servicecidrs'),
        rule('patch update', NETWORKING, 'servicecidrs/finalizers'),
        rule('patch update', NETWORKING, 'servicecidrs/status'),
        rule(READ, NETWORKING, 'ipaddresses'),
        eventsRule(),
      ],
    ],
  ]
}

function volumeControllers(): ControllerRules[] {
  return [
    [
      'attachdetach-controller',
      [
        rule('list watch', CORE, 'persistentvolumes persistentvolumeclaims'),
        rule(READ, CORE, 'nodes'),
        rule('patch update', CORE, 'nodes/status'),
        rule('list watch', CORE, 'pods'),
        eventsRule(),
        rule(`${READ} create delete`, STORAGE, 'volumeattachments'),
        rule(READ, STORAGE, 'csidrivers'),
        rule(READ, STORAGE, 'csinodes'),
      ],
    ],
    [
      'expand-controller',
      [
        rule(`${READ} update patch`, CORE, 'persistentvolumes'),
        rule('update patch', CORE, 'persistentvolumeclaims/status'),
        rule(READ, CORE, 'persistentvolumeclaims'),
        eventsRule(),
      ],
    ],
    [
      'ephemeral-volume-controller',
      [
        rule(READ, CORE, 'pods'),
        rule('update', CORE, 'pods/finalizers'),
        rule(`${READ} create`, CORE, 'persistentvolumeclaims'),
        eventsRule(),
      ],
    ],
    [
      'persistent-volume-binder',
      [
        rule(MANAGE, CORE, 'persistentvolumes'),
        rule('update', CORE, 'persistentvolumes/status'),
        rule(READ_UPDATE, CORE, 'persistentvolumeclaims'),
        rule('update', CORE, 'persistentvolumeclaims/status'),
        rule(`${READ} create delete`, CORE, 'pods'),
        rule(READ, STORAGE, 'storageclasses'),
        rule('list watch', CORE, 'nodes'),
        eventsRule(),
        rule('watch', CORE, 'events'),
      ],
    ],
    [
      'pvc-protection-controller',
      [rule(READ_UPDATE, CORE, 'persistentvolumeclaims'), rule(READ, CORE, 'pods'), eventsRule()],
    ],
    ['pv-protection-controller', [rule(READ_UPDATE, CORE, 'persistentvolumes'), eventsRule()]],
    [
      'volumeattributesclass-protection-controller',
      [
        rule(READ, CORE, 'persistentvolumeclaims'),
        rule(READ, CORE, 'persistentvolumes'),
        rule(READ_UPDATE, STORAGE, 'volumeattributesclasses'),
        eventsRule(),
      ],
    ],
    [
      'selinux-warning-controller',
      [
        eventsRule(),
        rule(READ, CORE, 'persistentvolumes'),
        rule(READ, CORE, 'persistentvolumeclaims'),
        rule(READ, CORE, 'pods'),
        rule(READ, STORAGE, 'csidrivers'),
      ],
    ],
  ]
}
