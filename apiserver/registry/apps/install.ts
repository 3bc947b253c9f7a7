/** apps/v1. Upstream: pkg/registry/apps. */
import {
  setControllerRevisionDefaults,
  setDaemonSetDefaults,
  setDeploymentDefaults,
  setReplicaSetDefaults,
  setStatefulSetDefaults,
} from '#apiserver/apis/apps/defaults.ts'
import type { ResourceGroup } from '../resource-row.ts'
import {
  controllerRevisionStrategy,
  daemonSetStatusStrategy,
  daemonSetStrategy,
  deploymentStatusStrategy,
  deploymentStrategy,
  replicaSetStatusStrategy,
  replicaSetStrategy,
  SELECTOR_SCALE,
  statefulSetStatusStrategy,
  statefulSetStrategy,
} from './strategies.ts'
import {
  controllerRevisionTable,
  daemonSetTable,
  deploymentTable,
  replicaSetTable,
  statefulSetTable,
} from './tables.ts'

const WORKLOAD = { namespaced: true, categories: ['all'], status: true, generation: true } as const

export const APPS_GROUP: ResourceGroup = {
  group: 'apps',
  version: 'v1',
  resources: [
    {
      resource: 'controllerrevisions',
      kind: 'ControllerRevision',
      namespaced: true,
      defaults: setControllerRevisionDefaults,
      strategy: controllerRevisionStrategy,
      table: controllerRevisionTable,
    },
    {
      ...WORKLOAD,
      resource: 'daemonsets',
      kind: 'DaemonSet',
      shortNames: ['ds'],
      defaults: setDaemonSetDefaults,
      strategy: ({ config }) => daemonSetStrategy(config.isGateEnabled),
      status: daemonSetStatusStrategy,
      emptyStatus: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
      table: daemonSetTable,
    },
    {
      ...WORKLOAD,
      resource: 'deployments',
      kind: 'Deployment',
      shortNames: ['deploy'],
      defaults: setDeploymentDefaults,
      strategy: ({ config }) => deploymentStrategy(config.isGateEnabled),
      status: deploymentStatusStrategy,
      generation: 'annotations',
      scale: SELECTOR_SCALE,
      table: deploymentTable,
    },
    {
      ...WORKLOAD,
      resource: 'replicasets',
      kind: 'ReplicaSet',
      shortNames: ['rs'],
      defaults: setReplicaSetDefaults,
      strategy: ({ config }) => replicaSetStrategy(config.isGateEnabled),
      status: replicaSetStatusStrategy,
      emptyStatus: { replicas: 0 },
      scale: SELECTOR_SCALE,
      selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
      table: replicaSetTable,
    },
    {
      ...WORKLOAD,
      resource: 'statefulsets',
      kind: 'StatefulSet',
      shortNames: ['sts'],
      defaults: setStatefulSetDefaults,
      strategy: ({ config }) => statefulSetStrategy(config.isGateEnabled),
      status: statefulSetStatusStrategy,
      emptyStatus: { replicas: 0, availableReplicas: 0 },
      scale: SELECTOR_SCALE,
      table: statefulSetTable,
    },
  ],
}
