/** The main thread's end of the writer thread: requests in, promises out. Knows no storage semantics. */
import { Worker } from 'node:worker_threads'
import { StorageError } from '../interface.ts'
import type { PackedRows } from './packed-rows.ts'
import { transferOf } from './packed-rows.ts'
import type {
  CommitResult,
  CountResult,
  OpenRequest,
  OpenResult,
  SliceResult,
  SweepResult,
  WriterMessage,
  WriterRequest,
} from './protocol.ts'
import { writerWorkerUrl } from './worker-url.ts'

/** Rows are off the JavaScript heap; what is on it is small and short-lived. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 }

interface ResultOf {
  open: OpenResult
  commit: CommitResult
  entries: SliceResult
  count: CountResult
  events: SliceResult
  compact: unknown
  sweep: SweepResult
  close: unknown
}

interface Call {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  readonly onLoaded: ((rows: PackedRows) => void) | undefined
}

export class WriterClient {
  readonly #worker: Worker
  readonly #calls = new Map<number, Call>()
  #lastId = 0
  #failure: Error | undefined
  #onFailure: ((error: Error) => void) | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: WriterMessage) => this.#onMessage(message))
    worker.on('error', (err: Error) => this.#fail(err))
    worker.on('exit', () => this.#fail(new Error('the writer thread has ended')))
  }

  static async start(): Promise<WriterClient> {
    const url = await writerWorkerUrl()
    // No loaders or flags of the process: the worker is plain JavaScript and must start fast.
    return new WriterClient(
      new Worker(url, { execArgv: [], env: {}, resourceLimits: RESOURCE_LIMITS, name: 'storage' }),
    )
  }

  /** Called once if the thread dies before `stop`. */
  set onFailure(callback: (error: Error) => void) {
    this.#onFailure = callback
  }

  /** `onLoaded` gets the current entries before the promise resolves. */
  open(request: OpenRequest, onLoaded: (rows: PackedRows) => void): Promise<OpenResult> {
    return this.#call(request, onLoaded, []) as Promise<OpenResult>
  }

  call<R extends Exclude<WriterRequest, OpenRequest>>(request: R): Promise<ResultOf[R['type']]> {
    const transfer = request.type === 'commit' ? transferOf(request.rows) : []
    return this.#call(request, undefined, transfer) as Promise<ResultOf[R['type']]>
  }

  async stop(): Promise<void> {
    this.#onFailure = undefined
    await this.#worker.terminate()
  }

  #call(request: WriterRequest, onLoaded: Call['onLoaded'], transfer: ArrayBuffer[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const id = ++this.#lastId
      this.#calls.set(id, { resolve, reject, onLoaded })
      this.#worker.postMessage({ id, request }, transfer)
    })
  }

  #onMessage(message: WriterMessage): void {
    const call = this.#calls.get(message.id)
    if (call === undefined) return
    if ('loaded' in message) {
      call.onLoaded?.(message.loaded)
      return
    }
    this.#calls.delete(message.id)
    if ('result' in message) call.resolve(message.result)
    else if (message.compacted !== undefined) call.reject(new StorageError('Compacted', '', message.compacted))
    else call.reject(new Error(message.error))
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const call of this.#calls.values()) call.reject(error)
    this.#calls.clear()
    this.#onFailure?.(error)
  }
}
