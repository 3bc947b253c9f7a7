/**
 * watch: a stream of frames, each encoded once and shared by all watchers of the same representation. A watcher that
 * does not keep up is ended; what waits for it are references to objects, not bytes.
 * Upstream: apiserver pkg/endpoints/handlers/watch.go.
 */
import { isExpired, isStatusError, newBadRequest, newExpired } from '#machinery/meta/errors.ts'
import { encodeProtobuf } from '#machinery/schema/protobuf/encode.ts'
import { PROTOBUF_MEDIA_TYPE, watchFrame } from '#machinery/schema/protobuf/envelope.ts'
import type { TimerHandle } from '#machinery/util/clock.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceStore } from '../../registry/generic/interfaces.ts'
import { interpretError } from '../../registry/generic/interpret-error.ts'
import type { ApiResponse, StreamFrame, StreamSink } from '../../server/interfaces.ts'
import type { StoreWatchEvent, StoreWatchSink } from '../../storage/cacher/interface.ts'
import type { EndpointScope } from '../interfaces.ts'
import type { Media, OutputFormat } from '../negotiate.ts'
import { negotiateStream } from '../negotiate.ts'
import type { ParsedListOptions } from '../options/list-options.ts'
import { parseListOptions } from '../options/list-options.ts'
import { protobufBytes, representObject } from '../output.ts'
import type { ResponseHeaders } from '../responses.ts'
import { JSON_HEADERS } from '../responses.ts'
import { parseIncludeObject } from '../table/table.ts'

const MIN_TIMEOUT_SECONDS = 1800
/** Waiting events beyond the objects there are: a watcher this far behind is given up. */
const BACKLOG_MAX = 10_000
/** The same in bytes: old versions of large objects live as long as somebody waits for them. */
const BACKLOG_BYTES_MAX = 32 * 1024 * 1024

export interface WatchMetrics {
  watchStarted(scope: EndpointScope): void
  watchEnded(scope: EndpointScope): void
  eventSent(scope: EndpointScope): void
}

export async function serveWatch(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  metrics: WatchMetrics,
): Promise<ApiResponse> {
  const { definition } = scope
  const output = negotiateStream(call.request.headers['accept'], scope.presenter)
  const options = parseListOptions(call.query, definition, true)
  if (output.as === 'Table') parseIncludeObject(call.query.get('includeObject'))
  const name = watchedName(call, options)
  const { timeoutSeconds = 0 } = options
  const seconds = timeoutSeconds === 0 ? MIN_TIMEOUT_SECONDS + call.random.int(MIN_TIMEOUT_SECONDS) : timeoutSeconds
  const stream = new WatchStream(call, scope, store, output, metrics)
  const ended = new AbortController()
  call.signal.addEventListener('abort', () => ended.abort(), { once: true })
  stream.onClose = () => ended.abort()
  try {
    await store.objects.watch(
      {
        namespace: definition.namespaced ? call.info.namespace : '',
        ...(name === undefined ? {} : { name }),
        selection: options.selection,
        resourceVersion: options.resourceVersion,
        allowBookmarks: options.allowBookmarks,
        sendInitialEvents: options.sendInitialEvents,
        timeoutMs: seconds * 1000,
      },
      stream,
      ended.signal,
    )
  } catch (err) {
    ended.abort()
    const failure = interpretError(err, 'watch', definition, '')
    if (isStatusError(failure) && isExpired(failure)) return expiredStream(failure.status, output.media)
    throw failure
  }
  return {
    status: 200,
    headers: headersOf(output.media),
    body: { type: 'stream', start: (sink) => stream.start(sink, seconds, ended.signal) },
  }
}

const PROTOBUF_STREAM_HEADERS: ResponseHeaders = Object.freeze({
  ...JSON_HEADERS,
  'content-type': `${PROTOBUF_MEDIA_TYPE};stream=watch`,
})

const headersOf = (media: Media): ResponseHeaders => (media === 'protobuf' ? PROTOBUF_STREAM_HEADERS : JSON_HEADERS)

/** A version that is too old is an event of the stream, not an answer: clients look for it there. */
function expiredStream(status: object, media: Media): ApiResponse {
  const start = (sink: StreamSink): void => {
    sink.write(valueFrame('ERROR', status, media))
    sink.end()
  }
  return { status: 200, headers: headersOf(media), body: { type: 'stream', start } }
}

/** The legacy /watch/ paths carry the name in the path, and it is that name the request was authorized for. */
function watchedName({ info, query }: ApiCall, { name }: ParsedListOptions): string | undefined {
  if (info.name === '') return name
  if (name !== info.name && query.get('fieldSelector') !== '')
    throw newBadRequest("fieldSelector metadata.name doesn't match requested name")
  return info.name
}

class WatchStream implements StoreWatchSink {
  onClose: () => void = () => {}
  readonly #call: ApiCall
  readonly #scope: EndpointScope
  readonly #store: ResourceStore
  readonly #output: OutputFormat
  readonly #metrics: WatchMetrics
  #sink: StreamSink | undefined
  /** What has not been written, in order; read from #head on. */
  #backlog: (StoreWatchEvent | StreamFrame)[] = []
  #head = 0
  /** Of the events in the backlog that came after the watch had started: the initial ones are objects there are. */
  #liveBytes = 0
  #initialCount = 0
  #isFull = false
  #isEnding = false
  #isOver = false
  #sentColumns = false
  #timer: TimerHandle | undefined

  constructor(call: ApiCall, scope: EndpointScope, store: ResourceStore, output: OutputFormat, metrics: WatchMetrics) {
    this.#call = call
    this.#scope = scope
    this.#store = store
    this.#output = output
    this.#metrics = metrics
  }

  start(sink: StreamSink, timeoutSeconds: number, signal: AbortSignal): void {
    this.#sink = sink
    this.#initialCount = this.#backlog.length
    this.#metrics.watchStarted(this.#scope)
    if (signal.aborted) {
      this.#close()
      return
    }
    signal.addEventListener('abort', () => this.#close(), { once: true })
    this.#timer = this.#call.clock.setTimeout(() => this.#endAfterBacklog(), timeoutSeconds * 1000)
    sink.onDrain(() => {
      this.#isFull = false
      this.#flush()
    })
    this.#flush()
  }

  onEvent(event: StoreWatchEvent): void {
    if (this.#isOver || this.#isEnding) return
    if (this.#sink !== undefined && !this.#isFull && this.#head === this.#backlog.length) {
      this.#isFull = !this.#sink.write(this.#frameOf(event))
      return
    }
    this.#backlog.push(event)
    if (this.#sink !== undefined) this.#liveBytes += event.object.sizeBytes
    const isBehind = this.#backlog.length - this.#head > BACKLOG_MAX + 2 * this.#store.objects.count()
    if (isBehind || this.#liveBytes > BACKLOG_BYTES_MAX) this.#close()
  }

  onEnd(reason: 'too-slow' | 'closed' | 'expired'): void {
    if (this.#isOver) return
    if (reason === 'expired') {
      const { status } = newExpired('The resourceVersion for the provided watch is too old.')
      this.#backlog.push(valueFrame('ERROR', status, this.#output.media))
    }
    this.#endAfterBacklog()
  }

  #endAfterBacklog(): void {
    this.#isEnding = true
    if (this.#sink !== undefined) this.#flush()
  }

  #flush(): void {
    const sink = this.#sink
    while (sink !== undefined && !this.#isOver && !this.#isFull && this.#head < this.#backlog.length) {
      const next = this.#backlog[this.#head++]
      if (next !== undefined && 'object' in next && this.#head > this.#initialCount)
        this.#liveBytes -= next.object.sizeBytes
      if (next !== undefined) this.#isFull = !sink.write('bytes' in next ? next : this.#frameOf(next))
    }
    if (this.#head === this.#backlog.length) {
      this.#backlog = []
      this.#head = 0
      this.#liveBytes = 0
      this.#initialCount = 0
      if (this.#isEnding) this.#close()
    }
  }

  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#backlog = []
    if (this.#sink !== undefined) {
      this.#metrics.watchEnded(this.#scope)
      this.#sink.end()
    }
    this.onClose()
  }

  #frameOf({ type, object }: StoreWatchEvent): StreamFrame {
    this.#metrics.eventSent(this.#scope)
    const { as, media } = this.#output
    if (as === 'Object') return new ObjectFrame(type, object, this.#scope, media)
    const hasColumns = !this.#sentColumns
    this.#sentColumns = true
    // A bookmark has nothing to show but its resourceVersion.
    const items = type === 'BOOKMARK' ? [] : [object]
    const shown = representObject(object, items, this.#scope, this.#output, this.#call, hasColumns)
    return valueFrame(type, shown, media)
  }
}

const FRAME_END = Buffer.from('}\n')

class ObjectFrame implements StreamFrame {
  readonly #type: StoreWatchEvent['type']
  readonly #object: StoreWatchEvent['object']
  readonly #scope: EndpointScope
  readonly #media: Media

  constructor(type: StoreWatchEvent['type'], object: StoreWatchEvent['object'], scope: EndpointScope, media: Media) {
    this.#type = type
    this.#object = object
    this.#scope = scope
    this.#media = media
  }

  bytes(): Buffer {
    const { frames, protobufFrames } = this.#scope
    if (this.#media === 'protobuf') return protobufFrames.get(this.#object, this.#type, () => this.#encodeProtobuf())
    return frames.get(this.#object, this.#type, () => this.#encodeJson())
  }

  #encodeJson(): Buffer {
    const start = Buffer.from(`{"type":"${this.#type}","object":`)
    return Buffer.concat([start, this.#scope.presenter.json(this.#object), FRAME_END])
  }

  #encodeProtobuf(): Buffer {
    return watchFrame(this.#type, protobufBytes(this.#object, this.#scope))
  }

  get decoded(): unknown {
    return { type: this.#type, object: this.#scope.presenter.object(this.#object) }
  }
}

function valueFrame(type: string, object: object, media: Media): StreamFrame {
  const decoded = { type, object }
  return {
    decoded,
    bytes() {
      const message = media === 'protobuf' ? encodeProtobuf(object) : undefined
      return message === undefined ? Buffer.from(`${JSON.stringify(decoded)}\n`) : watchFrame(type, message)
    },
  }
}
