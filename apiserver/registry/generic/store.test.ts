import { describe, expect, it } from 'vitest'
import type { DeleteOptions, KubeObject } from '#machinery/api/meta/v1.ts'
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { Random } from '#machinery/util/random.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { ADMIN, plainResource } from '#test/contract/resource-server.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission/interfaces.ts'
import { createCacher } from '../../storage/cacher/cacher.ts'
import { MemoryStorage } from '../../storage/memory/storage.ts'
import { createAdmissionChain } from './admission-chain.ts'
import type { RequestContext, ResourceStore, StoreHooks, Strategy } from './interfaces.ts'
import { createResourceStore } from './store.ts'

interface Setup {
  readonly strategy?: Strategy
  readonly hooks?: StoreHooks
  readonly plugins?: readonly AdmissionPlugin[]
  readonly random?: Random
  readonly clock?: Clock
}

function setUp({ strategy = {}, hooks, plugins = [], random = systemRandom, clock = systemClock }: Setup = {}) {
  const definition = plainResource({ strategy, ...(hooks === undefined ? {} : { hooks }) })
  const cacher = createCacher(new MemoryStorage({ clock: systemClock }), systemClock, { freeze: true })
  const objects = cacher.openStore({ ...definition, apiVersion: 'v1' })
  const store = createResourceStore(definition, objects, createAdmissionChain(plugins))
  const context: RequestContext = {
    user: ADMIN,
    namespace: 'default',
    isDryRun: false,
    clock,
    random,
    signal: new AbortController().signal,
    warn() {},
  }
  const request = { context, version: 'v1', subresource: '', strategy, options: {} }
  return new TestStore(store, request)
}

class TestStore {
  readonly store: ResourceStore
  readonly #request: Parameters<ResourceStore['create']>[1]

  constructor(store: ResourceStore, request: Parameters<ResourceStore['create']>[1]) {
    this.store = store
    this.#request = request
  }

  create(metadata: KubeObject['metadata'], extra: object = {}) {
    return this.store.create({ kind: 'ConfigMap', apiVersion: 'v1', metadata, ...extra }, this.#request)
  }

  update(name: string, change: (draft: KubeObject) => void) {
    const makeDraft = (current: { readonly object: unknown }) => {
      const draft = deepCopy<KubeObject>(current.object as KubeObject)
      change(draft)
      return draft
    }
    return this.store.update({ ...this.#request, name, makeDraft })
  }

  delete(name: string, deleteOptions: DeleteOptions = {}, isDryRun = false) {
    const context = { ...this.#request.context, isDryRun }
    return this.store.delete({ ...this.#request, context, name, deleteOptions })
  }

  get(name: string) {
    const { objects } = this.store
    return objects.get(objects.keyOf('default', name))
  }
}

describe('create', () => {
  it('sets what only the server may set, whatever the client sent', async () => {
    const store = setUp()
    const { object } = await store.create({
      name: 'a',
      uid: 'mine',
      generation: 7,
      selfLink: '/x',
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 3,
      labels: {},
    })
    const { uid, creationTimestamp, resourceVersion, ...rest } = object.metadata
    // A generation that its kind does not count is the client's.
    expect(rest).toEqual({ name: 'a', namespace: 'default', generation: 7 })
    expect(uid).not.toBe('mine')
    expect(creationTimestamp).not.toBe('2001-01-01T00:00:00Z')
  })

  it('stores kind, apiVersion and metadata first', async () => {
    const created = await setUp().create({ name: 'a' }, { data: { k: 'v' } })
    expect(created.json().toString()).toMatch(
      /^\{"kind":"ConfigMap","apiVersion":"v1","metadata":\{"resourceVersion":"\d+","name":"a",/,
    )
  })

  it.each<[string, KubeObject['metadata'], RegExp]>([
    ['no name', {}, /metadata.name: Required value: name or generateName is required/],
    ['a bad name', { name: 'A_b' }, /metadata.name: Invalid value: "A_b"/],
    ['a bad label', { name: 'a', labels: { '-': 'x' } }, /metadata.labels: Invalid value: "-"/],
    [
      'too many annotations',
      { name: 'a', annotations: { a: 'x'.repeat(262_144) } },
      /metadata.annotations: Too long: may not be more than 262144 bytes/,
    ],
    ['a bad finalizer', { name: 'a', finalizers: ['no spaces'] }, /metadata.finalizers: Invalid value: "no spaces"/],
    ['contradicting finalizers', { name: 'a', finalizers: ['orphan', 'foregroundDeletion'] }, /cannot be both set/],
    [
      'an owner without a name',
      { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: '', uid: 'u' }] },
      /metadata\.ownerReferences\.name: Invalid value: ""/,
    ],
    [
      'two controllers',
      {
        name: 'a',
        ownerReferences: ['x', 'y'].map((name) => ({ apiVersion: 'v1', kind: 'X', name, uid: name, controller: true })),
      },
      /Only one reference can have Controller set to true. Found "true" in references for X\/x and X\/y/,
    ],
  ])('refuses %s', async (_name, metadata, message) => {
    const outcome = setUp().create(metadata)
    await expect(outcome).rejects.toSatisfy(isInvalid)
    await expect(outcome).rejects.toThrow(message)
  })

  it.each<[string, string | undefined]>([
    ['7', 'resourceVersion should not be set on objects to be created'],
    ['0', undefined],
    ['', undefined],
    ['seven', undefined],
  ])('with resourceVersion %j', async (resourceVersion, message) => {
    const outcome = setUp().create({ name: 'a', resourceVersion })
    if (message === undefined) await expect(outcome).resolves.toBeDefined()
    else await expect(outcome).rejects.toMatchObject({ message, code: 500, reason: '' })
  })

  it('speaks of generated names where a prefix came with the name', async () => {
    const store = setUp()
    await store.create({ name: 'a', finalizers: ['x.io/y'] })
    const again = () => store.create({ name: 'a', generateName: 'b-' })
    await expect(again()).rejects.toMatchObject({
      message: 'configmaps "a" already exists, the server was not able to generate a unique name for the object',
      status: { details: { retryAfterSeconds: 1 } },
    })
    await store.delete('a')
    await expect(again()).rejects.toThrow(/^object is being deleted: configmaps "a" already exists, the server/)
  })

  it('gives up generating a name that is always taken', async () => {
    const store = setUp({ random: { ...systemRandom, int: () => 0 } })
    await store.create({ generateName: 'g-' })
    await expect(store.create({ generateName: 'g-' })).rejects.toThrow(
      /"g-bbbbb" already exists, the server was not able to generate a unique name/,
    )
  })

  it('says when the name belongs to an object that is being deleted', async () => {
    const store = setUp()
    await store.create({ name: 'a', finalizers: ['x.io/y'] })
    await store.delete('a')
    await expect(store.create({ name: 'a' })).rejects.toThrow('object is being deleted: configmaps "a" already exists')
  })

  it('runs mutating before validating admission, each with the object of its stage', async () => {
    const seen: string[] = []
    const note = (stage: string) => (attributes: AdmissionAttributes) => {
      seen.push(
        `${stage} ${attributes.operation} ${attributes.name} ${attributes.object?.metadata.labels?.['by'] ?? '-'}`,
      )
      if (stage === 'admit' && attributes.object !== undefined) attributes.object.metadata.labels = { by: 'admission' }
    }
    const plugin: AdmissionPlugin = {
      name: 'Test',
      handles: () => true,
      admit: note('admit'),
      validate: async (attributes) => note('validate')(attributes),
    }
    const { object } = await setUp({ plugins: [plugin] }).create({ name: 'a' })
    expect(seen).toEqual(['admit CREATE a -', 'validate CREATE a admission'])
    expect(object.metadata.labels).toEqual({ by: 'admission' })
  })

  it('rolls back what began with a create that failed', async () => {
    let allocated = 0
    const beginCreate = () => {
      allocated++
      return () => {
        allocated--
      }
    }
    const store = setUp({ hooks: { beginCreate } })
    await store.create({ name: 'a' })
    await expect(store.create({ name: 'a' })).rejects.toSatisfy(isAlreadyExists)
    expect(allocated).toBe(1)
  })
})

describe('update', () => {
  it('keeps the uid a client left out and refuses another one', async () => {
    const store = setUp()
    const { object } = await store.create({ name: 'a' })
    const { object: updated } = await store.update('a', (draft) => {
      delete draft.metadata.uid
      draft.metadata.labels = { x: 'y' }
    })
    expect(updated.object.metadata.uid).toBe(object.metadata.uid)
    const other = store.update('a', (draft) => {
      draft.metadata.uid = 'other'
    })
    await expect(other).rejects.toThrow(/Precondition failed: UID in precondition: other, UID in object meta/)
  })

  it('wants a resourceVersion where the kind allows no unconditional update', async () => {
    const store = setUp({ strategy: { allowUnconditionalUpdate: false } })
    await store.create({ name: 'a' })
    const outcome = store.update('a', (draft) => {
      delete draft.metadata.resourceVersion
    })
    await expect(outcome).rejects.toThrow('metadata.resourceVersion: Invalid value: 0: must be specified for an update')
  })

  it('adds no finalizer to an object under deletion', async () => {
    const store = setUp()
    await store.create({ name: 'a', finalizers: ['x.io/y'] })
    await store.delete('a')
    const outcome = store.update('a', (draft) => draft.metadata.finalizers?.push('x.io/z'))
    await expect(outcome).rejects.toThrow(
      'no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.io/z"}',
    )
  })

  it('cannot undo a deletion', async () => {
    const store = setUp()
    await store.create({ name: 'a', finalizers: ['x.io/y'] })
    await store.delete('a')
    await store.update('a', (draft) => {
      delete draft.metadata.deletionTimestamp
      draft.metadata.labels = { x: 'y' }
    })
    expect((await store.get('a'))?.object.metadata.deletionTimestamp).toBeDefined()
  })

  it('creates what is missing only where the kind allows it', async () => {
    const missing = (strategy: Strategy) => {
      const { store } = setUp({ strategy })
      const context = {
        user: ADMIN,
        namespace: 'default',
        isDryRun: false,
        clock: systemClock,
        random: systemRandom,
        signal: new AbortController().signal,
        warn() {},
      }
      const makeNew = () => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' } })
      return store.update({
        context,
        version: 'v1',
        subresource: '',
        strategy,
        options: {},
        name: 'a',
        makeDraft: makeNew,
        makeNew,
      })
    }
    await expect(missing({})).rejects.toSatisfy(isNotFound)
    await expect(missing({ allowCreateOnUpdate: true })).resolves.toMatchObject({ isCreated: true })
  })
})

describe('delete', () => {
  it.each<[string, string[], DeleteOptions, Strategy, string[] | undefined]>([
    ['nothing asked', [], {}, {}, undefined],
    ['background', [], { propagationPolicy: 'Background' }, {}, undefined],
    ['foreground', [], { propagationPolicy: 'Foreground' }, {}, ['foregroundDeletion']],
    ['orphan', [], { propagationPolicy: 'Orphan' }, {}, ['orphan']],
    ['the old spelling of orphan', [], { orphanDependents: true }, {}, ['orphan']],
    ['a kind that orphans by default', [], {}, { defaultGarbageCollection: 'Orphan' }, ['orphan']],
    [
      'a kind without garbage collection',
      [],
      { propagationPolicy: 'Orphan' },
      { defaultGarbageCollection: 'Unsupported' },
      undefined,
    ],
    [
      'foreground of a kind without garbage collection',
      [],
      { propagationPolicy: 'Foreground' },
      { defaultGarbageCollection: 'Unsupported' },
      undefined,
    ],
    ['background against an orphan finalizer', ['orphan'], { propagationPolicy: 'Background' }, {}, undefined],
    ['nothing asked with an orphan finalizer', ['orphan'], {}, {}, ['orphan']],
    [
      'a finalizer of somebody else',
      ['x.io/y'],
      { propagationPolicy: 'Foreground' },
      {},
      ['x.io/y', 'foregroundDeletion'],
    ],
  ])('leaves these finalizers: %s', async (_name, finalizers, options, strategy, expected) => {
    const store = setUp({ strategy })
    await store.create({ name: 'a', finalizers })
    const { isDeleted } = await store.delete('a', options)
    expect(isDeleted).toBe(expected === undefined)
    expect((await store.get('a'))?.object.metadata.finalizers).toEqual(expected)
  })

  it('marks gracefully, can only shorten, and goes at zero', async () => {
    const strategy: Strategy = { gracePeriodSeconds: (_object, options) => options.gracePeriodSeconds ?? 30 }
    const store = setUp({ strategy })
    await store.create({ name: 'a' })
    const grace = async () => (await store.get('a'))?.object.metadata.deletionGracePeriodSeconds
    expect((await store.delete('a')).isDeleted).toBe(false)
    expect(await grace()).toBe(30)
    await store.delete('a', { gracePeriodSeconds: 60 })
    expect(await grace()).toBe(30)
    await store.delete('a', { gracePeriodSeconds: 5 })
    expect(await grace()).toBe(5)
    expect((await store.delete('a', { gracePeriodSeconds: 0 })).isDeleted).toBe(true)
    expect(await store.get('a')).toBeUndefined()
  })

  // Graceful deletion at second 100 with this grace period, deleted again at this second with that one.
  it.each<[number, number, number | undefined, { ends: number; grace: number } | 'gone']>([
    [2, 100, undefined, { ends: 102, grace: 2 }],
    [2, 100, -1, { ends: 101, grace: 1 }],
    [2, 100, 0, 'gone'],
    [2, 100, 1, { ends: 101, grace: 1 }],
    [2, 100, 2, { ends: 102, grace: 2 }],
    [2, 100, 3, { ends: 102, grace: 2 }],
    [1, 100, -1, { ends: 101, grace: 1 }],
    [60, 220, 50, { ends: 220, grace: 1 }],
    [60, 220, 0, 'gone'],
    [60, 220, 60, { ends: 160, grace: 60 }],
  ])('%d s of grace, at %d deleted with %d', async (first, atSecond, second, expected) => {
    const clock = new FakeClock('1970-01-01T00:01:40Z')
    const strategy: Strategy = { gracePeriodSeconds: (_object, options) => options.gracePeriodSeconds ?? 30 }
    const store = setUp({ strategy, clock })
    await store.create({ name: 'a' })
    await store.delete('a', { gracePeriodSeconds: first })
    clock.advance((atSecond - 100) * 1000)
    await store.delete('a', second === undefined ? {} : { gracePeriodSeconds: second })
    const meta = (await store.get('a'))?.object.metadata
    const left = { ends: Date.parse(meta?.deletionTimestamp ?? '') / 1000, grace: meta?.deletionGracePeriodSeconds }
    expect(meta === undefined ? 'gone' : left).toEqual(expected)
  })

  it('asks no admission while a grace period runs that nobody shortens', async () => {
    let asked = 0
    const plugin: AdmissionPlugin = {
      name: 'Test',
      handles: () => true,
      validate: ({ operation }) => {
        if (operation === 'DELETE') asked++
      },
    }
    const store = setUp({ strategy: { gracePeriodSeconds: () => 30 }, plugins: [plugin] })
    await store.create({ name: 'a' })
    await store.delete('a')
    await store.delete('a')
    expect(asked).toBe(1)
  })

  it('counts generation once', async () => {
    const strategy: Strategy = {
      prepareForCreate: (draft) => {
        draft.metadata.generation = 1
      },
    }
    const store = setUp({ strategy })
    await store.create({ name: 'a', finalizers: ['x.io/y'] })
    await store.delete('a')
    const first = await store.get('a')
    await store.delete('a')
    expect(first?.object.metadata.generation).toBe(2)
    expect(await store.get('a')).toEqual(first)
  })

  it('waits for what only the kind knows of', async () => {
    const strategy: Strategy = {
      hasPendingFinalization: (object) => (object as { spec?: { hold?: boolean } }).spec?.hold === true,
      beforeDelete: (draft) => Object.assign(draft, { status: { phase: 'Terminating' } }),
    }
    const store = setUp({ strategy })
    await store.create({ name: 'a' }, { spec: { hold: true } })
    expect((await store.delete('a')).object.object).toMatchObject({ status: { phase: 'Terminating' } })
    await store.update('a', (draft) => Object.assign(draft, { spec: {} }))
    expect(await store.get('a')).toBeUndefined()
  })

  it.each<[string, DeleteOptions]>([
    ['uid', { preconditions: { uid: 'other' } }],
    ['resourceVersion', { preconditions: { resourceVersion: '1' } }],
  ])('refuses a wrong precondition: %s', async (_name, options) => {
    const store = setUp()
    await store.create({ name: 'a' })
    await store.create({ name: 'b' })
    const outcome = store.delete('b', options)
    await expect(outcome).rejects.toSatisfy(isConflict)
    await expect(outcome).rejects.toThrow(
      /^Operation cannot be fulfilled on ConfigMap "b": the \w+ in the precondition/,
    )
  })

  it('deletes nothing on a dry run', async () => {
    const store = setUp()
    await store.create({ name: 'a' })
    expect((await store.delete('a', {}, true)).isDeleted).toBe(true)
    expect(await store.get('a')).toBeDefined()
  })
})
