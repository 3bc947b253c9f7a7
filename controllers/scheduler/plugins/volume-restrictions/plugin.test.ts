import { beforeEach, describe, expect, it } from 'vitest'
import { PERSISTENT_VOLUME_CLAIMS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Volume } from '#machinery/api/core/v1/types.gen.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePod, makePodInfo, makeSnapshot } from '#test/support/scheduling.ts'
import { claimVolumes, makeLocalClaim } from '#test/support/volumes.ts'
import type { PodInfo } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { isDiskConflict } from './disk-conflict.ts'
import { VolumeRestrictions } from './plugin.ts'

const gce = (pdName: string, readOnly = false): Volume => ({ name: 'v', gcePersistentDisk: { pdName, readOnly } })
const aws = (volumeID: string, readOnly = false): Volume => ({
  name: 'v',
  awsElasticBlockStore: { volumeID, readOnly },
})
const iscsi = (iqn: string, readOnly = false): Volume => ({
  name: 'v',
  iscsi: { targetPortal: 'p', iqn, lun: 0, readOnly },
})
const rbd = (monitors: string[], image: string, readOnly = false): Volume => ({
  name: 'v',
  rbd: { monitors, image, pool: 'p', readOnly },
})

describe('two volumes', () => {
  it.each<[string, Volume, Volume, boolean]>([
    ['one GCE disk', gce('a'), gce('a'), true],
    ['two GCE disks', gce('a'), gce('b'), false],
    ['one GCE disk, read', gce('a', true), gce('a', true), false],
    ['one GCE disk, read and written', gce('a', true), gce('a'), true],
    ['one AWS disk, read', aws('a', true), aws('a', true), true],
    ['two AWS disks', aws('a'), aws('b'), false],
    ['one ISCSI target', iscsi('a'), iscsi('a'), true],
    ['one ISCSI target, read', iscsi('a', true), iscsi('a', true), false],
    ['one RBD image by another monitor of the cluster', rbd(['x', 'y'], 'a'), rbd(['y', 'z'], 'a'), true],
    ['RBD images of two clusters', rbd(['x'], 'a'), rbd(['z'], 'a'), false],
    ['one RBD image, read', rbd(['x'], 'a', true), rbd(['x'], 'a', true), false],
    ['different kinds', gce('a'), aws('a'), false],
  ])('%s', (_name, a, b, expected) => {
    expect(isDiskConflict(a, b)).toBe(expected)
  })
})

describe('VolumeRestrictions', () => {
  let handle: TestPluginHandle
  beforeEach(() => {
    handle = testPluginHandle()
    handle.put(
      PERSISTENT_VOLUME_CLAIMS,
      makeLocalClaim('shared'),
      makeLocalClaim('mine', { spec: { accessModes: ['ReadWriteOncePod'] } }),
    )
  })
  const using = (...claims: string[]) => ({ spec: { volumes: claimVolumes(...claims) } })
  const RWOP =
    'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'

  function run(pod: PodInfo) {
    const plugin = new VolumeRestrictions(handle)
    const used = makeNodeInfo({ name: 'used' }, [using('mine', 'shared'), { spec: { volumes: [gce('disk')] } }])
    const nodes = [used, makeNodeInfo({ name: 'free' })]
    const found = plugin.preFilter(pod, makeSnapshot(nodes))
    const say = (state: unknown) => nodes.map((node) => plugin.filter(state as never, pod, node)?.reasons.join() ?? '')
    return {
      plugin,
      used,
      found,
      said: isVerdict(found) ? [`${found.code} ${found.reasons.join()}`] : say(found.state),
      say,
    }
  }

  it('has nothing to say about volumes that may be shared', () => {
    expect(run(makePodInfo(using('shared'))).said).toEqual(['Skip '])
  })
  it('holds a pod whose claim is missing', () => {
    expect(run(makePodInfo(using('x'))).said).toEqual([
      'UnschedulableAndUnresolvable persistentvolumeclaim "x" not found',
    ])
  })
  it('keeps two pods off one disk of a node', () => {
    expect(run(makePodInfo({ spec: { volumes: [gce('disk')] } })).said).toEqual(['node(s) had no available disk', ''])
  })
  it('keeps a claim for one pod in the whole cluster', () => {
    expect(run(makePodInfo(using('mine'))).said).toEqual([RWOP, RWOP])
  })
  it('lets the claim go with its pod in a what-if', () => {
    const pod = makePodInfo(using('mine'))
    const { plugin, used, found, say } = run(pod)
    if (isVerdict(found)) throw new Error('skipped')
    const [other] = [...used.pods.values()] as [PodInfo]
    const copy = plugin.cloneState(found.state)
    plugin.removePod(copy, pod, other)
    expect([say(copy), say(found.state)]).toEqual([
      ['', ''],
      [RWOP, RWOP],
    ])
    plugin.addPod(copy, pod, other)
    expect(say(copy)).toEqual([RWOP, RWOP])
  })
  it('is woken by those that leave a claim or a disk', () => {
    const hint = new VolumeRestrictions(handle).events.find(({ resource }) => resource === 'pods')
    const waiting = makePod({ spec: { volumes: [...claimVolumes('mine'), gce('disk')] } })
    const helps = (old: object) => hint?.mayHelp?.(waiting, { resource: 'pods', action: 'delete', old })
    expect([
      helps(makePod(using('mine'))),
      helps(makePod({ spec: { volumes: [gce('disk')] } })),
      helps(makePod(using('shared'))),
    ]).toEqual([true, true, false])
  })
})
