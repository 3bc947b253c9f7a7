/**
 * Serves what APIServices announce: checks whether the servers behind them answer, passes requests on to them with the
 * user in front-proxy headers, and tells discovery what they serve.
 * Upstream: kube-aggregator pkg/apiserver/handler_proxy.go, pkg/controllers/status/{local,remote}.
 * Differs: looks at every APIService each second instead of watching; no APIServices for what this server has itself.
 */

import { API_SERVICES } from '#machinery/api/apiregistration/v1/resources.gen.ts'
import type { APIService, APIServiceCondition } from '#machinery/api/apiregistration/v1/types.gen.ts'
import type { APIResource, APIResourceList } from '#machinery/api/meta/v1.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import { type Clock, formatTime, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { chunksOf } from '#machinery/util/streams.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import { authorityOf, exchange } from '../proxy/exchange.ts'
import { forwardedHeaders, returnedHeaders } from '../proxy/headers.ts'
import type { Backend, BackendDialer } from '../proxy/interfaces.ts'
import { proxyUpgrade, type UpgradeTools } from '../proxy/upgrade.ts'
import type { StoredObjects } from '../registry/deps.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { AggregatedVersion } from './interfaces.ts'
import { type FrontProxyIdentity, targetOf } from './target.ts'

export interface AggregatorOptions {
  readonly objects: StoredObjects
  readonly tools: UpgradeTools
  readonly identity: () => FrontProxyIdentity | undefined
  readonly logger: Logger
}

interface Remote {
  readonly service: DeepReadonly<APIService>
  readonly checkedMs: number
  readonly isAvailable: boolean
  readonly resources: readonly APIResource[]
}

const TICK_MS = 1_000
const RECHECK_MS = 30_000
const RECHECK_FAILED_MS = 5_000
const CHECK_TIMEOUT_MS = 5_000
const DISCOVERY_BYTES_MAX = 4 * 1024 * 1024
const SERVICES_MAX = 200
const LOCAL = { status: 'True', reason: 'Local', message: 'Local APIServices are always available' }
const CHECKER = { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': ['system:masters'] }

export class Aggregator {
  /** What discovery shows has changed. */
  onChange: () => void = () => {}
  readonly #options: AggregatorOptions
  readonly #clock: Clock
  readonly #dialer: BackendDialer
  readonly #remotes = new Map<string, Remote>()
  #shown = ''

  constructor(options: AggregatorOptions) {
    this.#options = options
    this.#clock = options.tools.clock
    this.#dialer = options.tools.dialer
  }

  versions(): readonly AggregatedVersion[] {
    return [...this.#remotes.values()].map(({ service, resources, isAvailable }) => ({
      group: service.spec.group ?? '',
      version: service.spec.version ?? '',
      resources,
      isStale: !isAvailable,
    }))
  }

  /** Undefined: the path is nobody else's. */
  serve(call: ApiCall): Promise<ApiResponse> | undefined {
    if (this.#remotes.size === 0) return undefined
    const [root, group = '', version = ''] = call.info.path
      .replace(/^\/openapi\/v3(?=\/apis\/)/, '')
      .slice(1)
      .split('/')
    if (root !== 'apis' || version === '') return undefined
    const remote = this.#remotes.get(`${version}.${group}`)
    return remote === undefined ? undefined : this.#pass(call, remote)
  }

  /** Until the signal aborts. */
  async start(client: Client, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#look(client, signal)
        await sleep(this.#clock, TICK_MS, signal)
      } catch (err: unknown) {
        if (!signal.aborted) this.#options.logger.warn({ reason: errorMessage(err) }, 'checking APIServices failed')
      }
    }
  }

  async #look(client: Client, signal: AbortSignal): Promise<void> {
    const listed = this.#options.objects.list('apiregistration.k8s.io', 'apiservices', '')
    const services = listed.slice(0, SERVICES_MAX) as unknown as readonly DeepReadonly<APIService>[]
    const names = new Set(
      services.filter(({ spec }) => spec.service !== undefined).map(({ metadata }) => metadata.name),
    )
    for (const name of [...this.#remotes.keys()]) if (!names.has(name)) this.#remotes.delete(name)
    await Promise.all(services.map((service) => this.#check(service, client, signal)))
    const shown = JSON.stringify(this.versions())
    if (shown === this.#shown) return
    this.#shown = shown
    this.onChange()
  }

  async #check(service: DeepReadonly<APIService>, client: Client, signal: AbortSignal): Promise<void> {
    const { name = '' } = service.metadata
    if (service.spec.service === undefined) {
      await this.#report(service, LOCAL, client, signal)
      return
    }
    const known = this.#remotes.get(name)
    const target = targetOf(this.#options.objects, service, this.#options.identity())
    const waitMs = known?.isAvailable === true ? RECHECK_MS : RECHECK_FAILED_MS
    const isSame = JSON.stringify(known?.service.spec) === JSON.stringify(service.spec)
    const isFresh = known !== undefined && isSame && this.#clock.monotonicMs() - known.checkedMs < waitMs
    // What is known without asking anybody is looked at each time.
    if (isFresh && known.isAvailable === 'backend' in target) return
    if (isFresh && !known.isAvailable && 'backend' in target) return
    const found = 'backend' in target ? await this.#discover(service, target.backend, signal) : target
    const isAvailable = Array.isArray(found)
    const resources = isAvailable ? (found as APIResource[]) : (known?.resources ?? [])
    this.#remotes.set(name, { service, checkedMs: this.#clock.monotonicMs(), isAvailable, resources })
    const failure = found as { reason: string; message: string }
    const condition = isAvailable
      ? { status: 'True', reason: 'Passed', message: 'all checks passed' }
      : { status: 'False', reason: failure.reason, message: failure.message }
    await this.#report(service, condition, client, signal)
  }

  /** Its resources, or why not. */
  async #discover(
    { spec }: DeepReadonly<APIService>,
    backend: Backend,
    signal: AbortSignal,
  ): Promise<APIResource[] | { readonly reason: string; readonly message: string }> {
    const path = `/apis/${spec.group}/${spec.version}`
    const url = `https://${authorityOf(backend)}${path}`
    const timeout = new AbortController()
    const timer = this.#clock.setTimeout(() => timeout.abort(new Error('context deadline exceeded')), CHECK_TIMEOUT_MS)
    try {
      const headers = { accept: 'application/json', host: backend.tls?.servername ?? '', ...CHECKER }
      const both = AbortSignal.any([signal, timeout.signal])
      const { response } = await exchange(this.#dialer, backend, { method: 'GET', path, headers }, both)
      timeout.signal.addEventListener('abort', () => response.destroy(), { once: true })
      const status = response.statusCode ?? 0
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of chunksOf(response)) {
        size += chunk.length
        if (size > DISCOVERY_BYTES_MAX) throw new Error('the answer is too large')
        chunks.push(chunk)
      }
      if (status < 200 || status >= 300) throw new Error(`bad status from ${url}: ${status}`)
      const list: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      const resources = isObject(list) ? (list as unknown as APIResourceList).resources : undefined
      return Array.isArray(resources) ? resources : []
    } catch (err: unknown) {
      const message = `failing or missing response from ${url}: ${errorMessage(err)}`
      return { reason: 'FailedDiscoveryCheck', message }
    } finally {
      timer.cancel()
    }
  }

  async #report(
    service: DeepReadonly<APIService>,
    wanted: Pick<APIServiceCondition, 'status' | 'reason' | 'message'>,
    client: Client,
    signal: AbortSignal,
  ): Promise<void> {
    const conditions = service.status?.conditions ?? []
    const current = conditions.find(({ type }) => type === 'Available')
    const { status, reason, message } = wanted
    if (current?.status === status && current.reason === reason && current.message === message) return
    const since = current?.status === status ? current.lastTransitionTime : undefined
    const lastTransitionTime = since ?? formatTime(this.#clock.now())
    const others = conditions.filter(({ type }) => type !== 'Available')
    const body = { status: { conditions: [...others, { type: 'Available', lastTransitionTime, ...wanted }] } }
    const key = { name: service.metadata.name ?? '' }
    await client.patch(API_SERVICES, key, { type: 'merge', body }, { subresource: 'status', signal })
  }

  async #pass(call: ApiCall, { service, isAvailable }: Remote): Promise<ApiResponse> {
    const target = targetOf(this.#options.objects, service, this.#options.identity())
    if (!isAvailable || !('backend' in target)) throw newServiceUnavailable('service unavailable')
    const { backend } = target
    const { request } = call
    const path = request.query === '' ? request.path : `${request.path}?${request.query}`
    const identity = { ...userHeaders(call), host: backend.tls?.servername ?? '' }
    if (request.isUpgrade === true)
      return proxyUpgrade(call, { backend, path, streams: undefined, headers: identity }, this.#options.tools)
    const { body } = request
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body.decoded))
    const headers = { ...forwardedHeaders(request), ...identity }
    const outcome = await exchange(
      this.#dialer,
      backend,
      { method: request.method, path, headers, body: bytes },
      call.signal,
    ).catch((err: unknown) => {
      throw newServiceUnavailable(`error trying to reach service: ${errorMessage(err)}`)
    })
    const { response } = outcome
    const status = response.statusCode ?? 502
    if (status >= 300 && status < 400 && response.headers.location !== undefined) {
      response.destroy()
      const text = 'the backend attempted to redirect this request, which is not permitted'
      return { status: 502, headers: {}, body: { type: 'bytes', chunks: [Buffer.from(text)] } }
    }
    return { status, headers: returnedHeaders(response.rawHeaders), body: { type: 'readable', stream: response } }
  }
}

/** Upstream: client-go transport SetAuthProxyHeaders. */
function userHeaders({ user }: ApiCall): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {
    'x-remote-user': user.name,
    'x-remote-group': [...user.groups],
  }
  if (user.uid !== '') headers['x-remote-uid'] = user.uid
  for (const [key, values] of user.extra)
    headers[`x-remote-extra-${encodeURIComponent(key.toLowerCase())}`] = [...values]
  return headers
}
