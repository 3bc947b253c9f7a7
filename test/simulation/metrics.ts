/** The metrics API of the simulated cluster: every workload has a load, which its ready Pods share. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { isAvailable } from './invariants/pods.ts'
import type { World } from './world.ts'

const PATH = /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/([^/]+)\/pods\?(.*)$/

export class Metrics {
  readonly #world: World
  /** In thousandths of a CPU, by the label `app`. */
  readonly loads = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
  }

  /** Answers for the metrics API, and leaves everything else to the client. */
  serve(client: Client): Client {
    return {
      ...client,
      raw: async (request) => (await this.#answer(request.path)) ?? (await client.raw(request)),
    }
  }

  async #answer(path: string): Promise<{ readonly status: number; readonly body: unknown } | undefined> {
    const [, namespace = '', query] = PATH.exec(path) ?? []
    if (query === undefined) return undefined
    const labelSelector = new URLSearchParams(query).get('labelSelector') ?? ''
    const { items } = await this.#world.client.list(PODS, { namespace, labelSelector })
    const ready = items.filter((pod) => isAvailable(pod as Pod))
    const timestamp = formatTime(this.#world.time.now())
    const measured = ready.map(({ metadata: { name, labels } }) => {
      const cpu = `${Math.floor((this.loads.get(labels?.['app'] ?? '') ?? 0) / ready.length)}m`
      return { metadata: { name, namespace }, timestamp, window: '30s', containers: [{ name: 'main', usage: { cpu } }] }
    })
    return { status: 200, body: { items: measured } }
  }
}
