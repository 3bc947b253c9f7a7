/** The least of an object of each built-in kind that is valid. */
import type { ResourceDefinition } from '#apiserver/registry/generic/interfaces.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { makeSigningRequest } from './signing-request.ts'

const podSpec = { containers: [{ name: 'c', image: 'nginx' }] }
const labels = { app: 'x' }
const template = { metadata: { labels }, spec: podSpec }
const workload = { spec: { selector: { matchLabels: labels }, template } }
// With labels of its own: a Job without any takes over its template's, on every write.
const jobTemplate = { spec: { template: { metadata: { labels }, spec: { ...podSpec, restartPolicy: 'Never' } } } }
const rule = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }
const matchConstraints = { resourceRules: [rule] }
const mutation = { patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }
const limited = { limitResponse: { type: 'Reject' } }
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }

/** What a kind needs beyond metadata to be valid. */
const REQUIRED = new Map<string, object>([
  ['events', { involvedObject: { namespace: 'contract' } }],
  ['events.k8s.io/events', { regarding: { namespace: 'contract' }, eventTime: null }],
  ['persistentvolumeclaims', { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
  [
    'persistentvolumes',
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/tmp' } } },
  ],
  ['pods', { spec: podSpec }],
  ['replicationcontrollers', { spec: { selector: labels, template } }],
  ['podtemplates', { template }],
  ['services', { spec: { ports: [{ port: 80 }], clusterIP: 'None' } }],
  ['apps/daemonsets', workload],
  ['apps/controllerrevisions', { data: {}, revision: 1 }],
  ['apps/deployments', workload],
  ['apps/replicasets', workload],
  ['apps/statefulsets', workload],
  ['autoscaling/horizontalpodautoscalers', { spec: { maxReplicas: 2, scaleTargetRef: target } }],
  ['batch/cronjobs', { spec: { schedule: '* * * * *', jobTemplate } }],
  ['batch/jobs', jobTemplate],
  ['networking.k8s.io/ingressclasses', { spec: { controller: 'example.com/c' } }],
  ['networking.k8s.io/ingresses', { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } }],
  [
    'admissionregistration.k8s.io/mutatingadmissionpolicies',
    { spec: { matchConstraints, mutations: [mutation], reinvocationPolicy: 'Never' } },
  ],
  ['admissionregistration.k8s.io/mutatingadmissionpolicybindings', { spec: { policyName: 'p' } }],
  [
    'admissionregistration.k8s.io/validatingadmissionpolicies',
    { spec: { matchConstraints, validations: [{ expression: 'true' }] } },
  ],
  [
    'admissionregistration.k8s.io/validatingadmissionpolicybindings',
    { spec: { policyName: 'p', validationActions: ['Deny'] } },
  ],
  ['flowcontrol.apiserver.k8s.io/flowschemas', { spec: { priorityLevelConfiguration: { name: 'p' } } }],
  ['flowcontrol.apiserver.k8s.io/prioritylevelconfigurations', { spec: { type: 'Limited', limited } }],
  ['node.k8s.io/runtimeclasses', { handler: 'h' }],
  [
    'resource.k8s.io/resourceslices',
    { spec: { driver: 'd', allNodes: true, pool: { name: 'p', generation: 1, resourceSliceCount: 1 } } },
  ],
  ['storage.k8s.io/csistoragecapacities', { storageClassName: 'c' }],
  [
    'storage.k8s.io/volumeattachments',
    { spec: { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
  ],
  ['storage.k8s.io/volumeattributesclasses', { driverName: 'd', parameters: { a: 'b' } }],
  ['storage.k8s.io/storageclasses', { provisioner: 'example.com/p' }],
  ['storagemigration.k8s.io/storageversionmigrations', { spec: { resource: { resource: 'pods' } } }],
  ['discovery.k8s.io/endpointslices', { addressType: 'IPv4', endpoints: [] }],
  ['networking.k8s.io/servicecidrs', { spec: { cidrs: ['10.9.0.0/16'] } }],
  [
    'apiregistration.k8s.io/apiservices',
    { spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10 } },
  ],
  [
    'certificates.k8s.io/certificatesigningrequests',
    {
      spec: {
        request: Buffer.from(makeSigningRequest({ commonName: 'c' })).toString('base64'),
        signerName: 'example.com/s',
        usages: ['client auth'],
      },
    },
  ],
])

/** `group/resource`, or only the resource of the core group. */
export const keyOf = ({ group, resource }: ResourceDefinition): string =>
  group === '' ? resource : `${group}/${resource}`

export function minimalObject(definition: ResourceDefinition, name: string): KubeObject {
  const { group, kind, storageVersion } = definition
  const apiVersion = apiVersionOf({ group, version: storageVersion })
  return deepCopy({ kind, apiVersion, metadata: { name }, ...REQUIRED.get(keyOf(definition)) })
}
