/** A Pod's life step by step, and the status a kubelet would write at each. Time is a number here. */
import { describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { PodBehaviour } from './behaviour.ts'
import { type Happening, PodRun } from './pod-run.ts'
import { podStatus } from './pod-status.ts'
import { restorePodRun } from './restore.ts'

const START = Date.parse('2026-01-01T00:00:00Z')

interface World {
  /** Moves to this many milliseconds after the start; every step on the way is taken. */
  at(ms: number): PodStatus
  readonly pod: Pod
  /** As a new process that reads the status at this moment. */
  restart(ms: number): void
  /** What users were told, so far. */
  readonly happenings: Happening[]
}

function world(spec: Partial<PodSpec>, annotations: Record<string, string> = {}): World {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', uid: 'u', generation: 1, annotations: prefixed(annotations) },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  }
  const behaviour = new PodBehaviour(pod, { random: systemRandom, jobDurationMs: 0 })
  let run = new PodRun(START, behaviour.startDelayMs())
  let nextMs = START
  const happenings: Happening[] = []
  const look = (nowMs: number): void => {
    nextMs = run.step({ pod, behaviour, nowMs, random: systemRandom })
    happenings.push(...run.takeHappenings())
    pod.status = podStatus({ pod, run, behaviour, nowMs, hostIP: '10.0.0.1', podIP: undefined })
  }
  return {
    pod,
    happenings,
    at(ms) {
      const endMs = START + ms
      for (let steps = 0; nextMs <= endMs && steps < 100; steps++) look(nextMs)
      look(endMs)
      return pod.status ?? {}
    },
    restart(ms) {
      run = restorePodRun(pod, behaviour)
      nextMs = START + ms
    },
  }
}

const prefixed = (annotations: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`simulated.knarr.io/${key}`, value]))

const container = (name: string, own: Partial<Container> = {}): Container => ({ name, image: 'i', ...own })
const condition = (status: PodStatus, type: string) => status.conditions?.find((one) => one.type === type)
const main = (status: PodStatus) => status.containerStatuses?.[0]

describe('a simulated pod', () => {
  it('waits for its start delay as ContainerCreating', () => {
    const pod = world({}, { 'start-delay': '2s' })
    const before = pod.at(1_999)
    expect(before.phase).toBe('Pending')
    expect(main(before)?.state).toEqual({ waiting: { reason: 'ContainerCreating' } })
    expect(condition(before, 'PodReadyToStartContainers')?.status).toBe('False')
    expect(condition(before, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [c]',
    })
    expect(pod.at(2_000).phase).toBe('Running')
  })

  it('becomes ready after its ready delay and keeps the time of the transition', () => {
    const pod = world({}, { 'ready-delay': '3s' })
    expect(condition(pod.at(0), 'Ready')?.status).toBe('False')
    const ready = condition(pod.at(3_000), 'Ready')
    expect(ready).toMatchObject({ status: 'True', lastTransitionTime: '2026-01-01T00:00:03Z', observedGeneration: 1 })
    expect(condition(pod.at(9_000), 'Ready')).toEqual(ready)
  })

  it.each<[string, Partial<Container>, number]>([
    ['readiness delay', { readinessProbe: { initialDelaySeconds: 5 } }, 5_000],
    ['successes in a row', { readinessProbe: { successThreshold: 3, periodSeconds: 2 } }, 4_000],
    ['startup probe', { startupProbe: { initialDelaySeconds: 4 }, readinessProbe: {} }, 4_000],
  ])('respects the %s of its probes', (_what, probes, ms) => {
    const pod = world({ containers: [container('c', probes)] })
    expect(main(pod.at(ms - 1))?.ready).toBe(false)
    expect(main(pod.at(ms))?.ready).toBe(true)
  })

  it('never becomes ready when its readiness command fails', () => {
    const pod = world({ containers: [container('c', { readinessProbe: { exec: { command: ['/bin/false'] } } })] })
    expect(main(pod.at(3_600_000))).toMatchObject({ ready: false, started: true, restartCount: 0 })
  })

  it('is restarted by a failing liveness command', () => {
    const livenessProbe = { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 3 }
    const pod = world({ containers: [container('c', { livenessProbe })] })
    expect(main(pod.at(1_999))?.restartCount).toBe(0)
    expect(main(pod.at(2_000))).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 137 } } })
  })

  it('runs init containers in order, then the others', () => {
    const pod = world({ initContainers: [container('a'), container('b')] }, { 'init-duration': '1s' })
    const first = pod.at(500)
    expect(first.initContainerStatuses?.map(({ state }) => Object.keys(state ?? {})[0])).toEqual(['running', 'waiting'])
    expect(main(first)?.state).toEqual({ waiting: { reason: 'PodInitializing' } })
    expect(condition(first, 'Initialized')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [a b]',
    })
    expect(condition(pod.at(1_500), 'Initialized')?.message).toBe('containers with incomplete status: [b]')
    const done = pod.at(2_000)
    expect(done.phase).toBe('Running')
    expect(done.initContainerStatuses?.every(({ ready }) => ready)).toBe(true)
    expect(condition(done, 'Initialized')).toMatchObject({ status: 'True' })
  })

  it('fails for good when an init container does and nothing may be restarted', () => {
    const initContainers = [container('a', { command: ['false'] })]
    const status = world({ restartPolicy: 'Never', initContainers }).at(0)
    expect(status.phase).toBe('Failed')
    expect(main(status)?.state).toEqual({ waiting: { reason: 'PodInitializing' } })
  })

  it('stays pending while an init container fails again and again', () => {
    const pod = world({ initContainers: [container('a', { command: ['false'] })] })
    const status = pod.at(5_000)
    expect(status.phase).toBe('Pending')
    expect(status.initContainerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
    })
  })

  it('starts sidecars before, counts them as ready containers, and ends them after the others', () => {
    const sidecar = container('s', { restartPolicy: 'Always', startupProbe: { initialDelaySeconds: 1 } })
    const pod = world({ restartPolicy: 'Never', initContainers: [sidecar] }, { 'run-duration': '5s' })
    const starting = pod.at(500)
    expect(starting.phase).toBe('Pending')
    expect(condition(starting, 'ContainersReady')?.message).toBe('containers with unready status: [s c]')
    expect(pod.at(2_000).phase).toBe('Running')
    const done = pod.at(6_000)
    expect(done.phase).toBe('Succeeded')
    expect(done.initContainerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0 })
  })

  it.each<[string, string, string]>([
    ['Never', '0', 'Succeeded'],
    ['Never', '3', 'Failed'],
    ['OnFailure', '0', 'Succeeded'],
  ])('with restartPolicy %s and exit code %s ends %s', (restartPolicy, exitCode, phase) => {
    const pod = world({ restartPolicy }, { 'run-duration': '1s', 'exit-code': exitCode })
    expect(pod.at(0).phase).toBe('Running')
    const status = pod.at(1_000)
    expect(status.phase).toBe(phase)
    expect(main(status)?.state?.terminated).toMatchObject({
      exitCode: Number(exitCode),
      reason: exitCode === '0' ? 'Completed' : 'Error',
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: '2026-01-01T00:00:01Z',
    })
    expect(condition(status, 'Ready')).toMatchObject({
      status: 'False',
      reason: `Pod${phase === 'Failed' ? phase : 'Completed'}`,
    })
  })

  it('crash loops with waits of 10 s, 20 s … after a first restart at once', () => {
    const pod = world({}, { 'run-duration': '1s', 'exit-code': '1' })
    expect(main(pod.at(1_000))).toMatchObject({ restartCount: 1, state: { running: {} } })
    const waiting = pod.at(2_000)
    expect(main(waiting)?.state?.waiting).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'back-off 10s restarting failed container=c pod=p_n(u)',
    })
    expect(waiting.phase).toBe('Running')
    expect(main(pod.at(11_999))?.restartCount).toBe(1)
    expect(main(pod.at(12_000))?.restartCount).toBe(2)
    expect(main(pod.at(13_000))?.state?.waiting?.message).toContain('back-off 20s')
    expect(main(pod.at(33_000))?.restartCount).toBe(3)
  })

  it('fails the declared number of attempts, then works', () => {
    const pod = world({ restartPolicy: 'OnFailure' }, { 'fail-attempts': '2' })
    expect(pod.at(9_999).phase).toBe('Running')
    const status = pod.at(20_000)
    expect(status.phase).toBe('Succeeded')
    expect(main(status)?.restartCount).toBe(2)
  })

  it('restarts on the exit codes its rules name', () => {
    const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }]
    const own = { restartPolicy: 'Never', restartPolicyRules: rules }
    const pod = world({ restartPolicy: 'Never', containers: [container('c', own)] }, { 'exit-code': '42' })
    expect(main(pod.at(0))?.restartCount).toBe(1)
    const other = world({ restartPolicy: 'Never', containers: [container('c', own)] }, { 'exit-code': '1' })
    expect(other.at(0).phase).toBe('Failed')
  })

  it('tries an image that is not there again and again, waiting longer each time', () => {
    const pod = world({}, { 'image-pull': 'fail' })
    const error = 'failed to pull and unpack image "i": simulated: no such image'
    const seen: [seconds: number, reason: string | undefined][] = []
    for (let seconds = 0; seconds <= 80; seconds++) {
      const reason = main(pod.at(seconds * 1_000))?.state?.waiting?.reason
      if (seen.at(-1)?.[1] !== reason) seen.push([seconds, reason])
    }
    expect(seen).toEqual([
      [0, 'ErrImagePull'],
      [1, 'ImagePullBackOff'],
      [10, 'ErrImagePull'],
      [11, 'ImagePullBackOff'],
      [30, 'ErrImagePull'],
      [31, 'ImagePullBackOff'],
      [70, 'ErrImagePull'],
      [71, 'ImagePullBackOff'],
    ])
    expect(pod.pod.status).toMatchObject({ phase: 'Pending', containerStatuses: [{ ready: false, restartCount: 0 }] })
    expect(main(pod.at(80_000))?.state?.waiting?.message).toBe(`Back-off pulling image "i": ErrImagePull: ${error}`)
  })

  it('tells of a pull that failed and of the wait, once a turn', () => {
    const pod = world({ containers: [container('c', { image: 'shop:404' })] })
    pod.at(5_000)
    expect(pod.happenings.splice(0).map(({ type, reason, message }) => `${type} ${reason}: ${message}`)).toEqual([
      'Normal Pulling: Pulling image "shop:404"',
      'Warning Failed: Failed to pull image "shop:404": failed to pull and unpack image "shop:404": simulated: no such image',
      'Warning Failed: Error: ErrImagePull',
      'Normal BackOff: Back-off pulling image "shop:404"',
      'Warning Failed: Error: ImagePullBackOff',
    ])
    pod.at(10_000)
    expect(pod.happenings.map(({ reason }) => reason)).toEqual(['Pulling', 'Failed', 'Failed'])
  })

  it('starts as soon as its image can be pulled', () => {
    const pod = world({ containers: [container('c', { image: 'shop:404' })] })
    pod.at(2_000)
    pod.pod.spec = { containers: [container('c', { image: 'shop:405' })] }
    expect(pod.at(3_000)).toMatchObject({ phase: 'Running', containerStatuses: [{ ready: true, restartCount: 0 }] })
  })

  it('does not run when a running container is given an image that is not there', () => {
    const pod = world({ containers: [container('c', { image: 'shop:1' })] })
    pod.at(0)
    pod.pod.spec = { containers: [container('c', { image: 'shop:404' })] }
    pod.at(1_000)
    expect(main(pod.at(3_000))).toMatchObject({
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: 'ImagePullBackOff' } },
      lastState: { terminated: { exitCode: 0 } },
    })
    pod.pod.spec = { containers: [container('c', { image: 'shop:2' })] }
    expect(main(pod.at(4_000))).toMatchObject({ ready: true, restartCount: 1 })
  })

  it('believes its annotation before the name of its image', () => {
    const spec = { containers: [container('c', { image: 'shop:404' })] }
    expect(world(spec, { 'image-pull': 'succeed' }).at(0).phase).toBe('Running')
    expect(world(spec, { 'image-pull.c': 'succeed', 'image-pull': 'fail' }).at(0).phase).toBe('Running')
  })

  it('is failed by its deadline', () => {
    const pod = world({ activeDeadlineSeconds: 30 })
    expect(pod.at(29_000).phase).toBe('Running')
    expect(pod.at(30_000)).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
  })

  it('stops its containers after the stop delay, but not later than its grace period', () => {
    const pod = world({}, { 'stop-delay': '1m' })
    pod.at(0)
    pod.pod.metadata = {
      ...pod.pod.metadata,
      deletionTimestamp: '2026-01-01T00:00:31Z',
      deletionGracePeriodSeconds: 30,
    }
    expect(main(pod.at(1_000))?.state?.running).toBeDefined()
    expect(main(pod.at(30_999))?.state?.running).toBeDefined()
    const stopped = pod.at(31_000)
    expect(main(stopped)?.state?.terminated?.exitCode).toBe(137)
    expect(stopped.phase).toBe('Failed')
  })

  it('replaces a container whose image changes', () => {
    const pod = world({})
    pod.at(0)
    pod.pod.spec.containers = [container('c', { image: 'other' })]
    expect(main(pod.at(1_000))).toMatchObject({ image: 'other', restartCount: 1, state: { running: {} } })
  })

  it('waits for readiness gates and leaves others conditions alone', () => {
    const pod = world({ readinessGates: [{ conditionType: 'example.dev/gate' }] })
    expect(condition(pod.at(0), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "example.dev/gate" does not exist.',
    })
    pod.pod.status?.conditions?.push({ type: 'example.dev/gate', status: 'True' })
    const status = pod.at(1_000)
    expect(condition(status, 'Ready')?.status).toBe('True')
    expect(condition(status, 'example.dev/gate')).toEqual({ type: 'example.dev/gate', status: 'True' })
  })

  it.each([500, 2_500, 12_500])('goes on from its status after a restart of the process at %i ms', (ms) => {
    const annotations = { 'run-duration': '1s', 'exit-code': '1' }
    const initContainers = [container('i', { command: ['sleep', '1'] })]
    const [plain, restarted] = [world({ initContainers }, annotations), world({ initContainers }, annotations)]
    plain.at(ms)
    restarted.at(ms)
    const before = restarted.pod.status
    restarted.restart(ms)
    expect(restarted.at(ms)).toEqual(before)
    const facts = (status: PodStatus) => [
      status.phase,
      main(status)?.restartCount,
      Object.keys(main(status)?.state ?? {}),
    ]
    expect(facts(restarted.at(40_000))).toEqual(facts(plain.at(40_000)))
  })
})
