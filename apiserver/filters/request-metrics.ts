/**
 * apiserver_* request metrics under upstream's names. The hot path only adds to plain numbers, one record per label set;
 * they become samples when Prometheus asks. Upstream: apiserver pkg/endpoints/metrics/metrics.go.
 */
import type { Registry } from 'prom-client'
import { createSampleMetric, HistogramData } from '#machinery/util/sample-metric.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'
import type { InFlightCounts } from './max-in-flight.ts'

const DURATION_BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
]
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

/** Label values come from clients in part: past this many sets, the rest shares one. */
const LABEL_SETS_MAX = 5000

interface RouteRecord {
  readonly labels: Readonly<Record<string, string>>
  readonly countByCode: Map<number, number>
  readonly duration: HistogramData
  readonly size: HistogramData
}

export interface WatchRecord {
  readonly labels: Readonly<Record<string, string>>
  events: number
  active: number
}

interface DeprecatedApi {
  readonly apiGroup: string
  readonly apiVersion: string
  readonly resource: string
  readonly subresource: string
}

export interface RequestMetrics {
  wrap(next: Handler): Handler
  deprecatedApiRequested(api: DeprecatedApi): void
  /** The record of one kind's watches; the caller counts in it. */
  watchRecord(group: string, version: string, resource: string, kind: string): WatchRecord
}

export function createRequestMetrics(registry: Registry, inFlight: InFlightCounts): RequestMetrics {
  const routes = new Map<string, RouteRecord>()
  const watches = new Map<string, WatchRecord>()
  registerRequestMetrics(registry, routes, inFlight)
  registerWatchMetrics(registry, watches)
  const deprecated = new Map<string, DeprecatedApi>()
  registerDeprecatedApis(registry, deprecated)
  return {
    deprecatedApiRequested({ apiGroup, apiVersion, resource, subresource }) {
      const key = `${apiGroup}/${apiVersion}/${resource}/${subresource}`
      if (deprecated.size < LABEL_SETS_MAX && !deprecated.has(key)) {
        deprecated.set(key, { apiGroup, apiVersion, resource, subresource })
      }
    },
    wrap: (next) => (call) => {
      const response = next(call)
      if (response instanceof Promise) {
        return response.then((value) => {
          record(routes, call, value)
          return value
        })
      }
      record(routes, call, response)
      return response
    },
    watchRecord(group, version, resource, kind) {
      const key = `${group}/${version}/${resource}`
      let found = watches.get(key)
      if (found === undefined) {
        found = { labels: { group, version, resource, kind }, events: 0, active: 0 }
        watches.set(key, found)
      }
      return found
    },
  }
}

function record(routes: Map<string, RouteRecord>, call: ApiCall, response: ApiResponse): void {
  const route = routeOf(routes, call, response.status)
  route.countByCode.set(response.status, (route.countByCode.get(response.status) ?? 0) + 1)
  if (call.isLongRunning) return
  route.duration.observe((call.clock.monotonicMs() - call.receivedMs) / 1000)
  if (response.body.type !== 'bytes' || call.request.user !== undefined) return
  let size = 0
  for (const chunk of response.body.chunks) size += chunk.length
  route.size.observe(size)
}

/** Answers from before somebody has looked whether the names exist: these may be the client's invention, and get no labels. */
const BEFORE_ENDPOINT: ReadonlySet<number> = new Set([401, 403, 404, 429])

function routeOf(routes: Map<string, RouteRecord>, call: ApiCall, status: number): RouteRecord {
  const { info } = call
  const ownKey = info.isResourceRequest
    ? `${info.verb} ${info.apiGroup}/${info.apiVersion}/${info.resource}/${info.subresource} ${scopeOf(call)} ${call.isDryRun ? 'All' : ''}`
    : ''
  const own = info.isResourceRequest ? routes.get(ownKey) : undefined
  if (own !== undefined) return own
  const isKnown = info.isResourceRequest && !BEFORE_ENDPOINT.has(status)
  const key = isKnown ? ownKey : `${verbLabel(call)} ${info.isResourceRequest ? 'unknown' : ''}`
  const known = routes.get(key)
  if (known !== undefined) return known
  if (routes.size >= LABEL_SETS_MAX) return overflow(routes)
  return addRoute(routes, key, {
    verb: verbLabel(call),
    dry_run: call.isDryRun ? 'All' : '',
    group: isKnown ? info.apiGroup : '',
    version: isKnown ? info.apiVersion : '',
    resource: isKnown ? info.resource : '',
    subresource: isKnown ? info.subresource : '',
    scope: isKnown ? scopeOf(call) : '',
    component: 'apiserver',
  })
}

function overflow(routes: Map<string, RouteRecord>): RouteRecord {
  return routes.get('overflow') ?? addRoute(routes, 'overflow', { verb: 'other', component: 'apiserver' })
}

function addRoute(routes: Map<string, RouteRecord>, key: string, labels: Record<string, string>): RouteRecord {
  const route = {
    labels,
    countByCode: new Map<number, number>(),
    duration: new HistogramData(DURATION_BUCKETS),
    size: new HistogramData(SIZE_BUCKETS),
  }
  routes.set(key, route)
  return route
}

const VERB_LABELS = new Map([
  ['get', 'GET'],
  ['list', 'LIST'],
  ['watch', 'WATCH'],
  ['patch', 'PATCH'],
  ['delete', 'DELETE'],
  ['post', 'POST'],
  ['put', 'PUT'],
  ['head', 'HEAD'],
  ['options', 'OPTIONS'],
  ['create', 'POST'],
  ['update', 'PUT'],
  ['deletecollection', 'DELETECOLLECTION'],
])

function verbLabel({ info, isLongRunning }: ApiCall): string {
  if (isLongRunning && info.verb !== 'watch') return 'CONNECT'
  return VERB_LABELS.get(info.verb) ?? 'other'
}

function scopeOf({ info }: ApiCall): string {
  if (!info.isCollection || info.verb === 'create') return 'resource'
  return info.namespace === '' ? 'cluster' : 'namespace'
}

function registerRequestMetrics(registry: Registry, routes: Map<string, RouteRecord>, inFlight: InFlightCounts): void {
  createSampleMetric(registry, {
    name: 'apiserver_request_total',
    help: 'Requests by verb, resource, scope and HTTP status code.',
    type: 'counter',
    samples: function* () {
      for (const { labels, countByCode } of routes.values()) {
        for (const [code, value] of countByCode) yield { labels: { ...labels, code: String(code) }, value }
      }
    },
  })
  createSampleMetric(registry, {
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency in seconds by verb, resource and scope.',
    type: 'histogram',
    samples: function* () {
      for (const { labels, duration } of routes.values())
        yield* duration.samples('apiserver_request_duration_seconds', labels)
    },
  })
  createSampleMetric(registry, {
    name: 'apiserver_response_sizes',
    help: 'Response size in bytes by verb, resource and scope.',
    type: 'histogram',
    samples: function* () {
      for (const { labels, size } of routes.values()) yield* size.samples('apiserver_response_sizes', labels)
    },
  })
  createSampleMetric(registry, {
    name: 'apiserver_current_inflight_requests',
    help: 'Requests being served now, by kind of request.',
    type: 'gauge',
    samples: function* () {
      yield { labels: { request_kind: 'readOnly' }, value: inFlight.readOnly }
      yield { labels: { request_kind: 'mutating' }, value: inFlight.mutating }
    },
  })
}

function registerDeprecatedApis(registry: Registry, deprecated: ReadonlyMap<string, DeprecatedApi>): void {
  createSampleMetric(registry, {
    name: 'apiserver_requested_deprecated_apis',
    help: 'Deprecated APIs that have been requested, by group, version, resource, subresource and removed_release.',
    type: 'gauge',
    samples: function* () {
      for (const { apiGroup: group, apiVersion: version, resource, subresource } of deprecated.values()) {
        // None of the deprecated APIs served here has a release in which it ends.
        yield { labels: { group, version, resource, subresource, removed_release: '' }, value: 1 }
      }
    },
  })
}

function registerWatchMetrics(registry: Registry, watches: Map<string, WatchRecord>): void {
  createSampleMetric(registry, {
    name: 'apiserver_longrunning_requests',
    help: 'Long-running requests being served now.',
    type: 'gauge',
    samples: function* () {
      for (const { labels, active } of watches.values()) {
        const { group = '', version = '', resource = '' } = labels
        yield { labels: { verb: 'WATCH', group, version, resource, component: 'apiserver' }, value: active }
      }
    },
  })
  createSampleMetric(registry, {
    name: 'apiserver_registered_watchers',
    help: 'Watchers registered now, by kind.',
    type: 'gauge',
    samples: function* () {
      for (const { labels, active } of watches.values()) {
        const { group = '', version = '', kind = '' } = labels
        yield { labels: { group, version, kind }, value: active }
      }
    },
  })
  createSampleMetric(registry, {
    name: 'apiserver_watch_events_total',
    help: 'Events sent to watchers, by resource.',
    type: 'counter',
    samples: function* () {
      for (const { labels, events } of watches.values()) {
        const { group = '', version = '', resource = '' } = labels
        yield { labels: { group, version, resource }, value: events }
      }
    },
  })
}
