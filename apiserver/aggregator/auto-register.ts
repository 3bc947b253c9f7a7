/**
 * Keeps an APIService for every version this server has itself: built-in ones are made and mended when the server starts,
 * those of custom resources whenever they change. One that a user made, or took the label from, is the user's.
 * Upstream: kube-aggregator pkg/controllers/autoregister, pkg/controlplane/controller/crdregistration.
 */

import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { API_SERVICES } from '#machinery/api/apiregistration/v1/resources.gen.ts'
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ApiPriority } from '../endpoints/discovery/priority.ts'
import { BUILT_IN_PRIORITIES, CUSTOM_RESOURCE_PRIORITY } from '../endpoints/discovery/priority.ts'
import type { StoredObjects } from '../registry/deps.ts'

export interface GroupVersion {
  readonly group: string
  readonly version: string
}

type Automanaged = 'onstart' | 'true'
type Stored = DeepReadonly<APIService>

const LABEL = 'kube-aggregator.kubernetes.io/automanaged'
/** As many writes at once: a thousand CRDs must not make a burst of them. */
const WRITES_MAX = 32

export class AutoRegister {
  readonly #objects: StoredObjects
  readonly #builtIn: ReadonlyMap<string, APIService>
  readonly #logger: Logger
  /** Those found at the first look: only they are mended or removed when they are `onstart`. */
  #atStart: ReadonlySet<string> | undefined
  readonly #synced = new Set<string>()

  constructor(objects: StoredObjects, builtIn: readonly GroupVersion[], logger: Logger) {
    this.#objects = objects
    this.#logger = logger
    this.#builtIn = new Map(
      builtIn.flatMap((version) => {
        // Without a priority upstream makes none either: apiregistration.k8s.io.
        const priority = BUILT_IN_PRIORITIES.get(`${version.group}/${version.version}`)
        return priority === undefined ? [] : [[nameOf(version), localService(version, priority, 'onstart')] as const]
      }),
    )
  }

  builtInNames(): Iterable<string> {
    return this.#builtIn.keys()
  }

  async sync(stored: readonly Stored[], client: Client, signal: AbortSignal): Promise<void> {
    const current = new Map(stored.map((service) => [service.metadata.name ?? '', service]))
    this.#atStart ??= new Set(current.keys())
    const wanted = this.#wanted()
    const writes: (() => Promise<unknown>)[] = []
    for (const name of new Set([...wanted.keys(), ...current.keys()])) {
      const write = this.#change(name, wanted.get(name), current.get(name), client, signal)
      if (write === undefined) this.#noteSynced(name)
      else writes.push(() => this.#write(name, write))
    }
    for (let i = 0; i < writes.length; i += WRITES_MAX) {
      await Promise.all(writes.slice(i, i + WRITES_MAX).map((write) => write()))
    }
  }

  #wanted(): ReadonlyMap<string, APIService> {
    const wanted = new Map(this.#builtIn)
    const crds = this.#objects.list('apiextensions.k8s.io', 'customresourcedefinitions', '')
    for (const { spec } of crds as readonly DeepReadonly<CustomResourceDefinition>[]) {
      for (const { name: version, served } of spec.versions) {
        const name = nameOf({ group: spec.group, version })
        if (!served || wanted.has(name)) continue
        wanted.set(name, localService({ group: spec.group, version }, CUSTOM_RESOURCE_PRIORITY, 'true'))
      }
    }
    return wanted
  }

  /** Undefined: it is as it should be, or nobody's business but its owner's. */
  #change(
    name: string,
    wanted: APIService | undefined,
    current: Stored | undefined,
    client: Client,
    signal: AbortSignal,
  ): (() => Promise<unknown>) | undefined {
    const isSynced = this.#synced.has(name)
    if (wanted !== undefined && automanagedOf(wanted) === 'onstart' && isSynced) return undefined
    if (current === undefined) return wanted && (() => client.create(API_SERVICES, wanted, { signal }))
    const managed = automanagedOf(current)
    if (managed === undefined) return undefined
    if (managed === 'onstart' && (isSynced || this.#atStart?.has(name) !== true)) return undefined
    if (wanted === undefined) {
      const { uid } = current.metadata
      const preconditions = uid === undefined ? {} : { preconditions: { uid } }
      return () => client.delete(API_SERVICES, { name }, { ...preconditions, signal })
    }
    if (isSameSpec(current.spec, wanted.spec)) return undefined
    const object = { ...current, spec: wanted.spec } as APIService
    return () => client.update(API_SERVICES, object, { signal })
  }

  /** It matters only for what is `onstart`. */
  #noteSynced(name: string): void {
    if (this.#builtIn.has(name) || this.#atStart?.has(name) === true) this.#synced.add(name)
  }

  async #write(name: string, write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
      this.#noteSynced(name)
    } catch (err: unknown) {
      // Somebody was faster: the next look sees what is there now.
      if (isAlreadyExists(err) || isNotFound(err) || isConflict(err)) return
      this.#logger.warn({ apiService: name, reason: errorMessage(err) }, 'registering a local APIService failed')
    }
  }
}

function nameOf({ group, version }: GroupVersion): string {
  return `${version}.${group}`
}

function localService(at: GroupVersion, priority: ApiPriority, automanaged: Automanaged): APIService {
  const { group, version } = at
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: nameOf(at), labels: { [LABEL]: automanaged } },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: priority.group,
      versionPriority: priority.version,
    },
  }
}

function automanagedOf({ metadata }: Stored): Automanaged | undefined {
  const value = metadata.labels?.[LABEL]
  return value === 'onstart' || value === 'true' ? value : undefined
}

function isSameSpec(a: Stored['spec'], b: Stored['spec']): boolean {
  const key = ({ group = '', version, groupPriorityMinimum, versionPriority, ...more }: Stored['spec']): string =>
    JSON.stringify([group, version, groupPriorityMinimum, versionPriority, more])
  return key(a) === key(b)
}
