/**
 * Puts the API server together: resource table, handler chain, endpoints, transports. Nothing here serves a request
 * itself; the chain is built in handler-chain.ts, the verbs live in endpoints/.
 */
import type { Registry } from 'prom-client'
import type { Client } from '#machinery/client/client.ts'
import { createClient } from '#machinery/client/rest-client.ts'
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import type { OpenApiBuilder } from '#machinery/schema/interfaces.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { JsonObject } from '#machinery/util/types.ts'
import type { AdmissionPlugin } from '../admission/interfaces.ts'
import { createAdmissionMetrics } from '../admission/metrics.ts'
import type { Aggregator } from '../aggregator/aggregator.ts'
import type { DiscoveryPriorities } from '../aggregator/interfaces.ts'
import type { Authenticator, UserInfo } from '../authentication/interfaces.ts'
import { GROUP_AUTHENTICATED, GROUP_MASTERS } from '../authentication/interfaces.ts'
import type { Authorizer } from '../authorization/interfaces.ts'
import { createDocumentCache } from '../endpoints/discovery/cached-document.ts'
import { errorResponse } from '../endpoints/error-response.ts'
import type { EndpointScope } from '../endpoints/interfaces.ts'
import { serveResource } from '../endpoints/route.ts'
import type { WatchMetrics } from '../endpoints/verbs/watch.ts'
import type { Auditing } from '../filters/audit.ts'
import { authorizeCall } from '../filters/authorization.ts'
import type { Handler } from '../filters/interfaces.ts'
import type { RequestMetrics, WatchRecord } from '../filters/request-metrics.ts'
import { createRequestMetrics } from '../filters/request-metrics.ts'
import type { Connector } from '../proxy/interfaces.ts'
import { createAdmissionChain } from '../registry/generic/admission-chain.ts'
import type { ResourceDefinition } from '../registry/generic/interfaces.ts'
import type { Cacher } from '../storage/cacher/interface.ts'
import { RequestCall } from './api-call.ts'
import { buildHandlerChain } from './handler-chain.ts'
import { createHttpFront } from './http/front.ts'
import { createInProcessTransport } from './in-process-transport.ts'
import type { ApiRequest, ApiResponse, ApiServer, HealthCheck, VersionInfo } from './interfaces.ts'
import { serveNonResource } from './non-resource.ts'
import type { ResourceTable } from './resource-table.ts'
import { createResourceTable } from './resource-table.ts'
import { measureStoredObjects } from './storage-metrics.ts'

export interface ApiServerOptions {
  readonly cacher: Cacher
  readonly resources: readonly ResourceDefinition[]
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  /** In the order they run. */
  readonly admission: readonly AdmissionPlugin[]
  readonly openApi: OpenApiBuilder
  readonly openApiV2ToProtobuf: (document: JsonObject) => Buffer
  readonly version: VersionInfo
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metricsRegistry: Registry
  readonly healthChecks?: readonly HealthCheck[]
  /** Exact paths beside the API: OIDC discovery, for example. Authorized like any other path. */
  readonly routes?: ReadonlyMap<string, Handler>
  readonly audit?: Auditing
  /** Absent: there is no way to a node. */
  readonly connector?: Connector
  /** Absent: APIServices are only stored. */
  readonly aggregator?: Pick<Aggregator, 'serve' | 'versions' | 'priorities' | 'openApiV2' | 'onChange'>
  readonly requestTimeoutMs?: number
  readonly maxBodyBytes?: number
  readonly maxReadOnlyInFlight?: number
  readonly maxMutatingInFlight?: number
}

const REQUEST_TIMEOUT_MS = 60_000
const MAX_BODY_BYTES = 3 * 1024 * 1024
const MAX_READ_ONLY_IN_FLIGHT = 400
const MAX_MUTATING_IN_FLIGHT = 200

const LOOPBACK_USER: UserInfo = {
  name: 'system:apiserver',
  uid: '',
  groups: [GROUP_MASTERS, GROUP_AUTHENTICATED],
  extra: new Map(),
}

/** The server, and what only its composition root may use. */
export interface ApiServerParts {
  readonly server: ApiServer
  /** For hooks that reach other resources' stores (registry/deps.ts). */
  readonly resources: ResourceTable
}

export function createApiServer(options: ApiServerOptions): ApiServerParts {
  const { clock, random, logger } = options
  const documents = createDocumentCache()
  const admission = createAdmissionChain(options.admission, {
    metrics: createAdmissionMetrics(options.metricsRegistry),
    clock,
  })
  const resources = createResourceTable(options.cacher, admission, () => documents.clear())
  for (const definition of options.resources) resources.add(definition)
  const healthChecks = [PING, LOG, ...(options.healthChecks ?? [])]
  const state = { isShuttingDown: false, address: '' }
  healthChecks.push(shutdownCheck(() => state.isShuttingDown))

  if (options.aggregator !== undefined) options.aggregator.onChange = () => documents.clear()

  const inFlight = { readOnly: 0, mutating: 0 }
  const metrics = createRequestMetrics(options.metricsRegistry, inFlight)
  const watchMetrics = createWatchMetrics(metrics)
  measureStoredObjects(options.metricsRegistry, resources)
  const definitions = () => resources.definitions()
  const aggregated = () => options.aggregator?.versions() ?? []
  const nonResource = {
    discovery: {
      definitions,
      documents,
      serverAddress: () => state.address,
      aggregated,
      priorities: () => options.aggregator?.priorities() ?? NO_PRIORITIES,
    },
    openApi: {
      definitions,
      aggregated,
      aggregatedV2: () => options.aggregator?.openApiV2() ?? [],
      documents,
      builder: options.openApi,
      v2ToProtobuf: options.openApiV2ToProtobuf,
      serverVersion: options.version.gitVersion,
    },
    version: options.version,
    metricsRegistry: options.metricsRegistry,
    healthChecks,
    routes: options.routes ?? new Map<string, Handler>(),
    logger,
  }
  const routing = {
    scopeFor: resources.scopeFor,
    connector: options.connector ?? NO_CONNECTOR,
    authorizeCreate: (call: Parameters<Handler>[0]) => authorizeCall(call, 'create', options.authorizer),
    watchMetrics,
    deprecatedApiRequested: ({ info }: Parameters<Handler>[0]) => metrics.deprecatedApiRequested(info),
  }
  const chain = buildHandlerChain(
    (call) => {
      const elsewhere = options.aggregator?.serve(call)
      if (elsewhere !== undefined) return elsewhere
      return call.info.isResourceRequest ? serveResource(call, routing) : serveNonResource(call, nonResource)
    },
    {
      authenticator: options.authenticator,
      authorizer: options.authorizer,
      audit: options.audit,
      limits: {
        readOnlyMax: options.maxReadOnlyInFlight ?? MAX_READ_ONLY_IN_FLIGHT,
        mutatingMax: options.maxMutatingInFlight ?? MAX_MUTATING_IN_FLIGHT,
      },
      inFlight,
      metrics,
      timeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      logger,
    },
  )
  const handle = (request: ApiRequest): ApiResponse | Promise<ApiResponse> => {
    const call = new RequestCall(request, clock, random)
    try {
      call.parseInfo()
    } catch (err) {
      return errorResponse(err, request.headers['accept'])
    }
    return chain(call)
  }
  const front = createHttpFront({
    handle,
    random,
    clock,
    logger,
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    isProxied: (path) => PROXY_PATH.test(path),
  })
  const dispatcher = { dispatch: async (request: ApiRequest) => handle(request) }
  const clientFor = (user: UserInfo): Client => createClient(createInProcessTransport(dispatcher, user))

  const server: ApiServer = {
    dispatch: dispatcher.dispatch,
    clientFor,
    loopbackClient: clientFor(LOOPBACK_USER),
    async registerResource(definition) {
      await resources.add(definition)?.ready
    },
    unregisterResource: (group, resource) => resources.remove(group, resource),
    addHealthCheck: (check) => {
      // The shutdown is the last of them, as upstream.
      healthChecks.splice(-1, 0, check)
    },
    beginShutdown: () => {
      state.isShuttingDown = true
    },
    async listen(listenOptions) {
      const bound = await front.listen(listenOptions)
      state.address = `${bound.address}:${bound.port}`
      documents.clear()
      return bound
    },
    updateTls: (tls) => front.updateTls(tls),
    async close(graceMs) {
      state.isShuttingDown = true
      await front.close(graceMs)
    },
  }
  return { server, resources }
}

/** Only to decide who reads the body; whether it is served is for the router to say. */
const PROXY_PATH = /^\/api\/v1\/(?:namespaces\/[^/?]+\/(?:pods|services)|nodes)\/[^/?]+\/proxy(?:[/?]|$)/

const NO_CONNECTOR: Connector = {
  connect: () => Promise.reject(newServiceUnavailable('this server cannot reach nodes')),
}

const NO_PRIORITIES: DiscoveryPriorities = { groups: new Map(), versions: new Map() }

const PING: HealthCheck = { name: 'ping', endpoints: ['healthz', 'livez', 'readyz'], check: () => undefined }

/** Upstream: whether logging is blocked. Ours writes to a stream that never blocks. */
const LOG: HealthCheck = { ...PING, name: 'log' }

function shutdownCheck(isShuttingDown: () => boolean): HealthCheck {
  return {
    name: 'shutdown',
    endpoints: ['readyz'],
    check: () => (isShuttingDown() ? 'process is shutting down' : undefined),
  }
}

function createWatchMetrics(metrics: RequestMetrics): WatchMetrics {
  const records = new WeakMap<EndpointScope, WatchRecord>()
  const recordOf = (scope: EndpointScope): WatchRecord => {
    let record = records.get(scope)
    if (record === undefined) {
      const { group, resource, kind } = scope.definition
      record = metrics.watchRecord(group, scope.version.version, resource, kind)
      records.set(scope, record)
    }
    return record
  }
  return {
    watchStarted: (scope) => {
      recordOf(scope).active++
    },
    watchEnded: (scope) => {
      recordOf(scope).active--
    },
    eventSent: (scope) => {
      recordOf(scope).events++
    },
  }
}
