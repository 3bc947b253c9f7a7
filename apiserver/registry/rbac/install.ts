/** rbac.authorization.k8s.io/v1. Upstream: pkg/registry/rbac. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { isPathSegmentName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { RegistryDeps } from '../deps.ts'
import type { ResourceDefinition, Strategy } from '../generic/interfaces.ts'
import { defineGroup } from '../resource-row.ts'
import { RBAC_API_GROUP, setBindingDefaults } from './defaults.ts'
import { createBindingHooks, createRoleHooks, type EscalationPolicy } from './escalation.ts'
import { bindingTable } from './table.ts'
import {
  validateClusterRole,
  validateClusterRoleBinding,
  validateRole,
  validateRoleBinding,
  validateSameRoleRef,
} from './validation.ts'

const SHARED: Strategy = { allowCreateOnUpdate: true, validateName: isPathSegmentName }

type Validate = (object: DeepReadonly<KubeObject>, old?: DeepReadonly<KubeObject>) => FieldError[]

function roleStrategy(validate: Validate): Strategy {
  return { ...SHARED, validate: (object) => validate(object), validateUpdate: (object, old) => validate(object, old) }
}

function bindingStrategy(validate: Validate): Strategy {
  return {
    ...SHARED,
    validate: (object) => validate(object),
    validateUpdate: (object, old) => [...validate(object), ...validateSameRoleRef(object, old)],
  }
}

/** `policy` decides who may grant what. */
export function rbacResources(deps: RegistryDeps, policy: EscalationPolicy): ResourceDefinition[] {
  const group = {
    group: RBAC_API_GROUP,
    version: 'v1',
    resources: [
      {
        resource: 'clusterrolebindings',
        kind: 'ClusterRoleBinding',
        namespaced: false,
        defaults: setBindingDefaults,
        strategy: bindingStrategy(validateClusterRoleBinding),
        hooks: () => createBindingHooks('clusterrolebindings', policy),
        table: bindingTable,
      },
      {
        resource: 'clusterroles',
        kind: 'ClusterRole',
        namespaced: false,
        strategy: roleStrategy(validateClusterRole),
        hooks: () => createRoleHooks('clusterroles', policy),
      },
      {
        resource: 'rolebindings',
        kind: 'RoleBinding',
        namespaced: true,
        defaults: setBindingDefaults,
        strategy: bindingStrategy(validateRoleBinding),
        hooks: () => createBindingHooks('rolebindings', policy),
        table: bindingTable,
      },
      {
        resource: 'roles',
        kind: 'Role',
        namespaced: true,
        strategy: roleStrategy(validateRole),
        hooks: () => createRoleHooks('roles', policy),
      },
    ],
  }
  return defineGroup(group, deps)
}
