/**
 * Whatever state claims and volumes are found in, what the binder makes of it. Each row is put into a control plane
 * without controllers; then the binder is started. Upstream: pkg/controller/volume/persistentvolume/binder_test.go.
 *
 * A volume is written `<size> <phase> [<claim>[#own|#other]] [controller]`: the claim it names, with that claim's UID or
 * another; bound by a controller. A claim: `<size> <phase> [<volume>] [controller] [completed]`.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { persistentVolumeBinderController } from '#controllers/persistent-volume-binder/reconciler.ts'
import { EVENTS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import { systemClock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { BIND_COMPLETED, BOUND_BY_CONTROLLER } from '#machinery/volume/binding.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeClaim, makeClass, makeVolume, VOLUME_NAMESPACE } from '#test/support/volumes.ts'

const namespace = VOLUME_NAMESPACE
const OTHER_UID = '00000000-0000-0000-0000-000000000000'
const PROVISIONED = { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' }

type Texts = Readonly<Record<string, string>>

interface Row {
  readonly name: string
  readonly volumes?: Texts
  readonly claims?: Texts
  /** What differs afterwards; all else stays. */
  readonly after?: Texts
  /** Reason of an event of the claim `c`, or of the volume if there is no such claim. */
  readonly event?: string
  readonly volumeSpec?: Partial<PersistentVolume['spec']>
  readonly volumeMeta?: Partial<PersistentVolume['metadata']>
  readonly claimSpec?: Partial<PersistentVolumeClaim['spec']>
}

const BOUND = '1Gi Bound v controller completed'
const LABELS = { matchLabels: { foo: 'true' } }
const DELETE = { persistentVolumeReclaimPolicy: 'Delete' }
const waiting = { storageClassName: 'wait' }

const ROWS: readonly Row[] = [
  // A claim that names no volume.
  {
    name: 'binds to a volume that fits',
    volumes: { v: '1Gi Available' },
    claims: { c: '1Gi Pending' },
    after: { v: '1Gi Bound c#own controller', c: BOUND },
  },
  {
    name: 'waits when none is large enough',
    volumes: { v: '1Gi Available' },
    claims: { c: '10Gi Pending' },
    event: 'FailedBinding',
  },
  {
    name: 'is Pending again when none fits',
    volumes: { v: '1Gi Available' },
    claims: { c: '10Gi Bound' },
    after: { c: '10Gi Pending' },
    event: 'FailedBinding',
  },
  {
    name: 'takes the smallest',
    volumes: { large: '10Gi Available', v: '1Gi Available' },
    claims: { c: '1Gi Pending' },
    after: { v: '1Gi Bound c#own controller', c: BOUND },
  },
  {
    name: 'takes the one prepared by name, though it is larger',
    volumes: { v: '10Gi Available c', small: '1Gi Available' },
    claims: { c: '1Gi Pending' },
    after: { v: '10Gi Bound c#own', c: BOUND },
  },
  {
    name: 'takes the one prepared by UID, though it is larger',
    volumes: { v: '10Gi Available c#own', small: '1Gi Available' },
    claims: { c: '1Gi Pending' },
    after: { v: '10Gi Bound c#own', c: BOUND },
  },
  {
    name: 'does not take what was prepared for another of its name',
    volumes: { v: '10Gi Available c#other' },
    claims: { c: '1Gi Pending' },
    after: { v: '10Gi Released c#other' },
    event: 'FailedBinding',
  },
  {
    name: 'goes on after a crash that followed the first write',
    volumes: { v: '1Gi Available c#own controller' },
    claims: { c: '1Gi Pending' },
    after: { v: '1Gi Bound c#own controller', c: BOUND },
  },
  {
    name: 'goes on after the second write',
    volumes: { v: '1Gi Bound c#own controller' },
    claims: { c: '1Gi Pending' },
    after: { c: BOUND },
  },
  {
    name: 'goes on after the third write',
    volumes: { v: '1Gi Bound c#own controller' },
    claims: { c: '1Gi Pending v controller completed' },
    after: { c: BOUND },
  },
  {
    name: 'takes what its selector matches',
    volumes: { v: '1Gi Available' },
    volumeMeta: { labels: { foo: 'true', bar: 'false' } },
    claims: { c: '1Gi Pending' },
    claimSpec: { selector: LABELS },
    after: { v: '1Gi Bound c#own controller', c: BOUND },
  },
  {
    name: 'takes nothing else',
    volumes: { v: '1Gi Available' },
    claims: { c: '1Gi Pending' },
    claimSpec: { selector: LABELS },
    event: 'FailedBinding',
  },
  {
    name: 'of a class that waits is left to the scheduler',
    volumes: { v: '1Gi Available' },
    volumeSpec: waiting,
    claims: { c: '1Gi Pending' },
    claimSpec: waiting,
    event: 'WaitForFirstConsumer',
  },
  {
    name: 'of a class that waits takes what was prepared for it',
    volumes: { v: '1Gi Available c' },
    volumeSpec: waiting,
    claims: { c: '1Gi Pending' },
    claimSpec: waiting,
    after: { v: '1Gi Bound c#own', c: BOUND },
  },
  // A claim that names a volume.
  { name: 'waits for a volume that does not exist', claims: { c: '10Gi Pending v' } },
  {
    name: 'is Pending again without the volume it names',
    claims: { c: '10Gi Bound v' },
    after: { c: '10Gi Pending v' },
  },
  {
    name: 'gets the one it names, though it is larger',
    volumes: { v: '10Gi Available', small: '1Gi Available' },
    claims: { c: '1Gi Pending v' },
    after: { v: '10Gi Bound c#own controller', c: '1Gi Bound v completed' },
  },
  {
    name: 'gets the one that names it, by name',
    volumes: { v: '1Gi Available c' },
    claims: { c: '1Gi Pending v' },
    after: { v: '1Gi Bound c#own', c: '1Gi Bound v completed' },
  },
  {
    name: 'gets the one that names it, by UID',
    volumes: { v: '1Gi Available c#own' },
    claims: { c: '1Gi Pending v' },
    after: { v: '1Gi Bound c#own', c: '1Gi Bound v completed' },
  },
  {
    name: 'does not get what another has',
    volumes: { v: '1Gi Bound d#own' },
    claims: { c: '1Gi Bound v', d: '1Gi Bound v completed' },
    after: { c: '1Gi Pending v' },
    event: 'FailedBinding',
  },
  {
    name: 'stays as it is when a controller bound it to what another has',
    volumes: { v: '1Gi Bound d#own' },
    claims: { c: '1Gi Bound v controller', d: '1Gi Bound v completed' },
    event: 'FailedBinding',
  },
  {
    name: 'gets the one it names, whatever its selector says',
    volumes: { v: '1Gi Available' },
    claims: { c: '1Gi Pending v' },
    claimSpec: { selector: LABELS },
    after: { v: '1Gi Bound c#own controller', c: '1Gi Bound v completed' },
  },
  {
    name: 'does not get one that is too small',
    volumes: { v: '1Gi Available' },
    claims: { c: '2Gi Bound v' },
    after: { c: '2Gi Pending v' },
    event: 'VolumeMismatch',
  },
  {
    name: 'does not get one of another class',
    volumes: { v: '1Gi Available' },
    volumeSpec: { storageClassName: 'gold' },
    claims: { c: '1Gi Bound v' },
    after: { c: '1Gi Pending v' },
    event: 'VolumeMismatch',
  },
  {
    name: 'does not get one with other attributes',
    volumes: { v: '1Gi Available' },
    claims: { c: '1Gi Bound v' },
    claimSpec: { volumeAttributesClassName: 'silver' },
    after: { c: '1Gi Pending v' },
    event: 'VolumeMismatch',
  },
  {
    name: 'does not get one of another access mode',
    volumes: { v: '1Gi Available' },
    claims: { c: '1Gi Pending v' },
    claimSpec: { accessModes: ['ReadWriteMany'] },
    event: 'VolumeMismatch',
  },
  {
    name: 'does not get a block device for a file system',
    volumes: { v: '1Gi Available' },
    volumeSpec: { volumeMode: 'Block' },
    claims: { c: '1Gi Pending v' },
    event: 'VolumeMismatch',
  },
  {
    name: 'does not take a block device for a file system, though it was prepared',
    volumes: { v: '1Gi Available c' },
    volumeSpec: { volumeMode: 'Block' },
    claims: { c: '1Gi Pending' },
    event: 'FailedBinding',
  },
  {
    name: 'is told when a controller bound a block device to it',
    volumes: { v: '1Gi Available c#own controller' },
    volumeSpec: { volumeMode: 'Block' },
    claims: { c: '1Gi Pending' },
    event: 'VolumeMismatch',
  },
  // A claim that was bound.
  {
    name: 'is Lost without a volume',
    claims: { c: '1Gi Bound - controller completed' },
    after: { c: '1Gi Lost - controller completed' },
    event: 'ClaimLost',
  },
  {
    name: 'is Lost when its volume is gone',
    claims: { c: BOUND },
    after: { c: '1Gi Lost v controller completed' },
    event: 'ClaimLost',
  },
  {
    name: 'is bound again to a volume that forgot it',
    volumes: { v: '1Gi Available' },
    claims: { c: '1Gi Pending v controller completed' },
    claimSpec: { selector: LABELS },
    after: { v: '1Gi Bound c#own controller', c: BOUND },
  },
  {
    name: 'is Lost when its volume has another of its name',
    volumes: { v: '1Gi Available c#other' },
    claims: { c: '1Gi Pending v controller completed' },
    after: { v: '1Gi Released c#other', c: '1Gi Lost v controller completed' },
    event: 'ClaimMisbound',
  },
  {
    name: 'is bound when only the phases are missing',
    volumes: { v: '1Gi Available c#own' },
    claims: { c: '1Gi Pending v completed' },
    after: { v: '1Gi Bound c#own', c: '1Gi Bound v completed' },
  },
  // Volumes.
  { name: 'a new volume', volumes: { v: '10Gi Pending' }, after: { v: '10Gi Available' } },
  { name: 'a new volume that was prepared', volumes: { v: '10Gi Pending c' }, after: { v: '10Gi Available c' } },
  { name: 'a volume whose claim is gone', volumes: { v: '10Gi Bound c#other' }, after: { v: '10Gi Released c#other' } },
  {
    name: 'a volume that lost its claim to another, bound by a controller',
    volumes: { v: '1Gi Bound c#own', w: '1Gi Bound c#own controller' },
    claims: { c: '1Gi Bound v completed' },
    after: { w: '1Gi Available' },
  },
  {
    name: 'a volume that lost its claim to another, bound by a user',
    volumes: { v: '1Gi Bound c#own', w: '1Gi Bound c#own' },
    claims: { c: '1Gi Bound v completed' },
    after: { w: '1Gi Available c' },
  },
  {
    name: 'a volume that lost its claim to another, made for it',
    volumes: { v: '1Gi Bound c#own', w: '1Gi Bound c#own controller' },
    volumeSpec: DELETE,
    volumeMeta: { annotations: PROVISIONED },
    claims: { c: '1Gi Bound v completed' },
    after: { w: '1Gi Released c#own controller' },
  },
  {
    name: 'a volume that lost its claim to another, not made for it',
    volumes: { v: '1Gi Bound c#own', w: '1Gi Bound c#own' },
    volumeSpec: DELETE,
    claims: { c: '1Gi Bound v completed' },
    after: { w: '1Gi Available c' },
  },
  {
    name: 'a volume with a migrated provisioner that shall be recycled',
    volumes: { v: '1Gi Bound c#other' },
    volumeSpec: { persistentVolumeReclaimPolicy: 'Recycle' },
    volumeMeta: { annotations: { 'pv.kubernetes.io/migrated-to': 'example.com' } },
    after: { v: '1Gi Released c#other' },
  },
]

let storage: MemoryStorage
let plane: TestControlPlane | undefined
beforeEach(() => {
  storage = new MemoryStorage({ clock: systemClock })
})
afterEach(async () => {
  await plane?.stop()
  plane = undefined
  await storage.close()
})

it.each(ROWS)('$name', async (row) => {
  plane = await startTestControlPlane({ storage })
  await plane.client.create(STORAGE_CLASSES, makeClass('wait', { volumeBindingMode: 'WaitForFirstConsumer' }))
  await seed(plane, row)
  await plane.stop()
  plane = await startTestControlPlane({ storage, controllers: [persistentVolumeBinderController] })
  const running = plane
  await eventually(async () => expect(await textsOf(running)).toEqual({ ...row.volumes, ...row.claims, ...row.after }))
  const { event } = row
  if (event !== undefined)
    await eventually(async () => {
      const { items } = await running.client.list(EVENTS)
      expect(items.map(({ reason }) => reason)).toContain(event)
    })
  expect(await textsOf(running)).toEqual({ ...row.volumes, ...row.claims, ...row.after })
})

async function seed({ client }: TestControlPlane, row: Row): Promise<void> {
  const uids = new Map<string, string>()
  for (const [name, text] of Object.entries(row.claims ?? {})) {
    const [storageSize = '', phase = '', volumeName = '-', ...marks] = text.split(' ')
    const draft = makeClaim(name, {
      storageClassName: '',
      resources: { requests: { storage: storageSize } },
      ...row.claimSpec,
    })
    if (volumeName !== '-') draft.spec.volumeName = volumeName
    draft.metadata.annotations = {
      ...(marks.includes('controller') ? { [BOUND_BY_CONTROLLER]: 'yes' } : {}),
      ...(marks.includes('completed') ? { [BIND_COMPLETED]: 'yes' } : {}),
    }
    const created = await client.create(PERSISTENT_VOLUME_CLAIMS, draft)
    uids.set(name, created.metadata.uid ?? '')
    await client.update(PERSISTENT_VOLUME_CLAIMS, { ...created, status: { phase } }, { subresource: 'status' })
  }
  for (const [name, text] of Object.entries(row.volumes ?? {})) {
    const [size = '', phase = '', claim = '', mark] = text.split(' ')
    const [claimName = '', owner] = claim.split('#')
    const draft = makeVolume(name, { capacity: { storage: size }, ...row.volumeSpec })
    const annotations = mark === undefined ? {} : { [BOUND_BY_CONTROLLER]: 'yes' }
    draft.metadata = {
      ...draft.metadata,
      ...row.volumeMeta,
      annotations: { ...row.volumeMeta?.annotations, ...annotations },
    }
    if (claimName !== '') draft.spec.claimRef = { kind: 'PersistentVolumeClaim', namespace, name: claimName }
    if (draft.spec.claimRef !== undefined && owner !== undefined)
      draft.spec.claimRef.uid = owner === 'own' ? (uids.get(claimName) ?? '') : OTHER_UID
    const created = await client.create(PERSISTENT_VOLUMES, draft)
    await client.update(PERSISTENT_VOLUMES, { ...created, status: { phase } }, { subresource: 'status' })
  }
}

async function textsOf({ client }: TestControlPlane): Promise<Texts> {
  const claims = (await client.list(PERSISTENT_VOLUME_CLAIMS)).items
  const volumes = (await client.list(PERSISTENT_VOLUMES)).items
  const uids = claims.map(({ metadata }) => metadata.uid)
  return Object.fromEntries([
    ...claims.map((claim) => [claim.metadata.name, claimText(claim)]),
    ...volumes.map((volume) => [volume.metadata.name, volumeText(volume, uids)]),
  ])
}

function claimText({ metadata, spec, status }: DeepReadonly<PersistentVolumeClaim>): string {
  const marks = [
    ...(metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined ? [] : ['controller']),
    ...(metadata.annotations?.[BIND_COMPLETED] === undefined ? [] : ['completed']),
  ]
  const { volumeName } = spec
  const names = volumeName === undefined ? (marks.length === 0 ? [] : ['-']) : [volumeName]
  return [spec.resources?.requests?.['storage'], status?.phase, ...names, ...marks].join(' ')
}

function volumeText({ metadata, spec, status }: DeepReadonly<PersistentVolume>, uids: readonly unknown[]): string {
  const { name, uid } = spec.claimRef ?? {}
  const owner = uid === undefined ? '' : uids.includes(uid) ? '#own' : '#other'
  const isMarked = metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined
  const claim = name === undefined ? [] : [`${name}${owner}`]
  return [spec.capacity?.['storage'], status?.phase, ...claim, ...(isMarked ? ['controller'] : [])].join(' ')
}
