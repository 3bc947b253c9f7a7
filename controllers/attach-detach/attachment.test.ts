/** Names of attachments, when several nodes may have one volume, and when a mounted one is taken from a node. */
import { describe, expect, it } from 'vitest'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { makeVolume } from '#test/support/volumes.ts'
import {
  attachmentName,
  isMultiAttachAllowed,
  mayForceDetach,
  multiAttachMessage,
  uniqueVolumeName,
} from './attachment.ts'

const csi = { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1' }

it('names attachments and volumes as the attachers and kubelets do', () => {
  // printf 'vol-1ebs.csi.aws.comnode' | sha256sum
  expect(attachmentName(csi, 'node')).toBe('csi-f8dc13758de6e8585188895267736b151f7670747d30cb32c86d58848c6caa59')
  expect(uniqueVolumeName(csi)).toBe('kubernetes.io/csi/ebs.csi.aws.com^vol-1')
})

it.each<[string[] | undefined, boolean]>([
  [['ReadWriteOnce'], false],
  [['ReadWriteOncePod'], false],
  [['ReadWriteOnce', 'ReadOnlyMany'], true],
  [['ReadWriteMany'], true],
  [[], true],
])('access modes %j: several nodes at once: %s', (accessModes, expected) => {
  expect(isMultiAttachAllowed(makeVolume('pv', accessModes === undefined ? {} : { accessModes }))).toBe(expected)
})

describe('mayForceDetach', () => {
  const node = (ready: string | undefined, taint?: string): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n' },
    spec: taint === undefined ? {} : { taints: [{ key: taint, effect: 'NoExecute' }] },
    status: { conditions: ready === undefined ? [] : [{ type: 'Ready', status: ready }] },
  })

  it.each<[string, Node, number, boolean]>([
    ['ready, any time', node('True'), 1_000, false],
    ['not ready, in time', node('Unknown'), 100, false],
    ['not ready, over time', node('Unknown'), 101, true],
    ['no word of it, over time', node(undefined), 101, true],
    ['out of service', node('True', 'node.kubernetes.io/out-of-service'), 0, true],
    ['otherwise tainted', node('True', 'node.kubernetes.io/unreachable'), 1_000, false],
  ])('%s', (_name, subject, waitedMs, expected) => {
    expect(mayForceDetach(subject, waitedMs, 100)).toBe(expected)
  })
})

it('says who has the volume', () => {
  const pod = (name: string): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [] } })
  expect(multiAttachMessage('pv', [pod('b'), pod('a')])).toBe(
    'Multi-Attach error for volume "pv" Volume is already used by pod(s) a, b',
  )
  expect(multiAttachMessage('pv', [])).toBe(
    'Multi-Attach error for volume "pv" Volume is already exclusively attached to one node and can\'t be attached to another',
  )
})
