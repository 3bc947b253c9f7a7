/**
 * One watch per kind that some quota counts, started when the first quota names it and stopped when the last one is gone:
 * a cluster without quotas pays nothing. Custom resources are found by discovery.
 * Upstream: pkg/controller/resourcequota/resource_quota_monitor.go, which watches every kind there is.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DiscoveredResource } from '#machinery/client/discovery.ts'
import type { ReflectorDependencies, ReflectorSink } from '#machinery/informers/reflector.ts'
import { Reflector } from '#machinery/informers/reflector.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Frozen = DeepReadonly<KubeObject>

interface Watched {
  readonly version: string
  readonly stop: AbortController
  /** By namespace, then by UID. */
  readonly objects: Map<string, Map<string, Frozen>>
  hasListed: boolean
}

export class CountedObjects {
  readonly #dependencies: ReflectorDependencies
  readonly #onChange: (namespace: string | undefined) => void
  readonly #watched = new Map<string, Watched>()

  constructor(dependencies: ReflectorDependencies, onChange: (namespace: string | undefined) => void) {
    this.#dependencies = dependencies
    this.#onChange = onChange
  }

  get kinds(): readonly string[] {
    return [...this.#watched.keys()]
  }

  isWatched(kind: GroupResource): boolean {
    return this.#watched.has(groupResourceString(kind))
  }

  /** Undefined until the first list is in; never for a kind that is not served. */
  inNamespace(kind: GroupResource, namespace: string): readonly Frozen[] | undefined {
    const watched = this.#watched.get(groupResourceString(kind))
    if (watched === undefined || !watched.hasListed) return undefined
    return [...(watched.objects.get(namespace)?.values() ?? [])]
  }

  /** Follows exactly these. */
  follow(resources: readonly DiscoveredResource[], signal: AbortSignal): void {
    const wanted = new Map(resources.map((resource) => [groupResourceString(resource), resource]))
    for (const [id, watched] of this.#watched) {
      if (wanted.get(id)?.version === watched.version) continue
      watched.stop.abort()
      this.#watched.delete(id)
    }
    for (const [id, resource] of wanted) if (!this.#watched.has(id)) this.#start(id, resource, signal)
  }

  #start(id: string, resource: DiscoveredResource, signal: AbortSignal): void {
    const watched: Watched = {
      version: resource.version,
      stop: new AbortController(),
      objects: new Map(),
      hasListed: false,
    }
    this.#watched.set(id, watched)
    const stop = (): void => watched.stop.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    void new Reflector(resource, {}, this.#sink(watched), this.#dependencies)
      .run(watched.stop.signal)
      .finally(() => signal.removeEventListener('abort', stop))
  }

  #sink(watched: Watched): ReflectorSink {
    const { objects } = watched
    return {
      replace: (all) => {
        const touched = new Set(objects.keys())
        objects.clear()
        for (const object of all) {
          keep(objects, object)
          touched.add(object.metadata.namespace ?? '')
        }
        // Quotas of namespaces without such objects wait for the first list as well.
        if (watched.hasListed) for (const namespace of touched) this.#onChange(namespace)
        else this.#onChange(undefined)
        watched.hasListed = true
      },
      upsert: (object) => {
        keep(objects, object)
        this.#onChange(object.metadata.namespace ?? '')
      },
      delete: ({ metadata: { namespace = '', uid = '' } }) => {
        const inNamespace = objects.get(namespace)
        inNamespace?.delete(uid)
        if (inNamespace?.size === 0) objects.delete(namespace)
        this.#onChange(namespace)
      },
      // The next discovery tells that nobody can count it.
      unserved: () => undefined,
    }
  }
}

function keep(objects: Map<string, Map<string, Frozen>>, object: Frozen): void {
  const { namespace = '', uid = '' } = object.metadata
  const inNamespace = objects.get(namespace)
  if (inNamespace === undefined) objects.set(namespace, new Map([[uid, object]]))
  else inNamespace.set(uid, object)
}
