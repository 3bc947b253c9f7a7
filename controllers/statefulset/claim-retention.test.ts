import { describe, expect, it } from 'vitest'
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { OwnerReference } from '#machinery/api/meta/v1.ts'
import { hasForeignController, wantedOwners } from './claim-retention.ts'
import type { SetView } from './pod-identity.ts'

/** Owners by letter: the set, the Pod, another one; `'`: an earlier one of the name; a capital: as controller. */
const REFERENCES: Readonly<Record<string, Omit<OwnerReference, 'uid'>>> = {
  s: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' },
  p: { apiVersion: 'v1', kind: 'Pod', name: 'web-1' },
  o: { apiVersion: 'v1', kind: 'ConfigMap', name: 'other' },
}

function owners(text: string): OwnerReference[] {
  return [...text.matchAll(/([spo])('?)/gi)].map(([, letter = '', earlier = '']) => ({
    ...(REFERENCES[letter.toLowerCase()] as OwnerReference),
    uid: `${letter.toLowerCase()}${earlier}`,
    ...(letter === letter.toUpperCase() ? { controller: true } : {}),
  }))
}

const textOf = (references: readonly { readonly uid: string; readonly controller?: boolean }[] | undefined) =>
  references?.map(({ uid, controller }) => (controller === true ? uid.toUpperCase() : uid)).join('')

const claim = (text: string): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data-web-1', ownerReferences: owners(text) },
  spec: {},
})
const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', uid: 'p' }, spec: { containers: [] } }

/** `policy`: whenScaled, whenDeleted, by first letter. `replicas`: with 1 the Pod is scaled away. */
function setOf(policy: string, replicas: number): SetView {
  const [whenScaled, whenDeleted] = [...policy].map((letter) => (letter === 'D' ? 'Delete' : 'Retain'))
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', uid: 's' },
    spec: { replicas, persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted } },
  } as unknown as SetView
}

/** Cases of upstream's TestIsClaimOwnerUpToDate, TestClaimOwnerUpToDateEdgeCases and TestUpdateClaimOwnerRefForSetAndPod. */
describe('the owners of a claim', () => {
  it.each<[policy: string, replicas: number, before: string, wanted: string | undefined]>([
    ['RR', 2, '', undefined],
    ['RR', 2, 'S', ''],
    ['RR', 1, 'Po', 'o'],
    ['RR', 2, 'O', undefined],
    ['RD', 2, '', 'S'],
    ['RD', 1, '', 'S'],
    ['RD', 2, 'S', undefined],
    ['RD', 2, 's', 'S'],
    ['RD', 2, 'o', 'oS'],
    ['DR', 2, '', undefined],
    ['DR', 2, 'P', ''],
    ['DR', 2, 'S', ''],
    ['DR', 1, '', 'P'],
    ['DR', 1, 'P', undefined],
    ['DR', 1, 'p', 'P'],
    ['DD', 2, '', 'S'],
    ['DD', 2, 'P', 'S'],
    ['DD', 1, 'S', 'P'],
    ['DD', 1, 'SP', 'P'],
    ['DD', 1, 'P', undefined],
    // Somebody else's: nothing of ours beside it.
    ['DD', 1, 'O', undefined],
    ['DD', 1, 'PO', 'O'],
    ['RD', 2, 'SO', 'O'],
    // Of earlier ones, which the garbage collector has still to deal with.
    ['DD', 1, "P'", undefined],
    ['RD', 2, "S'", undefined],
    ['RR', 2, "S'", undefined],
  ])('%s, %d replicas, of %j: %j', (policy, replicas, before, wanted) => {
    expect(textOf(wantedOwners(setOf(policy, replicas), claim(before), pod))).toBe(wanted)
  })

  it.each<[policy: string, owners: string, isForeign: boolean]>([
    ['RR', 'O', false],
    ['RD', 'O', true],
    ['DR', 'o', false],
    ['DD', 'SP', false],
    ['DD', "s'", true],
    ['DD', "p'", true],
  ])('%s: %j are foreign: %j', (policy, text, isForeign) => {
    expect(hasForeignController(setOf(policy, 2), claim(text), pod)).toBe(isForeign)
  })
})
