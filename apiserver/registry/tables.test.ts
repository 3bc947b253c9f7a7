/**
 * Columns and cells of every built-in kind.
 * Re-derived from upstream's pkg/printers/internalversion/printers.go and printers_test.go.
 */
import { describe, expect, it } from 'vitest'
import type { ContainerStatus, Pod, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { podTable } from './core/pod/table.ts'
import { DEFAULT_REGISTRY_CONFIG } from './deps.ts'
import type { TableConvertor } from './generic/interfaces.ts'
import { builtInResources } from './install.ts'
import { rbacResources } from './rbac/install.ts'

const NOW = new Date('2025-06-01T12:00:00Z')
const CREATED = '2025-06-01T11:50:00Z'

const unused = () => Promise.reject(new Error('not used'))
const deps = {
  objects: { peek: () => undefined, list: () => [], update: unused, delete: unused },
  config: { ...DEFAULT_REGISTRY_CONFIG, isGateEnabled: () => true, isApiEnabled: () => true },
}
const policy = { authorize: () => true, rulesFor: () => [] } as unknown as Parameters<typeof rbacResources>[1]
const definitions = [...builtInResources(deps), ...rbacResources(deps, policy)]

function tableOf(kind: string): TableConvertor | undefined {
  return definitions.find((definition) => definition.kind === kind)?.versions[0]?.table
}

/** `!`: a name; `#`: an integer; `?`: a boolean; `+`: with -o wide only. Roles, LimitRanges and others have name and creation time. */
const COLUMNS = `
APIService: Name!, Service, Available, Age
CSIDriver: Name!, AttachRequired?, PodInfoOnMount?, StorageCapacity?, TokenRequests, RequiresRepublish?, Modes, Age
CSINode: Name!, Drivers#, Age
CSIStorageCapacity: Name!, StorageClassName, Capacity
CertificateSigningRequest: Name!, Age, SignerName, Requestor, RequestedDuration, Condition
ClusterRoleBinding: Name!, Role, Age, Users+, Groups+, ServiceAccounts+
ComponentStatus: Name!, Status, Message, Error
ConfigMap: Name!, Data, Age
ControllerRevision: Name!, Controller, Revision, Age
CronJob: Name!, Schedule, Timezone, Suspend?, Active#, Last Schedule, Age, Containers+, Images+, Selector+
DaemonSet: Name!, Desired#, Current#, Ready#, Up-to-date#, Available#, Node Selector, Age, Containers+, Images+, Selector+
Deployment: Name!, Ready, Up-to-date, Available, Age, Containers+, Images+, Selector+
DeviceClass: Name!, Age
EndpointSlice: Name!, AddressType, Ports, Endpoints, Age
Endpoints: Name!, Endpoints, Age
Event: Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name!+
FlowSchema: Name!, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL
HorizontalPodAutoscaler: Name!, Reference, Targets, MinPods, MaxPods, Replicas, Age
IPAddress: Name!, ParentRef
Ingress: Name!, Class, Hosts, Address, Ports, Age
IngressClass: Name!, Controller, Parameters, Age
Job: Name!, Status, Completions, Duration, Age, Containers+, Images+, Selector+
Lease: Name!, Holder, Age
MutatingAdmissionPolicy: Name!, Mutations#, ParamKind, Age
MutatingAdmissionPolicyBinding: Name!, PolicyName, ParamRef, Age
MutatingWebhookConfiguration: Name!, Webhooks#, Age
Namespace: Name!, Status, Age
NetworkPolicy: Name!, Pod-Selector, Age
Node: Name!, Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, Kernel-Version+, Container-Runtime+
PersistentVolume: Name!, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, VolumeMode+
PersistentVolumeClaim: Name!, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode+
Pod: Name!, Ready, Status, Restarts, Age, IP+, Node+, Nominated Node+, Readiness Gates+
PodDisruptionBudget: Name!, Min Available, Max Unavailable, Allowed Disruptions#, Age
PodTemplate: Name!, Containers, Images, Pod Labels
PriorityClass: Name!, Value#, Global-Default?, Age, PreemptionPolicy
PriorityLevelConfiguration: Name!, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age
ReplicaSet: Name!, Desired#, Current#, Ready#, Age, Containers+, Images+, Selector+
ReplicationController: Name!, Desired#, Current#, Ready#, Age, Containers+, Images+, Selector+
ResourceClaim: Name!, State, Age
ResourceClaimTemplate: Name!, Age
ResourceQuota: Name!, Request, Limit, Age
ResourceSlice: Name!, Node, Driver, Pool, Age
RoleBinding: Name!, Role, Age, Users+, Groups+, ServiceAccounts+
RuntimeClass: Name!, Handler, Age
Secret: Name!, Type, Data, Age
Service: Name!, Type, Cluster-IP, External-IP, Port(s), Age, Selector+
ServiceAccount: Name!, Age
ServiceCIDR: Name!, CIDRs, Age
StatefulSet: Name!, Ready, Age, Containers+, Images+
StorageClass: Name!, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age
StorageVersion: Name!, CommonEncodingVersion, StorageVersions, Age
StorageVersionMigration: Name, Resource, Status
ValidatingAdmissionPolicy: Name!, Validations#, ParamKind, Age
ValidatingAdmissionPolicyBinding: Name!, PolicyName, ParamRef, Age
ValidatingWebhookConfiguration: Name!, Webhooks#, Age
VolumeAttachment: Name!, Attacher!, PV, Node, Attached?, Age
VolumeAttributesClass: Name!, DriverName, Age
`

const MARKS: Record<string, string> = { integer: '#', boolean: '?' }

describe('columns', () => {
  const rows = COLUMNS.trim().split('\n')
  it('are those of every kind that has its own', () => {
    const kinds = definitions.filter(({ versions }) => versions[0]?.table !== undefined).map(({ kind }) => kind)
    expect([...new Set(kinds)].sort()).toEqual(rows.map((row) => row.split(':')[0]))
  })

  it.each(rows)('%s', (row) => {
    const [kind = '', expected = ''] = row.split(': ')
    const columns = tableOf(kind)?.columns.map(({ name, type, format, priority }) => {
      return `${name}${format === 'name' ? '!' : ''}${MARKS[type] ?? ''}${priority === 1 ? '+' : ''}`
    })
    expect(columns?.join(', ')).toBe(expected)
  })
})

const container = (state: ContainerStatus['state'], more: object = {}): ContainerStatus =>
  ({ name: 'c', restartCount: 0, ready: false, state, ...more }) as ContainerStatus
const exited = (exitCode: number, reason?: string) => ({
  terminated: { exitCode, ...(reason === undefined ? {} : { reason }) },
})
const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString().replace('.000Z', 'Z')
const lastExit = (seconds: number) => ({ lastState: { terminated: { exitCode: 1, finishedAt: ago(seconds) } } })
const running = { running: {} }
const up = (more: object = {}): ContainerStatus => container(running, { ready: true, ...more })
const is = (type: string, status = 'True', reason = '') => ({ type, status, reason })

const PLAIN: Pod['spec'] = {
  containers: [{ name: 'c' }, { name: 'd' }],
  initContainers: [{ name: 'i' }, { name: 'j' }],
}
const SIDECARS: Pod['spec'] = {
  containers: [{ name: 'c' }],
  initContainers: [
    { name: 'i', restartPolicy: 'Always' },
    { name: 'j', restartPolicy: 'Always' },
  ],
}
const sidecar = (name: string, more: object = {}) => up({ name, started: true, ...more })

describe('pods: READY STATUS RESTARTS', () => {
  it.each<[string, PodStatus, Pod['spec']?]>([
    ['0/2 Pending 0', { phase: 'Pending' }],
    [
      '1/2 Running 6',
      { phase: 'Running', containerStatuses: [up({ restartCount: 3 }), container({}, { restartCount: 3 })] },
    ],
    ['0/2 Evicted 0', { phase: 'Failed', reason: 'Evicted' }],
    [
      '1/2 ContainerCreating 3',
      {
        phase: 'Pending',
        containerStatuses: [up({ restartCount: 3 }), container({ waiting: { reason: 'ContainerCreating' } })],
      },
    ],
    [
      '1/2 Running 3 (10s ago)',
      { phase: 'Running', containerStatuses: [up({ restartCount: 3, ...lastExit(10) }), container({})] },
    ],
    [
      '0/2 Running 7 (10s ago)',
      {
        phase: 'Running',
        containerStatuses: [
          container({}, { restartCount: 3, ...lastExit(20) }),
          container({}, { restartCount: 4, ...lastExit(10) }),
        ],
      },
    ],
    ['0/2 Error 0', { phase: 'Running', containerStatuses: [container(exited(1, 'Error')), container({})] }],
    [
      '0/2 Signal:9 0',
      { phase: 'Running', containerStatuses: [container({ terminated: { exitCode: 137, signal: 9 } })] },
    ],
    ['0/2 ExitCode:3 0', { phase: 'Failed', containerStatuses: [container(exited(3))] }],
    ['0/2 Completed 0', { phase: 'Succeeded', containerStatuses: [container(exited(0, 'Completed'))] }],
    [
      '1/2 Running 0',
      { phase: 'Running', conditions: [is('Ready')], containerStatuses: [container(exited(0, 'Completed')), up()] },
    ],
    ['1/2 NotReady 0', { phase: 'Running', containerStatuses: [container(exited(0, 'Completed')), up()] }],
    [
      '0/2 Error 0',
      { phase: 'Running', containerStatuses: [container(exited(0, 'Completed')), container(exited(1, 'Error'))] },
    ],
    ['0/2 SchedulingGated 0', { phase: 'Pending', conditions: [is('PodScheduled', 'False', 'SchedulingGated')] }],
    ['0/2 Init:0/2 0', { phase: 'Pending', initContainerStatuses: [container(running, { name: 'i' })] }],
    [
      '0/2 Init:1/2 3 (1s ago)',
      {
        phase: 'Pending',
        initContainerStatuses: [
          container(exited(0), { name: 'i', restartCount: 1, ...lastExit(5) }),
          container({ waiting: { reason: 'PodInitializing' } }, { name: 'j', restartCount: 2, ...lastExit(1) }),
        ],
        containerStatuses: [container({ waiting: { reason: 'PodInitializing' } }, { restartCount: 4 })],
      },
    ],
    ['0/2 Init:Error 0', { phase: 'Pending', initContainerStatuses: [container(exited(1, 'Error'), { name: 'i' })] }],
    ['0/2 Init:ExitCode:2 0', { phase: 'Pending', initContainerStatuses: [container(exited(2), { name: 'i' })] }],
    [
      '0/2 Init:Signal:7 0',
      {
        phase: 'Pending',
        initContainerStatuses: [container({ terminated: { exitCode: 2, signal: 7 } }, { name: 'i' })],
      },
    ],
    [
      '0/2 Init:CrashLoopBackOff 2',
      {
        phase: 'Pending',
        initContainerStatuses: [
          container({ waiting: { reason: 'CrashLoopBackOff' } }, { name: 'i', restartCount: 2 }),
          container({}, { name: 'j', restartCount: 9 }),
        ],
      },
    ],
    [
      '1/2 Init:Error 4',
      {
        phase: 'Running',
        conditions: [is('Initialized')],
        initContainerStatuses: [container(exited(1, 'Error'), { name: 'i', restartCount: 7 })],
        containerStatuses: [up({ restartCount: 4 })],
      },
    ],
    [
      '1/3 Init:1/2 0',
      { phase: 'Pending', initContainerStatuses: [sidecar('i'), container({}, { name: 'j' })] },
      SIDECARS,
    ],
    [
      '2/3 Running 5 (10s ago)',
      {
        phase: 'Running',
        initContainerStatuses: [sidecar('i', { restartCount: 3, ...lastExit(10) }), sidecar('j', { ready: false })],
        containerStatuses: [up({ restartCount: 2, ...lastExit(20) })],
      },
      SIDECARS,
    ],
    [
      '0/3 Completed 7 (10s ago)',
      {
        phase: 'Succeeded',
        conditions: [is('Initialized')],
        initContainerStatuses: [
          container(exited(137, 'Error'), { name: 'i', started: false, restartCount: 3, ...lastExit(10) }),
          container(exited(137, 'Error'), { name: 'j', started: false }),
        ],
        containerStatuses: [container(exited(0, 'Completed'), { restartCount: 4, ...lastExit(20) })],
      },
      SIDECARS,
    ],
  ])('%s', (expected, status, spec = PLAIN) => {
    const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec, status }
    expect(podTable.cells(pod, NOW).slice(1, 4).join(' ')).toBe(expected)
  })

  it.each<[string, PodStatus]>([
    ['Terminating', { phase: 'Running' }],
    ['Terminating', { phase: 'Pending', initContainerStatuses: [container(running, { name: 'i' })] }],
    ['Unknown', { phase: 'Running', reason: 'NodeLost' }],
    ['Failed', { phase: 'Failed' }],
    ['Completed', { phase: 'Succeeded', containerStatuses: [container(exited(0, 'Completed'))] }],
  ])('of one being deleted: %s', (expected, status) => {
    const metadata = { name: 'p', deletionTimestamp: CREATED }
    expect(podTable.cells({ apiVersion: 'v1', kind: 'Pod', metadata, spec: PLAIN, status } as Pod, NOW)[2]).toBe(
      expected,
    )
  })

  it('and the conditions of their rows', () => {
    const conditions = (phase: string) =>
      podTable.conditions?.({ apiVersion: 'v1', kind: 'Pod', metadata: {}, status: { phase } } as KubeObject)
    expect(conditions('Running')).toBeUndefined()
    expect(conditions('Succeeded')).toEqual([
      { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
    ])
    expect(conditions('Failed')).toMatchObject([{ reason: 'Failed', message: 'The pod failed.' }])
  })

  it('count the readiness gates that are true', () => {
    const spec = { ...PLAIN, readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }, { conditionType: 'x' }] }
    const status = { conditions: [is('a'), is('b', 'False'), is('b')] }
    expect(podTable.cells({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec, status } as Pod, NOW)[8]).toBe('1/3')
  })
})

const average = (averageValue: string) => ({ type: 'AverageValue', averageValue })
const utilization = { type: 'Utilization', averageUtilization: 80 }
const metric = (kind: string, target: object) => ({
  type: kind,
  [kind[0]?.toLowerCase() + kind.slice(1)]: { name: 'cpu', target },
})
const current = (kind: string, values: object) => ({
  type: kind,
  [kind[0]?.toLowerCase() + kind.slice(1)]: { name: 'cpu', current: values },
})
const rule = (host?: string) => (host === undefined ? {} : { host })
const addresses = (count: number) => Array.from({ length: count }, (_, i) => ({ ip: `10.0.0.${i + 1}` }))
const binding = (paramRef?: object) => ({ spec: { policyName: 'p', ...(paramRef === undefined ? {} : { paramRef }) } })

describe('cells', () => {
  it.each<[string, string, object, unknown]>([
    ['HorizontalPodAutoscaler', 'Targets', { spec: { scaleTargetRef: {} } }, '<none>'],
    ['HorizontalPodAutoscaler', 'Targets', hpa([metric('External', average('100m'))]), '<unknown>/100m (avg)'],
    [
      'HorizontalPodAutoscaler',
      'Targets',
      hpa([metric('External', average('100m'))], [current('External', { averageValue: '50m' })]),
      '50m/100m (avg)',
    ],
    ['HorizontalPodAutoscaler', 'Targets', hpa([metric('External', { value: '100m' })]), '<unknown>/100m'],
    [
      'HorizontalPodAutoscaler',
      'Targets',
      hpa([metric('External', { value: '100m' })], [current('External', { value: '50m' })]),
      '50m/100m',
    ],
    ['HorizontalPodAutoscaler', 'Targets', hpa([metric('Pods', average('100m'))]), '<unknown>/100m'],
    [
      'HorizontalPodAutoscaler',
      'Targets',
      hpa([metric('Object', { value: '100m' })], [current('Object', { value: '50m' })]),
      '50m/100m',
    ],
    ['HorizontalPodAutoscaler', 'Targets', hpa([metric('Resource', average('100m'))]), 'cpu: <unknown>/100m'],
    ['HorizontalPodAutoscaler', 'Targets', hpa([metric('Resource', utilization)]), 'cpu: <unknown>/80%'],
    ['HorizontalPodAutoscaler', 'Targets', hpa([metric('Resource', {})]), 'cpu: <unknown>/<auto>'],
    [
      'HorizontalPodAutoscaler',
      'Targets',
      hpa([metric('ContainerResource', utilization)], [current('ContainerResource', { averageUtilization: 50 })]),
      'cpu: 50%/80%',
    ],
    [
      'HorizontalPodAutoscaler',
      'Targets',
      hpa([metric('Resource', utilization)], [current('Pods', { averageValue: '1' })]),
      'cpu: <unknown>/80%',
    ],
    [
      'HorizontalPodAutoscaler',
      'Targets',
      hpa([
        metric('Pods', average('1')),
        metric('Resource', utilization),
        metric('Pods', average('3')),
        metric('Pods', average('4')),
      ]),
      '<unknown>/1, cpu: <unknown>/80% + 2 more...',
    ],
    ['Service', 'External-IP', { spec: { type: 'LoadBalancer' } }, '<pending>'],
    [
      'Service',
      'External-IP',
      {
        spec: { type: 'LoadBalancer', externalIPs: ['9.9.9.9'] },
        status: balanced('b.example.com', '2.2.2.2', '1.1.1.1'),
      },
      '1.1.1.1,2.2.2.2,b.example.com,9.9.9.9',
    ],
    ['Service', 'External-IP', { spec: { type: 'ClusterIP', externalIPs: ['1.1.1.1', '2.2.2.2'] } }, '1.1.1.1,2.2.2.2'],
    ['Ingress', 'Address', { status: balanced('2.2.2.2', '1.1.1.1', '2.2.2.2') }, '1.1.1.1,2.2.2.2'],
    ['Ingress', 'Hosts', { spec: { rules: [rule()] } }, '*'],
    ['Ingress', 'Hosts', { spec: { rules: ['a', 'b', 'c'].map(rule) } }, 'a,b,c'],
    ['Ingress', 'Hosts', { spec: { rules: ['a', undefined, 'b', 'c', undefined].map(rule) } }, 'a,b,c + 2 more...'],
    ['Ingress', 'Ports', { spec: { tls: [{}] } }, '80, 443'],
    ['IngressClass', 'Name', marked('ingressclass.kubernetes.io/is-default-class'), 'x (default)'],
    ['StorageClass', 'Name', marked('storageclass.kubernetes.io/is-default-class'), 'x (default)'],
    ['Endpoints', 'Endpoints', {}, '<none>'],
    ['Endpoints', 'Endpoints', { subsets: [{ notReadyAddresses: addresses(1), ports: [{ port: 1 }] }] }, ''],
    ['Endpoints', 'Endpoints', { subsets: [{ addresses: addresses(2) }] }, '10.0.0.1,10.0.0.2'],
    [
      'Endpoints',
      'Endpoints',
      { subsets: [{ addresses: addresses(2), ports: [{ port: 80 }, { port: 81 }] }] },
      '10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...',
    ],
    ['EndpointSlice', 'Ports', { ports: [{ name: 'a', port: 80 }, { name: 'b' }, {}] }, '80,b,*'],
    ['EndpointSlice', 'Ports', {}, '<unset>'],
    [
      'Node',
      'Kernel-Version',
      { status: { nodeInfo: { kernelVersion: '6.1', architecture: 'arm64' } } },
      '6.1 (arm64)',
    ],
    ['Node', 'Kernel-Version', { status: { nodeInfo: {} } }, '<unknown>'],
    ['Node', 'Status', { spec: { unschedulable: true } }, 'Unknown,SchedulingDisabled'],
    ['Node', 'Status', { status: { conditions: [is('Ready', 'Unknown')] } }, 'NotReady'],
    [
      'Node',
      'Roles',
      {
        metadata: {
          labels: { 'kubernetes.io/role': 'z', 'node-role.kubernetes.io/b': '', 'node-role.kubernetes.io/': 'x' },
        },
      },
      'b,z',
    ],
    ['PersistentVolume', 'Capacity', { spec: {} }, '0'],
    [
      'PersistentVolume',
      'Status',
      { metadata: { deletionTimestamp: CREATED }, spec: {}, status: { phase: 'Bound' } },
      'Terminating',
    ],
    ['PersistentVolumeClaim', 'Capacity', { spec: { volumeName: 'v' } }, '0'],
    [
      'PersistentVolumeClaim',
      'Access Modes',
      {
        spec: { volumeName: 'v' },
        status: { accessModes: ['ReadWriteOncePod', 'ReadWriteMany', 'ReadOnlyMany', 'ReadWriteOnce'] },
      },
      'RWO,ROX,RWX,RWOP',
    ],
    ['ComponentStatus', 'Status', {}, 'Unknown'],
    ['CronJob', 'Suspend', { spec: {} }, '<unset>'],
    ['CronJob', 'Last Schedule', { spec: {}, status: { lastScheduleTime: ago(30) } }, '30s'],
    ['Job', 'Status', job('Suspended', 'FailureTarget'), 'Suspended'],
    ['Job', 'Status', job('FailureTarget', 'SuccessCriteriaMet'), 'FailureTarget'],
    ['Job', 'Status', job('SuccessCriteriaMet'), 'SuccessCriteriaMet'],
    ['Job', 'Completions', { spec: { parallelism: 3 }, status: { succeeded: 1 } }, '1/1 of 3'],
    ['Job', 'Completions', { spec: { parallelism: 1 } }, '0/1'],
    ['Job', 'Duration', { spec: {}, status: { startTime: ago(65) } }, '65s'],
    ['ResourceQuota', 'Request', quota(), 'cpu: 1/2, limitsx: 0/1'],
    ['ResourceQuota', 'Limit', quota(), 'limits.cpu: 2/4'],
    ['Event', 'Last Seen', { series: { count: 2, lastObservedTime: ago(3) }, lastTimestamp: ago(9) }, '3s'],
    ['Event', 'Last Seen', { lastTimestamp: null, firstTimestamp: ago(8), eventTime: ago(9) }, '8s'],
    ['Event', 'First Seen', { firstTimestamp: null, eventTime: ago(9) }, '9s'],
    ['Event', 'Count', { series: { count: 7 }, count: 2 }, 7],
    ['Event', 'Source', { source: { host: 'h' } }, ', h'],
    ['Event', 'Source', { reportingComponent: 'c', reportingInstance: 'i' }, 'c, i'],
    [
      'PriorityLevelConfiguration',
      'NominalConcurrencyShares',
      { spec: { exempt: { nominalConcurrencyShares: 3 } } },
      '<none>',
    ],
    [
      'PriorityLevelConfiguration',
      'NominalConcurrencyShares',
      { spec: { limited: { nominalConcurrencyShares: 3 } } },
      3,
    ],
    ['ValidatingAdmissionPolicyBinding', 'ParamRef', binding(), '<unset>'],
    ['ValidatingAdmissionPolicyBinding', 'ParamRef', binding({ name: 'n' }), '*/n'],
    ['MutatingAdmissionPolicyBinding', 'ParamRef', binding({ name: 'n', namespace: 'ns' }), 'ns/n'],
    [
      'ValidatingAdmissionPolicyBinding',
      'ParamRef',
      binding({
        selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'k', operator: 'In', values: ['v', 'w'] }] },
      }),
      '&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[v w],},},}',
    ],
    ['ResourceClaim', 'State', {}, 'pending'],
    ['ResourceClaim', 'State', { status: { allocation: {}, reservedFor: [{}] } }, 'allocated,reserved'],
    [
      'ResourceClaim',
      'State',
      { metadata: { deletionTimestamp: CREATED }, status: { allocation: {} } },
      'deleted,allocated',
    ],
    ['ResourceClaim', 'State', { metadata: { deletionTimestamp: CREATED } }, 'deleted'],
    ['IPAddress', 'ParentRef', { spec: {} }, '<none>'],
    ['IPAddress', 'ParentRef', { spec: { parentRef: { group: 'g', resource: 'Rs', name: 'n' } } }, 'rs.g/n'],
    ['CSIDriver', 'TokenRequests', { spec: { tokenRequests: [{ audience: '' }] } }, ''],
    [
      'StorageVersionMigration',
      'Status',
      { spec: {}, status: { conditions: [is('Running', 'False'), is('Succeeded')] } },
      'Succeeded',
    ],
    ['StorageVersionMigration', 'Status', { spec: {} }, 'Unknown'],
    [
      'CertificateSigningRequest',
      'Condition',
      { spec: {}, status: { certificate: 'x', conditions: [is('Approved'), is('Failed')] } },
      'Approved,Failed,Issued',
    ],
  ])('%s, %s of %o: %s', (kind, column, object, expected) => {
    const table = tableOf(kind)
    const { metadata = {} } = object as { metadata?: object }
    const whole = { apiVersion: 'v1', kind, ...object, metadata: { name: 'x', ...metadata } } as KubeObject
    const at = table?.columns.findIndex(({ name }) => name === column) ?? -1
    expect(table?.cells(whole, NOW)[at]).toBe(expected)
  })

  it('show flow schemas in the order in which they are tried', () => {
    const schema = (name: string, matchingPrecedence: number): KubeObject =>
      ({ apiVersion: 'v1', kind: 'FlowSchema', metadata: { name }, spec: { matchingPrecedence } }) as KubeObject
    const list = [schema('c', 5), schema('b', 5), schema('a', 9), schema('d', 1)]
    const { compare } = tableOf('FlowSchema') ?? {}
    expect(list.sort(compare).map(({ metadata }) => metadata.name)).toEqual(['d', 'b', 'c', 'a'])
  })
})

function hpa(metrics: readonly object[], currentMetrics: readonly object[] = []): object {
  return { spec: { scaleTargetRef: { kind: 'D', name: 'd' }, maxReplicas: 3, metrics }, status: { currentMetrics } }
}

function balanced(...points: readonly string[]): object {
  return { loadBalancer: { ingress: points.map((point) => (/^\d/.test(point) ? { ip: point } : { hostname: point })) } }
}

function marked(annotation: string): object {
  return { metadata: { annotations: { [annotation]: 'true' } }, provisioner: 'p' }
}

function job(...conditions: readonly string[]): object {
  return { spec: {}, status: { conditions: conditions.map((type) => is(type)) } }
}

function quota(): object {
  return { status: { hard: { 'limits.cpu': '4', limitsx: '1', cpu: '2' }, used: { 'limits.cpu': '2', cpu: '1' } } }
}
