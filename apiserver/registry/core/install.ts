/** The legacy core group, v1. Upstream: pkg/registry/core. */

import {
  setConfigMapDefaults,
  setEndpointsDefaults,
  setLimitRangeDefaults,
  setNamespaceDefaults,
  setNodeDefaults,
  setPersistentVolumeClaimDefaults,
  setPersistentVolumeDefaults,
  setReplicationControllerDefaults,
  setSecretDefaults,
} from '#apiserver/apis/core/defaults.ts'
import { setPodDefaults, setPodTemplateObjectDefaults } from '#apiserver/apis/core/pod/defaults.ts'
import { setServiceDefaults } from '#apiserver/apis/core/service/defaults.ts'
import type { Binding, ComponentStatus, ReplicationController, Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { podLog } from './connect/pod-log.ts'
import { podAttach, podExec, podPortForward } from './connect/pod-streams.ts'
import { nodeProxy, podProxy, serviceProxy } from './connect/proxies.ts'
import { eventSelectableFields } from './event-fields.ts'
import { namespaceFinalize, namespaceStatusStrategy, namespaceStrategy } from './namespace/strategy.ts'
import { bindPod, podBinding } from './pod/binding.ts'
import { podEviction } from './pod/eviction.ts'
import {
  podEphemeralContainers,
  podResize,
  podSelectableFields,
  podStatusStrategy,
  podStrategy,
} from './pod/strategy.ts'
import { scaleTable } from '../table.ts'
import { podTable } from './pod/table.ts'
import { serviceHooks } from './service/hooks.ts'
import { configuredFamilies } from './service/service-cidrs.ts'
import { serviceSelectableFields, serviceStatusStrategy, serviceStrategy } from './service/strategy.ts'
import { serviceTable } from './service/table.ts'
import {
  configMapStrategy,
  endpointsStrategy,
  eventStrategy,
  limitRangeStrategy,
  nodeStatusStrategy,
  nodeStrategy,
  persistentVolumeClaimStatusStrategy,
  persistentVolumeClaimStrategy,
  persistentVolumeStatusStrategy,
  persistentVolumeStrategy,
  podTemplateStrategy,
  replicationControllerStatusStrategy,
  replicationControllerStrategy,
  resourceQuotaStatusStrategy,
  resourceQuotaStrategy,
  secretStrategy,
  serviceAccountStrategy,
} from './small-strategies.ts'
import {
  componentStatusTable,
  configMapTable,
  endpointsTable,
  eventTable,
  namespaceTable,
  nodeTable,
  persistentVolumeClaimTable,
  persistentVolumeTable,
  podTemplateTable,
  replicationControllerTable,
  resourceQuotaTable,
  secretTable,
  serviceAccountTable,
} from './tables.ts'

export const CORE_GROUP: ResourceGroup = {
  group: '',
  version: 'v1',
  resources: [
    {
      resource: 'bindings',
      kind: 'Binding',
      namespaced: true,
      verbs: ['create'],
      virtualCreate:
        ({ objects, config }) =>
        (object, context) =>
          bindPod(objects, config.isGateEnabled, object.metadata.name ?? '', object as Binding, context),
    },
    {
      resource: 'componentstatuses',
      kind: 'ComponentStatus',
      namespaced: false,
      shortNames: ['cs'],
      verbs: ['get', 'list'],
      deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
      table: componentStatusTable,
      virtualList: () => () => COMPONENTS.map(healthyComponent),
    },
    {
      resource: 'configmaps',
      kind: 'ConfigMap',
      namespaced: true,
      shortNames: ['cm'],
      defaults: setConfigMapDefaults,
      strategy: configMapStrategy,
      table: configMapTable,
    },
    {
      resource: 'endpoints',
      singular: 'endpoints',
      kind: 'Endpoints',
      namespaced: true,
      shortNames: ['ep'],
      deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
      defaults: setEndpointsDefaults,
      strategy: endpointsStrategy,
      table: endpointsTable,
    },
    {
      resource: 'events',
      kind: 'Event',
      namespaced: true,
      shortNames: ['ev'],
      strategy: eventStrategy,
      selectableFields: eventSelectableFields,
      indexedFields: ['involvedObject.uid'],
      hasTtl: true,
      table: eventTable,
    },
    {
      resource: 'limitranges',
      kind: 'LimitRange',
      namespaced: true,
      shortNames: ['limits'],
      defaults: setLimitRangeDefaults,
      strategy: limitRangeStrategy,
    },
    {
      resource: 'namespaces',
      kind: 'Namespace',
      namespaced: false,
      shortNames: ['ns'],
      verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
      defaults: setNamespaceDefaults,
      strategy: namespaceStrategy,
      status: namespaceStatusStrategy,
      subresources: () => [namespaceFinalize],
      selectableFields: { 'status.phase': ({ status }) => status?.phase ?? '' },
      table: namespaceTable,
    },
    {
      resource: 'nodes',
      kind: 'Node',
      namespaced: false,
      shortNames: ['no'],
      defaults: setNodeDefaults,
      strategy: nodeStrategy,
      status: nodeStatusStrategy,
      writesStatusOnCreate: true,
      subresources: (deps) => [nodeProxy(deps)],
      selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
      table: nodeTable,
    },
    {
      resource: 'persistentvolumeclaims',
      kind: 'PersistentVolumeClaim',
      namespaced: true,
      shortNames: ['pvc'],
      defaults: setPersistentVolumeClaimDefaults,
      strategy: ({ config }) => persistentVolumeClaimStrategy(config.isGateEnabled),
      status: persistentVolumeClaimStatusStrategy,
      emptyStatus: { phase: 'Pending' },
      table: persistentVolumeClaimTable,
    },
    {
      resource: 'persistentvolumes',
      kind: 'PersistentVolume',
      namespaced: false,
      shortNames: ['pv'],
      defaults: setPersistentVolumeDefaults,
      strategy: ({ config }) => persistentVolumeStrategy(config.isGateEnabled),
      status: persistentVolumeStatusStrategy,
      emptyStatus: { phase: 'Pending' },
      table: persistentVolumeTable,
    },
    {
      resource: 'pods',
      kind: 'Pod',
      namespaced: true,
      shortNames: ['po'],
      categories: ['all'],
      defaults: setPodDefaults,
      strategy: ({ config }) => podStrategy(config.isGateEnabled),
      status: ({ config }) => podStatusStrategy(config.isGateEnabled),
      subresources: ({ objects, config }) => [
        podBinding(objects, config.isGateEnabled),
        podEviction(objects),
        podEphemeralContainers(config.isGateEnabled),
        podResize(config.isGateEnabled),
        podAttach({ objects, config }),
        podExec({ objects, config }),
        podLog({ objects, config }),
        podPortForward({ objects, config }),
        podProxy(objects),
      ],
      selectableFields: podSelectableFields,
      indexedFields: ['spec.nodeName'],
      table: podTable,
    },
    {
      resource: 'podtemplates',
      kind: 'PodTemplate',
      namespaced: true,
      defaults: setPodTemplateObjectDefaults,
      strategy: ({ config }) => podTemplateStrategy(config.isGateEnabled),
      generation: true,
      table: podTemplateTable,
    },
    {
      resource: 'replicationcontrollers',
      kind: 'ReplicationController',
      namespaced: true,
      shortNames: ['rc'],
      categories: ['all'],
      defaults: setReplicationControllerDefaults,
      strategy: ({ config }) => replicationControllerStrategy(config.isGateEnabled),
      status: replicationControllerStatusStrategy,
      emptyStatus: { replicas: 0 },
      generation: true,
      scale: {
        specReplicasPath: '.spec.replicas',
        statusReplicasPath: '.status.replicas',
        table: scaleTable,
        selector: (object) => setText((object as DeepReadonly<ReplicationController>).spec.selector),
      },
      selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
      table: replicationControllerTable,
    },
    {
      resource: 'resourcequotas',
      kind: 'ResourceQuota',
      namespaced: true,
      shortNames: ['quota'],
      strategy: resourceQuotaStrategy,
      status: resourceQuotaStatusStrategy,
      table: resourceQuotaTable,
    },
    {
      resource: 'secrets',
      kind: 'Secret',
      namespaced: true,
      defaults: setSecretDefaults,
      strategy: secretStrategy,
      selectableFields: { type: (secret: DeepReadonly<Secret>) => secret.type ?? '' },
      table: secretTable,
    },
    {
      resource: 'serviceaccounts',
      kind: 'ServiceAccount',
      namespaced: true,
      shortNames: ['sa'],
      strategy: serviceAccountStrategy,
      table: serviceAccountTable,
    },
    {
      resource: 'services',
      kind: 'Service',
      namespaced: true,
      shortNames: ['svc'],
      categories: ['all'],
      defaults: setServiceDefaults,
      strategy: ({ config }) => serviceStrategy(configuredFamilies(config.serviceCidr)),
      status: serviceStatusStrategy,
      hooks: serviceHooks,
      subresources: ({ objects }) => [serviceProxy(objects)],
      selectableFields: serviceSelectableFields,
      table: serviceTable,
    },
  ],
}

const setText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')

/** The parts upstream's deprecated componentstatuses speak of; here they live in this process. */
const COMPONENTS = ['controller-manager', 'storage'] as const

function healthyComponent(name: string): ComponentStatus {
  return {
    apiVersion: 'v1',
    kind: 'ComponentStatus',
    metadata: { name },
    conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
  }
}
