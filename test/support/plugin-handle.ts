/** What scheduler plugins are given, over caches that hold just these objects: for tests of what plugins decide. */
import type { PluginHandle } from '#controllers/scheduler/framework/interfaces.ts'
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { keyStringOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Informer, InformerHandler } from '#machinery/informers/shared-informer.ts'
import { Store } from '#machinery/informers/store.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { FakeClock } from './fake-clock.ts'

export interface TestPluginHandle extends PluginHandle {
  readonly clock: FakeClock
  /** What `record` was called with, as `type reason message`. */
  readonly recorded: string[]
  /** As if a watch had told of it. */
  put<T extends KubeObject>(resource: Resource<T>, ...objects: DeepReadonly<T>[]): void
  remove<T extends KubeObject>(resource: Resource<T>, object: DeepReadonly<T>): void
}

/** `random.int` always answers 0. There is no client: what writes is tested against a control plane. */
export function testPluginHandle(): TestPluginHandle {
  const caches = new Map<string, TestInformer>()
  const informer = <T extends KubeObject>(resource: Resource<T>): Informer<T> => cacheOf(caches, resource)
  const lister = <T extends KubeObject>(resource: Resource<T>): Lister<T> => informer(resource).lister
  const recorded: string[] = []
  return {
    clock: new FakeClock(),
    random: { int: () => 0, uuid: () => 'uuid', bytes: (size) => Buffer.alloc(size) },
    logger: discardLogger,
    recorded,
    events: { record: (_object, type, reason, message) => void recorded.push(`${type} ${reason} ${message}`) },
    get client(): never {
      throw new Error('this test has no API server')
    },
    isGateEnabled: () => false,
    extenders: [],
    waitingPod: () => undefined,
    waitingPods: () => [],
    podInPreBind: () => undefined,
    informer,
    lister,
    namespaceLabels: (name) => lister(NAMESPACES).get({ name })?.metadata.labels,
    notify: () => undefined,
    shared: (_name, create) => create(),
    put: (resource, ...objects) => {
      for (const object of objects) cacheOf(caches, resource).put(object as DeepReadonly<KubeObject>)
    },
    remove: (resource, object) => cacheOf(caches, resource).remove(object as DeepReadonly<KubeObject>),
  }
}

function cacheOf<T extends KubeObject>(
  caches: Map<string, TestInformer>,
  resource: Resource<T>,
): TestInformer & Informer<T> {
  const name = `${resource.group}/${resource.resource}`
  const cache = caches.get(name) ?? new TestInformer(resource as Resource)
  caches.set(name, cache)
  return cache as unknown as TestInformer & Informer<T>
}

class TestInformer implements Informer {
  readonly resource: Resource
  readonly #store = new Store<KubeObject>()
  readonly #handlers: InformerHandler[] = []
  readonly synced = Promise.resolve()
  readonly hasSynced = true

  constructor(resource: Resource) {
    this.resource = resource
  }

  get lister(): Lister {
    return this.#store
  }

  addIndex(name: string, values: (object: DeepReadonly<KubeObject>) => readonly string[]): void {
    this.#store.addIndex(name, values)
  }

  addHandler(handler: InformerHandler): () => void {
    this.#handlers.push(handler)
    return () => undefined
  }

  put(object: DeepReadonly<KubeObject>): void {
    const old = this.#store.set(object)
    for (const handler of this.#handlers) {
      if (old === undefined) handler.onAdd?.(object, false)
      else handler.onUpdate?.(old, object)
    }
  }

  remove(object: DeepReadonly<KubeObject>): void {
    this.#store.delete(keyStringOf(object))
    for (const handler of this.#handlers) handler.onDelete?.(object, false)
  }
}
