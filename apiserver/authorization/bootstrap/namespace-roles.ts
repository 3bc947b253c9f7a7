/** Roles and bindings in kube-system and kube-public. Upstream: bootstrappolicy/namespace_policy.go. */
import type { Role, RoleBinding } from '#machinery/api/rbac/v1/types.gen.ts'
import {
  COORDINATION,
  CORE,
  eventsRule,
  namespacedBinding,
  namespacedRole,
  READ,
  rule,
  rulePerResource,
  serviceAccountSubject,
  userSubject,
} from './builders.ts'

const SYSTEM = 'kube-system'
const PUBLIC = 'kube-public'
const AUTHENTICATION_READER = 'extension-apiserver-authentication-reader'
const LOCK_CONTROLLER_MANAGER = 'system::leader-locking-kube-controller-manager'
const LOCK_SCHEDULER = 'system::leader-locking-kube-scheduler'
const BOOTSTRAP_SIGNER = 'system:controller:bootstrap-signer'
const CLOUD_PROVIDER = 'system:controller:cloud-provider'
const TOKEN_CLEANER = 'system:controller:token-cleaner'

export function namespacedRoles(): Role[] {
  return [
    namespacedRole(SYSTEM, AUTHENTICATION_READER, [
      rule(READ, CORE, 'configmaps', 'extension-apiserver-authentication'),
    ]),
    namespacedRole(SYSTEM, BOOTSTRAP_SIGNER, [rule(READ, CORE, 'secrets')]),
    namespacedRole(SYSTEM, CLOUD_PROVIDER, [rule(`create ${READ}`, CORE, 'configmaps')]),
    namespacedRole(SYSTEM, TOKEN_CLEANER, [rule(`${READ} delete`, CORE, 'secrets'), eventsRule()]),
    ...[LOCK_CONTROLLER_MANAGER, LOCK_SCHEDULER].map((name) =>
      namespacedRole(SYSTEM, name, rulePerResource(`${READ} create update`, COORDINATION, 'leases leasecandidates')),
    ),
    namespacedRole(PUBLIC, BOOTSTRAP_SIGNER, [
      rule(READ, CORE, 'configmaps'),
      rule('update', CORE, 'configmaps', 'cluster-info'),
      eventsRule(),
    ]),
  ]
}

export function namespacedRoleBindings(): RoleBinding[] {
  const controllerManager = userSubject('system:kube-controller-manager')
  const scheduler = userSubject('system:kube-scheduler')
  return [
    namespacedBinding(
      SYSTEM,
      AUTHENTICATION_READER,
      [controllerManager, scheduler],
      `system::${AUTHENTICATION_READER}`,
    ),
    namespacedBinding(SYSTEM, LOCK_CONTROLLER_MANAGER, [
      controllerManager,
      serviceAccountSubject('kube-controller-manager'),
      serviceAccountSubject('leader-election-controller'),
    ]),
    namespacedBinding(SYSTEM, LOCK_SCHEDULER, [scheduler, serviceAccountSubject('kube-scheduler')]),
    namespacedBinding(SYSTEM, BOOTSTRAP_SIGNER, [serviceAccountSubject('bootstrap-signer')]),
    namespacedBinding(SYSTEM, CLOUD_PROVIDER, [serviceAccountSubject('cloud-provider')]),
    namespacedBinding(SYSTEM, TOKEN_CLEANER, [serviceAccountSubject('token-cleaner')]),
    namespacedBinding(PUBLIC, BOOTSTRAP_SIGNER, [serviceAccountSubject('bootstrap-signer')]),
  ]
}
