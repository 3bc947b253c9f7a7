import { beforeEach, describe, expect, it } from 'vitest'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo } from '#test/support/scheduling.ts'
import { claimVolumes, makeLocalClaim, makeLocalClass, makeLocalVolume } from '#test/support/volumes.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { VolumeZone } from './plugin.ts'

const ZONE = 'topology.kubernetes.io/zone'
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone'
const NO_ZONE = 'node(s) had no available volume zone'

let handle: TestPluginHandle
beforeEach(() => {
  handle = testPluginHandle()
})

function reasons(nodeLabels: Record<string, string>): string {
  const plugin = new VolumeZone(handle)
  const pod = makePodInfo({ spec: { volumes: claimVolumes('c') } })
  const found = plugin.preFilter(pod)
  if (isVerdict(found)) return `${found.code} ${found.reasons.join()}`
  return plugin.filter(found.state, pod, makeNodeInfo({ labels: nodeLabels }))?.reasons.join() ?? ''
}

describe('VolumeZone', () => {
  it.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['the same zone', { [ZONE]: 'a' }, { [ZONE]: 'a' }, ''],
    ['another zone', { [ZONE]: 'a' }, { [ZONE]: 'b' }, NO_ZONE],
    ['one of several', { [ZONE]: 'a__b' }, { [ZONE]: 'b' }, ''],
    ['a node that knows no zones', { [ZONE]: 'a' }, {}, ''],
    ['a node that knows its region only', { [ZONE]: 'a' }, { 'topology.kubernetes.io/region': 'r' }, NO_ZONE],
    ['an old label on the volume', { [BETA_ZONE]: 'a' }, { [ZONE]: 'a' }, ''],
    ['an old label that differs', { [BETA_ZONE]: 'a' }, { [ZONE]: 'b' }, NO_ZONE],
    ['a list that says nothing', { [ZONE]: 'a__' }, { [ZONE]: 'b' }, 'Skip '],
    ['a volume without labels', {}, { [ZONE]: 'b' }, 'Skip '],
  ])('%s', (_name, labels, nodeLabels, expected) => {
    handle.put(PERSISTENT_VOLUMES, makeLocalVolume('v', { labels }))
    handle.put(PERSISTENT_VOLUME_CLAIMS, makeLocalClaim('c', { volume: 'v' }))
    expect(reasons(nodeLabels)).toBe(expected)
  })

  it('leaves claims that wait for a node alone', () => {
    handle.put(PERSISTENT_VOLUME_CLAIMS, makeLocalClaim('c'))
    expect(reasons({})).toBe('UnschedulableAndUnresolvable storageclass.storage.k8s.io "local" not found')
    handle.put(STORAGE_CLASSES, makeLocalClass('local', { volumeBindingMode: 'Immediate' }))
    expect(reasons({})).toBe('UnschedulableAndUnresolvable PersistentVolume had no name')
    handle.put(STORAGE_CLASSES, makeLocalClass())
    expect(reasons({})).toBe('Skip ')
  })

  it.each([
    ['a claim that is missing', undefined, 'persistentvolumeclaim "c" not found'],
    ['a volume that is missing', makeLocalClaim('c', { volume: 'v' }), 'persistentvolume "v" not found'],
    [
      'a claim without class',
      makeLocalClaim('c', { storageClass: '' }),
      'PersistentVolumeClaim had no pv name and storageClass name',
    ],
  ])('holds a pod with %s', (_name, claim, expected) => {
    if (claim !== undefined) handle.put(PERSISTENT_VOLUME_CLAIMS, claim)
    expect(reasons({})).toBe(`UnschedulableAndUnresolvable ${expected}`)
  })
})
