/**
 * Serves what APIServices announce: checks whether the servers behind them answer, passes requests on to them with the
 * user in front-proxy headers, and tells discovery what they serve.
 * Upstream: kube-aggregator pkg/apiserver/handler_proxy.go, pkg/controllers/status/{local,remote}.
 * Differs: each change of an APIService, a CRD, a Service or an EndpointSlice is followed by a look at all APIServices, and so is
 * each second: what answers is asked again every 30 s, what does not every 5 s.
 */

import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import { API_SERVICES } from '#machinery/api/apiregistration/v1/resources.gen.ts'
import type { APIService, APIServiceCondition } from '#machinery/api/apiregistration/v1/types.gen.ts'
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { APIResource, APIResourceList } from '#machinery/api/meta/v1.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { Reflector } from '#machinery/informers/reflector.ts'
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { type Clock, formatTime, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import { BUILT_IN_PRIORITIES, CUSTOM_RESOURCE_PRIORITY, groupPriority } from '../endpoints/discovery/priority.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import { authorityOf, exchange } from '../proxy/exchange.ts'
import { forwardedHeaders, returnedHeaders } from '../proxy/headers.ts'
import type { Backend, BackendDialer } from '../proxy/interfaces.ts'
import { proxyUpgrade, type UpgradeTools } from '../proxy/upgrade.ts'
import type { StoredObjects } from '../registry/deps.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import { AutoRegister, type GroupVersion } from './auto-register.ts'
import { readBackend } from './backend-reader.ts'
import type { AggregatedVersion, DiscoveryPriorities } from './interfaces.ts'
import { OpenApiDownloads } from './openapi-v2.ts'
import { type FrontProxyIdentity, targetOf } from './target.ts'

export interface AggregatorOptions {
  readonly objects: StoredObjects
  readonly tools: UpgradeTools
  readonly identity: () => FrontProxyIdentity | undefined
  /** Versions this server has itself, without those of custom resources. */
  readonly builtIn: readonly GroupVersion[]
  readonly random: Random
  readonly logger: Logger
}

interface Remote {
  readonly service: DeepReadonly<APIService>
  readonly checkedMs: number
  readonly isAvailable: boolean
  /** There was somebody to ask. */
  readonly isResolved: boolean
  readonly resources: readonly APIResource[]
  readonly openApiUrl: string | undefined
}

type Found = Pick<Remote, 'resources' | 'openApiUrl'>
interface Failure {
  readonly reason: string
  readonly message: string
}

const TICK_MS = 1_000
const SETTLE_MS = 20
const RECHECK_MS = 30_000
const RECHECK_FAILED_MS = 5_000
const CHECK_TIMEOUT_MS = 5_000
const DISCOVERY_BYTES_MAX = 4 * 1024 * 1024
/** Attempts at once, each at the next endpoint: one that fails is not the end of it. */
const CHECK_ATTEMPTS = 5
const REMOTES_MAX = 200
const LOCAL = { status: 'True', reason: 'Local', message: 'Local APIServices are always available' }
const CHECKER = { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': ['system:masters'] }

export class Aggregator {
  /** What discovery shows has changed. */
  onChange: () => void = () => {}
  readonly #options: AggregatorOptions
  readonly #clock: Clock
  readonly #dialer: BackendDialer
  readonly #remotes = new Map<string, Remote>()
  readonly #autoRegister: AutoRegister
  readonly #openApi: OpenApiDownloads
  #priorities: DiscoveryPriorities = { groups: new Map(), versions: new Map() }
  #shown = ''
  /** Names of built-in versions' APIServices that have not been seen available yet. */
  readonly #missing: Set<string>
  #registered: () => void = () => {}
  /** Resolves when all of them have been. */
  readonly registered = new Promise<void>((resolve) => {
    this.#registered = resolve
  })
  /** Ends the wait for the next look. */
  #wake: () => void = () => {}
  #isDirty = false
  #followsEndpoints = false

  constructor(options: AggregatorOptions) {
    this.#options = options
    this.#clock = options.tools.clock
    this.#dialer = options.tools.dialer
    this.#autoRegister = new AutoRegister(options.objects, options.builtIn, options.logger)
    this.#missing = new Set(this.#autoRegister.builtInNames())
    this.#openApi = new OpenApiDownloads({
      ...options.tools,
      logger: options.logger,
      backendOf: (service) => {
        const target = targetOf(options.objects, service, options.identity())
        return 'backend' in target ? target.backend : undefined
      },
      onChange: () => this.onChange(),
    })
  }

  versions(): readonly AggregatedVersion[] {
    return [...this.#remotes.values()].map(({ service, resources, openApiUrl, isAvailable }) => ({
      openApiUrl,
      group: service.spec.group ?? '',
      version: service.spec.version ?? '',
      resources,
      isStale: !isAvailable,
    }))
  }

  priorities(): DiscoveryPriorities {
    return this.#priorities
  }

  /** Swagger 2.0 of what the servers have beside this one, in the order of their priorities. */
  openApiV2(): readonly JsonObject[] {
    return this.#openApi.documents()
  }

  /** Why the server is not ready. Upstream: pkg/controlplane/apiserver/aggregator.go, makeAPIServiceAvailableHealthCheck. */
  missingRegistrations(): readonly string[] {
    return [...this.#missing].sort()
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
    this.#follow(API_SERVICES, client, signal)
    this.#follow(CUSTOM_RESOURCE_DEFINITIONS, client, signal)
    while (!signal.aborted) {
      try {
        this.#isDirty = false
        await this.#look(client, signal)
        if (this.#remotes.size > 0) this.#followEndpoints(client, signal)
        await this.#pause(signal)
      } catch (err: unknown) {
        if (signal.aborted) return
        this.#options.logger.warn({ reason: errorMessage(err) }, 'checking APIServices failed')
        await sleep(this.#clock, TICK_MS, signal).catch(() => {})
      }
    }
  }

  /** Only for who has aggregated servers: there are many endpoints. */
  #followEndpoints(client: Client, signal: AbortSignal): void {
    if (this.#followsEndpoints) return
    this.#followsEndpoints = true
    this.#follow(SERVICES, client, signal)
    this.#follow(ENDPOINT_SLICES, client, signal)
  }

  #follow(resource: Resource, client: Client, signal: AbortSignal): void {
    const changed = (): void => {
      this.#isDirty = true
      this.#wake()
    }
    const sink = { replace: changed, upsert: changed, delete: changed }
    const { random, logger } = this.#options
    void new Reflector(resource, {}, sink, { client, clock: this.#clock, random, logger }).run(signal)
  }

  async #pause(signal: AbortSignal): Promise<void> {
    // Changes come in bursts, and one look answers all of them; but the server is waited for until it is registered.
    if (this.#missing.size === 0) await sleep(this.#clock, SETTLE_MS, signal)
    if (this.#isDirty) return
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await sleep(this.#clock, TICK_MS, AbortSignal.any([signal, woken.signal])).catch(() => {})
    this.#wake = () => {}
  }

  async #look(client: Client, signal: AbortSignal): Promise<void> {
    const listed = this.#options.objects.list('apiregistration.k8s.io', 'apiservices', '')
    const services = listed as unknown as readonly DeepReadonly<APIService>[]
    this.#noteAvailable(services)
    await this.#autoRegister.sync(services, client, signal)
    const remotes = services.filter(({ spec }) => spec.service !== undefined).slice(0, REMOTES_MAX)
    const names = new Set(remotes.map(({ metadata }) => metadata.name))
    for (const name of [...this.#remotes.keys()]) if (!names.has(name)) this.#remotes.delete(name)
    const locals = services.filter(({ spec }) => spec.service === undefined)
    await Promise.all([
      ...remotes.map((service) => this.#check(service, client, signal)),
      ...locals.map((service) => this.#report(service, LOCAL, client, signal)),
    ])
    this.#openApi.sync(remotes, ({ metadata }) => this.#remotes.get(metadata.name ?? '')?.isAvailable === true, signal)
    this.#priorities = prioritiesOf(services)
    const { groups, versions } = this.#priorities
    const shown = JSON.stringify([this.versions(), [...groups], [...versions]])
    if (shown === this.#shown) return
    this.#shown = shown
    this.onChange()
  }

  #noteAvailable(services: readonly DeepReadonly<APIService>[]): void {
    if (this.#missing.size === 0) return
    for (const { metadata, status } of services) {
      const isAvailable = status?.conditions?.some(
        ({ type, status: value }) => type === 'Available' && value === 'True',
      )
      if (isAvailable === true) this.#missing.delete(metadata.name ?? '')
    }
    if (this.#missing.size === 0) this.#registered()
  }

  async #check(service: DeepReadonly<APIService>, client: Client, signal: AbortSignal): Promise<void> {
    const { name = '' } = service.metadata
    const known = this.#remotes.get(name)
    const target = targetOf(this.#options.objects, service, this.#options.identity())
    const waitMs = known?.isAvailable === true ? RECHECK_MS : RECHECK_FAILED_MS
    const isSame = JSON.stringify(known?.service.spec) === JSON.stringify(service.spec)
    const isFresh = known !== undefined && isSame && this.#clock.monotonicMs() - known.checkedMs < waitMs
    // What is known without asking anybody is looked at each time.
    const isResolved = 'backend' in target
    if (isFresh && isResolved && known.isResolved) return
    const outcome = isResolved ? await this.#attempts(service, signal) : target
    const isAvailable = 'resources' in outcome
    const found = isAvailable ? outcome : { resources: known?.resources ?? [], openApiUrl: known?.openApiUrl }
    this.#remotes.set(name, { service, checkedMs: this.#clock.monotonicMs(), isAvailable, isResolved, ...found })
    const condition = isAvailable
      ? { status: 'True', reason: 'Passed', message: 'all checks passed' }
      : { status: 'False', reason: outcome.reason, message: outcome.message }
    await this.#report(service, condition, client, signal)
  }

  /** The first that succeeds; the last failure when none does. */
  async #attempts(service: DeepReadonly<APIService>, signal: AbortSignal): Promise<Found | Failure> {
    const rest = new AbortController()
    const either = AbortSignal.any([signal, rest.signal])
    let failure: Failure = { reason: 'FailedDiscoveryCheck', message: '' }
    const attempt = async (): Promise<Found> => {
      const target = targetOf(this.#options.objects, service, this.#options.identity())
      const outcome = 'backend' in target ? await this.#discover(service, target.backend, either) : target
      if ('resources' in outcome) return outcome
      failure = outcome
      throw new Error(outcome.message)
    }
    try {
      return await Promise.any(Array.from({ length: CHECK_ATTEMPTS }, attempt))
    } catch {
      return failure
    } finally {
      rest.abort()
    }
  }

  /** What it serves, or why not. */
  async #discover({ spec }: DeepReadonly<APIService>, backend: Backend, signal: AbortSignal): Promise<Found | Failure> {
    const path = `/apis/${spec.group}/${spec.version}`
    try {
      const list = await this.#read(backend, path, signal)
      const resources = isObject(list) ? (list as unknown as APIResourceList).resources : undefined
      // No index of OpenAPI is no reason to be unavailable.
      const index = await this.#read(backend, '/openapi/v3', signal).catch(() => undefined)
      return { resources: Array.isArray(resources) ? resources : [], openApiUrl: openApiUrlOf(index, path) }
    } catch (err: unknown) {
      const url = `https://${authorityOf(backend)}${path}`
      const message = `failing or missing response from ${url}: ${errorMessage(err)}`
      return { reason: 'FailedDiscoveryCheck', message }
    }
  }

  async #read(backend: Backend, path: string, signal: AbortSignal): Promise<unknown> {
    const request = { path, headers: CHECKER, timeoutMs: CHECK_TIMEOUT_MS, bytesMax: DISCOVERY_BYTES_MAX }
    const { status, bytes } = await readBackend(this.#options.tools, backend, request, signal)
    if (status < 200 || status >= 300)
      throw new Error(`bad status from https://${authorityOf(backend)}${path}: ${status}`)
    return JSON.parse(bytes.toString('utf8'))
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

/** Undefined when the server has no document of this version, or names one that is not under it. */
function openApiUrlOf(index: unknown, path: string): string | undefined {
  const paths = isObject(index) ? index['paths'] : undefined
  const key = path.slice(1)
  const entry = isObject(paths) && Object.hasOwn(paths, key) ? paths[key] : undefined
  const url = isObject(entry) ? entry['serverRelativeURL'] : undefined
  const own = `/openapi/v3${path}`
  return typeof url === 'string' && (url === own || url.startsWith(`${own}?`)) ? url : undefined
}

/** Upstream: a group is where the highest groupPriorityMinimum of its versions puts it. */
function prioritiesOf(services: readonly DeepReadonly<APIService>[]): DiscoveryPriorities {
  const groups = new Map<string, number>()
  const versions = new Map<string, number>()
  for (const { spec } of services) {
    const { group = '', version = '', groupPriorityMinimum: minimum, versionPriority } = spec
    groups.set(group, Math.max(groups.get(group) ?? 0, minimum))
    const key = `${group}/${version}`
    if (versionPriority !== (BUILT_IN_PRIORITIES.get(key) ?? CUSTOM_RESOURCE_PRIORITY).version)
      versions.set(key, versionPriority)
  }
  for (const [group, minimum] of groups) if (minimum === groupPriority(group)) groups.delete(group)
  return { groups, versions }
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
