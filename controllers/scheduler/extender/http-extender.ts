/** An extender over HTTP: filter, prioritize, preempt, bind. Upstream: scheduler extender.go; kube-scheduler extender/v1. */
import type { Transport } from '#machinery/client/transport.ts'
import type { HttpTransportOptions } from '#machinery/client/http-transport.ts'
import { createHttpTransport } from '#machinery/client/http-transport.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { isObject } from '#machinery/util/json.ts'
import type { ExtenderConfiguration } from '../config/configuration.ts'
import type { FrozenPod, NodeInfo, PodInfo, PreemptionCandidate, Snapshot } from '../framework/interfaces.ts'
import { SCORE_MAX } from '../framework/normalize.ts'
import type { Extender, ExtenderFilterResult } from '../runtime/extender.ts'
import { candidateOf, preemptionArguments } from './preemption-messages.ts'
import type { Answer } from './wire.ts'
import { fieldsOf } from './wire.ts'

const EXTENDER_SCORE_MAX = 10

/** PEM. */
export type ExtenderTlsMaterial = Pick<
  HttpTransportOptions,
  'ca' | 'cert' | 'key' | 'serverName' | 'insecureSkipTlsVerify'
>

export function createHttpExtender(config: ExtenderConfiguration, tls: ExtenderTlsMaterial, clock: Clock): Extender {
  return new HttpExtender(
    config,
    createHttpTransport({ server: config.urlPrefix, timeoutMs: config.timeoutMs, ...tls }),
    clock,
  )
}

class HttpExtender implements Extender {
  readonly name: string
  readonly isIgnorable: boolean
  readonly filters: boolean
  readonly prioritizes: boolean
  readonly preempts: boolean
  readonly binds: boolean
  readonly #config: ExtenderConfiguration
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #managed: ReadonlySet<string>

  constructor(config: ExtenderConfiguration, transport: Transport, clock: Clock) {
    this.name = config.urlPrefix
    this.isIgnorable = config.ignorable
    this.filters = config.filterVerb !== ''
    this.prioritizes = config.prioritizeVerb !== ''
    this.preempts = config.preemptVerb !== ''
    this.binds = config.bindVerb !== ''
    this.#config = config
    this.#transport = transport
    this.#clock = clock
    this.#managed = new Set(config.managedResources.map(({ name }) => name))
  }

  isInterested({ spec }: FrozenPod): boolean {
    if (this.#managed.size === 0) return true
    return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) =>
      [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})].some((name) =>
        this.#managed.has(name),
      ),
    )
  }

  async filter(pod: PodInfo, nodes: readonly NodeInfo[], signal: AbortSignal): Promise<ExtenderFilterResult> {
    const answer = fieldsOf(await this.#send(this.#config.filterVerb, this.#arguments(pod, nodes), signal))
    const error = answer.get('error')
    if (typeof error === 'string' && error !== '') throw new Error(error)
    const names = namesIn(answer)
    const known = new Map(nodes.map((node) => [node.name, node]))
    return {
      nodes: names.map((name) => {
        const node = known.get(name)
        if (node !== undefined) return node
        throw new Error(
          `extender "${this.name}" claims a filtered node "${name}" which is not found in the input node list`,
        )
      }),
      failed: textsOf(answer.get('failednodes')),
      unresolvable: textsOf(answer.get('failedandunresolvablenodes')),
    }
  }

  async prioritize(
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#send(this.#config.prioritizeVerb, this.#arguments(pod, nodes), signal)
    const factor = this.#config.weight * (SCORE_MAX / EXTENDER_SCORE_MAX)
    const list = Array.isArray(answer) ? answer : []
    return new Map(
      list.map((item: unknown) => {
        const fields = fieldsOf(item)
        return [String(fields.get('host')), Number(fields.get('score') ?? 0) * factor]
      }),
    )
  }

  async processPreemption(
    pod: FrozenPod,
    candidates: readonly PreemptionCandidate[],
    snapshot: Snapshot,
    signal: AbortSignal,
  ): Promise<readonly PreemptionCandidate[]> {
    const { preemptVerb, nodeCacheCapable } = this.#config
    const body = preemptionArguments(pod, candidates, nodeCacheCapable)
    const answer = fieldsOf(await this.#send(preemptVerb, body, signal)).get('nodenametometavictims')
    return Object.entries(isObject(answer) ? answer : {}).map(([node, victims]) =>
      candidateOf(this.name, node, fieldsOf(victims), snapshot),
    )
  }

  async bind({ pod }: PodInfo, node: string, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = pod.metadata
    const body = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node }
    const error = fieldsOf(await this.#send(this.#config.bindVerb, body, signal)).get('error')
    if (typeof error === 'string' && error !== '') throw new Error(error)
  }

  /** Whole nodes, unless the extender keeps a cache of its own. */
  #arguments({ pod }: PodInfo, nodes: readonly NodeInfo[]): object {
    if (this.#config.nodeCacheCapable) return { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) }
    return { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null }
  }

  /** Rejects after the configured time, answer complete or not. */
  async #send(verb: string, body: object, signal: AbortSignal): Promise<unknown> {
    const { timeoutMs } = this.#config
    const deadline = new AbortController()
    const timer = this.#clock.setTimeout(
      () => deadline.abort(new Error(`extender ${this.name}: no answer to ${verb} within ${timeoutMs} ms`)),
      timeoutMs,
    )
    try {
      const answer = await this.#transport.request({
        method: 'POST',
        path: `/${verb}`,
        headers: {},
        body,
        signal: AbortSignal.any([signal, deadline.signal]),
      })
      if (answer.status !== 200)
        throw new Error(`failed ${verb} with extender at URL ${this.name}/${verb}, code ${answer.status}`)
      return typeof answer.body === 'string' && answer.body !== '' ? JSON.parse(answer.body) : answer.body
    } catch (err: unknown) {
      throw deadline.signal.aborted ? deadline.signal.reason : err
    } finally {
      timer.cancel()
    }
  }
}

function namesIn(answer: Answer): string[] {
  const names = answer.get('nodenames')
  if (Array.isArray(names)) return names.map(String)
  const items = fieldsOf(answer.get('nodes')).get('items')
  if (!Array.isArray(items)) return []
  return items.map((node: { readonly metadata?: { readonly name?: string } }) => node.metadata?.name ?? '')
}

function textsOf(value: unknown): ReadonlyMap<string, string> {
  return new Map(Object.entries(isObject(value) ? value : {}).map(([name, text]) => [name, String(text)]))
}
