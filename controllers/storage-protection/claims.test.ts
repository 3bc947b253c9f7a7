/** Which Pods hold a claim. */
import { expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { makeClaim, makePodWithClaim } from '#test/support/volumes.ts'
import { podUsesClaim } from './claims.ts'

const claim = makeClaim('web-data')
claim.metadata.ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'u1', controller: true }]

function podWithEphemeral(uid: string, gracePeriodSeconds?: number): Pod {
  const pod = makePodWithClaim('web', 'none', 'node')
  pod.metadata.uid = uid
  if (gracePeriodSeconds !== undefined) {
    pod.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    pod.metadata.deletionGracePeriodSeconds = gracePeriodSeconds
  }
  const volumeClaimTemplate = { spec: { accessModes: ['ReadWriteOnce'] } }
  pod.spec.volumes = [{ name: 'data', ephemeral: { volumeClaimTemplate } }]
  return pod
}

/** Scaled away: its claim goes with it. */
function ownerThatIsDeleted(gracePeriodSeconds: number): Pod {
  const pod = podWithEphemeral('u1', gracePeriodSeconds)
  pod.spec.volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'web-data' } }]
  return pod
}

it.each<[string, Pod, boolean]>([
  ['one on a node', makePodWithClaim('a', 'web-data', 'node'), true],
  ['one that waits for a node', makePodWithClaim('a', 'web-data'), false],
  ['one of another claim', makePodWithClaim('a', 'other', 'node'), false],
  ['a finished one', { ...makePodWithClaim('a', 'web-data', 'node'), status: { phase: 'Succeeded' } }, true],
  ['the owner of an ephemeral volume', podWithEphemeral('u1'), true],
  ['another Pod of the same name', podWithEphemeral('u2'), false],
  ['the owner, terminating', podWithEphemeral('u1', 30), true],
  ['the owner, shut down', podWithEphemeral('u1', 0), false],
  ['the owner of a claim of a StatefulSet', ownerThatIsDeleted(30), true],
  ['the owner of a claim of a StatefulSet, shut down', ownerThatIsDeleted(0), false],
])('%s', (_name, pod, expected) => {
  expect(podUsesClaim(pod, claim)).toBe(expected)
})
