/** What the cacher's tests share: a pod-like store on memory storage with a clock moved by hand, and a recording sink. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { MemoryStorage } from '../memory/storage.ts'
import { createCacher } from './cacher.ts'
import type {
  Cacher,
  ObjectStore,
  Selection,
  StoreListOptions,
  StoreWatchEvent,
  StoreWatchOptions,
  StoreWatchSink,
} from './interface.ts'

interface TestPod extends KubeObject {
  spec?: { nodeName: string }
}

export const POD_STORE = {
  group: '',
  resource: 'pods',
  namespaced: true,
  kind: 'Pod',
  apiVersion: 'v1',
  indexes: { 'spec.nodeName': (object: unknown) => (object as TestPod).spec?.nodeName },
}

export interface Fixture<C extends Clock> {
  readonly clock: C
  readonly storage: MemoryStorage
  readonly cacher: Cacher
  readonly pods: ObjectStore
}

/** The clock is the caller's, because only tests may import the fake one. */
export async function makeFixture<C extends Clock>(clock: C): Promise<Fixture<C>> {
  const storage = new MemoryStorage({ clock })
  const cacher = createCacher(storage, clock, { freeze: true })
  const pods = cacher.openStore(POD_STORE)
  await pods.ready
  return { clock, storage, cacher, pods }
}

export function makePod(path: string, labels: Record<string, string> = {}, nodeName = ''): TestPod {
  const [namespace = '', name = ''] = path.split('/')
  const pod: TestPod = { metadata: { name, namespace, labels }, kind: 'Pod', apiVersion: 'v1' }
  return nodeName === '' ? pod : { ...pod, spec: { nodeName } }
}

export async function createPod(pods: ObjectStore, path: string, labels?: Record<string, string>, nodeName?: string) {
  const [namespace = '', name = ''] = path.split('/')
  return pods.create(pods.keyOf(namespace, name), makePod(path, labels, nodeName))
}

export function labelled(label: string, value: string): Selection {
  return { matches: (object) => object.metadata.labels?.[label] === value }
}

export function onNode(nodeName: string): Selection {
  return {
    matches: (object) => (object as TestPod).spec?.nodeName === nodeName,
    index: { name: 'spec.nodeName', value: nodeName },
  }
}

export const LIST: StoreListOptions = {
  namespace: '',
  selection: {},
  resourceVersion: '',
  resourceVersionMatch: '',
  limit: 0,
  continueToken: '',
}

export const WATCH: StoreWatchOptions = {
  namespace: '',
  selection: {},
  resourceVersion: '',
  allowBookmarks: false,
  sendInitialEvents: undefined,
}

/** Notes events as `ADDED ns/name@revision`; takes `capacity` events, then holds the store back until `take`. */
export class RecordingSink implements StoreWatchSink {
  readonly events: StoreWatchEvent[] = []
  readonly ends: string[] = []
  #capacity: number
  #resume: () => void = () => {}

  constructor(capacity = Number.POSITIVE_INFINITY) {
    this.#capacity = capacity
  }

  onEvent(event: StoreWatchEvent, resume: () => void): boolean {
    this.events.push(event)
    this.#resume = resume
    return this.events.length < this.#capacity
  }

  onEnd(reason: 'too-slow' | 'closed' | 'expired'): void {
    this.ends.push(reason)
  }

  take(more: number): void {
    this.#capacity = this.events.length + more
    this.#resume()
  }

  get lines(): string[] {
    return this.events.map(({ type, object }) => {
      const { namespace, name, resourceVersion, annotations } = object.object.metadata
      const path = type === 'BOOKMARK' ? Object.keys(annotations ?? {}).join() : `${namespace}/${name}`
      return `${type} ${path}@${resourceVersion}`
    })
  }
}
