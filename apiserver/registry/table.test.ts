import { describe, expect, it } from 'vitest'
import type { ContainerStatus, Pod, PodStatus, Service } from '#machinery/api/core/v1/types.gen.ts'
import { deploymentTable } from './apps/tables.ts'
import { jobTable } from './batch/tables.ts'
import { podStatusText, podTable } from './core/pod/table.ts'
import { serviceTable } from './core/service/table.ts'
import { eventTable, nodeTable } from './core/tables.ts'
import { humanDuration } from './table.ts'

const NOW = new Date('2025-06-01T12:00:00Z')
const CREATED = '2025-06-01T11:50:00Z'

describe('humanDuration', () => {
  const minute = 60
  const hour = 60 * minute
  const day = 24 * hour
  it.each([
    [-5, '<invalid>'],
    [-1, '0s'],
    [0, '0s'],
    [119, '119s'],
    [2 * minute, '2m'],
    [9 * minute + 5, '9m5s'],
    [179 * minute, '179m'],
    [3 * hour + 10 * minute, '3h10m'],
    [47 * hour, '47h'],
    [3 * day + 2 * hour, '3d2h'],
    [400 * day, '400d'],
    [3 * 365 * day + 4 * day, '3y4d'],
    [9 * 365 * day, '9y'],
  ])('%d s is %s', (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text)
  })
})

function makePod(status: PodStatus, more: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', creationTimestamp: CREATED, ...more },
    spec: { containers: [{ name: 'c' }], initContainers: [{ name: 'i' }] },
    status,
  }
}

const containerStatus = (state: ContainerStatus['state'], more: Partial<ContainerStatus> = {}): ContainerStatus =>
  ({
    name: 'c',
    image: 'a',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: state ?? {},
    ...more,
  }) as ContainerStatus

describe('pods', () => {
  it.each<[string, Pod, string]>([
    ['pending', makePod({ phase: 'Pending' }), 'Pending'],
    ['evicted', makePod({ phase: 'Failed', reason: 'Evicted' }), 'Evicted'],
    [
      'crash looping',
      makePod({ phase: 'Running', containerStatuses: [containerStatus({ waiting: { reason: 'CrashLoopBackOff' } })] }),
      'CrashLoopBackOff',
    ],
    [
      'exited',
      makePod({ phase: 'Failed', containerStatuses: [containerStatus({ terminated: { exitCode: 3 } })] }),
      'ExitCode:3',
    ],
    [
      'initializing',
      makePod({ phase: 'Pending', initContainerStatuses: [containerStatus({ running: {} }, { name: 'i' })] }),
      'Init:0/1',
    ],
    [
      'failing to initialize',
      makePod({
        phase: 'Pending',
        initContainerStatuses: [containerStatus({ waiting: { reason: 'ErrImagePull' } }, { name: 'i' })],
      }),
      'Init:ErrImagePull',
    ],
    ['deleted', makePod({ phase: 'Running' }, { deletionTimestamp: CREATED }), 'Terminating'],
    [
      'gated',
      makePod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      'SchedulingGated',
    ],
  ])('%s', (_name, pod, text) => {
    expect(podStatusText(pod)).toBe(text)
  })

  it('show readiness, restarts and where they are', () => {
    const lastState = { terminated: { exitCode: 1, finishedAt: '2025-06-01T11:59:00Z' } }
    const status = containerStatus({ running: {} }, { ready: true, restartCount: 2, lastState })
    const pod = makePod({ phase: 'Running', podIP: '10.0.0.1', containerStatuses: [status] })
    pod.spec.nodeName = 'n1'
    expect(podTable.cells(pod, NOW)).toEqual([
      'p',
      '1/1',
      'Running',
      '2 (60s ago)',
      '10m',
      '10.0.0.1',
      'n1',
      '<none>',
      '<none>',
    ])
    expect(podTable.columns.map(({ name }) => name)).toEqual([
      'Name',
      'Ready',
      'Status',
      'Restarts',
      'Age',
      'IP',
      'Node',
      'Nominated Node',
      'Readiness Gates',
    ])
  })
})

describe('rows', () => {
  const metadata = { name: 'x', creationTimestamp: CREATED }

  it.each<[string, Service['spec'], unknown[]]>([
    [
      'NodePort',
      { type: 'NodePort', clusterIP: '10.43.0.2', ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] },
      ['x', 'NodePort', '10.43.0.2', '<none>', '80:30080/TCP', '10m', '<none>'],
    ],
    [
      'pending LoadBalancer',
      { type: 'LoadBalancer', clusterIP: '10.43.0.3', ports: [{ port: 80, protocol: 'TCP' }], selector: { a: 'b' } },
      ['x', 'LoadBalancer', '10.43.0.3', '<pending>', '80/TCP', '10m', 'a=b'],
    ],
    [
      'ExternalName',
      { type: 'ExternalName', externalName: 'e.x' },
      ['x', 'ExternalName', '<none>', 'e.x', '<none>', '10m', '<none>'],
    ],
  ])('service: %s', (_name, spec, cells) => {
    expect(serviceTable.cells({ apiVersion: 'v1', kind: 'Service', metadata, spec } as Service, NOW)).toEqual(cells)
  })

  it('deployment', () => {
    const template = { spec: { containers: [{ name: 'c', image: 'a:1' }] } }
    const spec = { replicas: 3, selector: { matchLabels: { a: 'b' } }, template }
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec,
      status: { readyReplicas: 1, updatedReplicas: 2 },
    }
    expect(deploymentTable.cells(object, NOW)).toEqual(['x', '1/3', 2, 0, '10m', 'c', 'a:1', 'a=b'])
  })

  it('job', () => {
    const status = {
      succeeded: 1,
      startTime: CREATED,
      completionTime: '2025-06-01T11:50:07Z',
      conditions: [{ type: 'Complete', status: 'True' }],
    }
    const object = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { completions: 1, template: {} }, status }
    expect(jobTable.cells(object, NOW).slice(0, 5)).toEqual(['x', 'Complete', '1/1', '7s', '10m'])
  })

  it('node', () => {
    const labels = { 'node-role.kubernetes.io/control-plane': 'true' }
    const status = { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.36.0' } }
    const object = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { ...metadata, labels },
      spec: { unschedulable: true },
      status,
    }
    expect(nodeTable.cells(object, NOW).slice(0, 5)).toEqual([
      'x',
      'Ready,SchedulingDisabled',
      'control-plane',
      '10m',
      'v1.36.0',
    ])
  })

  it('event', () => {
    const object = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata,
      type: 'Normal',
      reason: 'Made',
      message: 'a pod\n',
      lastTimestamp: CREATED,
      involvedObject: { kind: 'Job', name: 'j' },
    }
    expect(eventTable.cells(object, NOW)).toEqual([
      '10m',
      'Normal',
      'Made',
      'job/j',
      '',
      '',
      'a pod',
      '<unknown>',
      1,
      'x',
    ])
  })
})
