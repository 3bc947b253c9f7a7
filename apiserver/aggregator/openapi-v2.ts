/**
 * The Swagger 2.0 documents of aggregated API servers: asked for each minute, after a failure a minute later, doubling to an
 * hour, and at once when their APIService changes. The last good one stays while a server does not answer. Everything happens
 * beside the checks of availability: a slow server delays nobody.
 * Upstream: kube-aggregator pkg/controllers/openapi.
 */
import { createHash } from 'node:crypto'
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import { pathsUnder } from '#machinery/schema/openapi/merge.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import type { Backend, BackendDialer } from '../proxy/interfaces.ts'
import { type ReadAnswer, readBackend } from './backend-reader.ts'

export interface OpenApiDownloadsOptions {
  readonly dialer: BackendDialer
  readonly clock: Clock
  readonly logger: Logger
  /** Undefined: there is nobody to ask. */
  readonly backendOf: (service: DeepReadonly<APIService>) => Backend | undefined
  /** Another document than before, or one less. */
  readonly onChange: () => void
}

interface Download {
  /** What of the APIService, when it changes, makes us ask again. */
  readonly cause: string
  readonly service: DeepReadonly<APIService>
  readonly document: JsonObject | undefined
  readonly bytes: number
  readonly etag: string
  readonly failures: number
  /** A minute after it began, or, after a failure, the wait after it ended. */
  readonly nextMs: number
  readonly isRunning: boolean
}

type Outcome = Pick<Download, 'document' | 'bytes' | 'etag'>

const REFRESH_MS = 60_000
const RETRY_MAX_MS = 3_600_000
const TIMEOUT_MS = 60_000
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
/** Of all documents together, each without the paths that are not its APIService's. */
const TOTAL_BYTES_MAX = 64 * 1024 * 1024
const DEPTH_MAX = 200
const RUNNING_MAX = 5
const AGGREGATOR = { 'x-remote-user': 'system:aggregator' }
/** Tells digests we made from the tags of servers. */
const OWN_TAG = 'sha512:'

export class OpenApiDownloads {
  readonly #options: OpenApiDownloadsOptions
  readonly #downloads = new Map<string, Download>()

  constructor(options: OpenApiDownloadsOptions) {
    this.#options = options
  }

  /** In the order in which they are merged. */
  documents(): readonly JsonObject[] {
    const all = [...this.#downloads.values()]
    const groups = new Map<string, number>()
    for (const { service } of all) {
      const { group = '', groupPriorityMinimum } = service.spec
      groups.set(group, Math.max(groups.get(group) ?? 0, groupPriorityMinimum))
    }
    all.sort((a, b) => compare(a.service, b.service, groups))
    return all.flatMap(({ document }) => (document === undefined ? [] : [document]))
  }

  /** Begins what is due, and waits for nothing. `all` are the APIServices of other servers. */
  sync(
    all: readonly DeepReadonly<APIService>[],
    isAvailable: (service: DeepReadonly<APIService>) => boolean,
    signal: AbortSignal,
  ): void {
    const names = new Set(all.map(nameOf))
    let isChanged = false
    for (const [name, { document }] of this.#downloads) {
      if (names.has(name)) continue
      this.#downloads.delete(name)
      isChanged ||= document !== undefined
    }
    const nowMs = this.#options.clock.monotonicMs()
    for (const service of all) {
      const name = nameOf(service)
      const known = this.#downloads.get(name)
      const cause = JSON.stringify([service.spec, isAvailable(service)])
      const isOther = known?.cause !== cause
      if (known?.isRunning === true || !(isOther || known.nextMs <= nowMs)) continue
      if (!isAvailable(service)) {
        // It is asked as soon as it answers again.
        if (known !== undefined) this.#downloads.set(name, { ...known, cause })
        continue
      }
      if (this.#running() >= RUNNING_MAX) continue
      const failures = isOther ? 0 : known.failures
      const begun = { ...(known ?? NOTHING), cause, service, failures, isRunning: true, nextMs: nowMs + REFRESH_MS }
      this.#downloads.set(name, begun)
      // Another priority: what is known may belong elsewhere.
      isChanged ||= isOther && begun.document !== undefined
      void this.#run(name, begun, signal)
    }
    if (isChanged) this.#options.onChange()
  }

  #running(): number {
    let count = 0
    for (const { isRunning } of this.#downloads.values()) if (isRunning) count++
    return count
  }

  async #run(name: string, begun: Download, signal: AbortSignal): Promise<void> {
    const { clock, logger, onChange } = this.#options
    try {
      const outcome = await this.#download(name, begun, signal)
      if (this.#downloads.get(name) !== begun) return
      this.#downloads.set(name, { ...begun, ...outcome, failures: 0, isRunning: false })
      logger.debug({ apiService: name }, 'an OpenAPI v2 document was loaded')
      if (outcome.document !== begun.document) onChange()
    } catch (err: unknown) {
      if (signal.aborted || this.#downloads.get(name) !== begun) return
      const waitMs = Math.min(REFRESH_MS * 2 ** Math.min(begun.failures, 16), RETRY_MAX_MS)
      const nextMs = clock.monotonicMs() + waitMs
      this.#downloads.set(name, { ...begun, failures: begun.failures + 1, isRunning: false, nextMs })
      logger.info({ apiService: name, reason: errorMessage(err) }, 'loading an OpenAPI v2 document failed')
    }
  }

  async #download(name: string, { service, etag, document, bytes }: Download, signal: AbortSignal): Promise<Outcome> {
    const backend = this.#options.backendOf(service)
    if (backend === undefined) throw new Error('service unavailable')
    const known = etag === '' || etag.startsWith(OWN_TAG) ? {} : { 'if-none-match': etag }
    const request = {
      path: '/openapi/v2',
      headers: { ...AGGREGATOR, ...known },
      timeoutMs: TIMEOUT_MS,
      bytesMax: DOCUMENT_BYTES_MAX,
    }
    const answer = await readBackend(this.#options, backend, request, signal)
    const same = { document, bytes, etag }
    if (answer.status === 304 && document !== undefined) return same
    if (answer.status !== 200) throw new Error(`failed to retrieve openAPI spec, http error: ${answer.status}`)
    const tag = tagOf(answer)
    return tag === etag && document !== undefined ? same : this.#kept(name, service, answer, tag)
  }

  #kept(name: string, { spec }: DeepReadonly<APIService>, answer: ReadAnswer, etag: string): Outcome {
    const parsed: unknown = JSON.parse(answer.bytes.toString('utf8'))
    if (!isObject(parsed)) throw new Error('the document is not an object')
    if (!isShallow(parsed, DEPTH_MAX)) throw new Error('the document is nested too deeply')
    const document = pathsUnder(parsed as JsonObject, `/apis/${spec.group}/${spec.version}/`)
    const bytes = Buffer.byteLength(JSON.stringify(document))
    let others = 0
    for (const [other, { bytes: size }] of this.#downloads) if (other !== name) others += size
    if (others + bytes > TOTAL_BYTES_MAX) throw new Error('the OpenAPI documents of all servers are too large')
    return { document, bytes, etag }
  }
}

const NOTHING = { document: undefined, bytes: 0, etag: '', failures: 0 }

function nameOf({ metadata }: DeepReadonly<APIService>): string {
  return metadata.name ?? ''
}

/** Higher priorities first, then by name. Upstream: aggregator/priority.go. */
function compare(
  a: DeepReadonly<APIService>,
  b: DeepReadonly<APIService>,
  groups: ReadonlyMap<string, number>,
): number {
  const { group: groupA = '' } = a.spec
  const { group: groupB = '' } = b.spec
  const difference =
    groupA === groupB
      ? b.spec.versionPriority - a.spec.versionPriority
      : (groups.get(groupB) ?? 0) - (groups.get(groupA) ?? 0)
  return difference !== 0 ? difference : nameOf(a) < nameOf(b) ? -1 : 1
}

function tagOf({ headers, bytes }: ReadAnswer): string {
  const { etag = '' } = headers
  return etag === '' ? `${OWN_TAG}${createHash('sha512').update(bytes).digest('hex')}` : etag
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1))
}
