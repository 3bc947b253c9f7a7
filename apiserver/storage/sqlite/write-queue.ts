/**
 * Group commit, main thread side. A write is checked against the published state and given its revision at once, then
 * queued; everything queued while the writer thread commits goes into its next transaction. When a transaction is durable
 * its writes are published in revision order. Invariant: at most one write per key is between check and publication, so
 * the published state is what a check needs; later writes of that key wait.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { StorageEvent } from '../interface.ts'
import { StorageError } from '../interface.ts'
import type { Change, Keyspace, Mutation, StoredEntry } from '../keyspace.ts'
import type { LogRow } from './packed-rows.ts'
import { packRows } from './packed-rows.ts'
import type { CommitResult } from './protocol.ts'
import type { WriterClient } from './writer-client.ts'

const BATCH_WRITES_MAX = 1024
const BATCH_BYTES_MAX = 8 * 1024 * 1024
/** Beyond these, writes are refused: the disk does not keep up. */
const QUEUED_WRITES_MAX = 20_000
const QUEUED_BYTES_MAX = 128 * 1024 * 1024

interface Write {
  readonly mutation: Mutation
  readonly value: Buffer | undefined
  readonly ttlSeconds: number
  readonly attachment: unknown
  readonly resolve: (result: { revision: number }) => void
  readonly reject: (error: StorageError) => void
}

/** A write that has its revision. */
interface AssignedWrite extends Change {
  readonly write: Write
  readonly replaced: StoredEntry | undefined
}

interface WriteQueueParts {
  readonly keyspace: Keyspace
  readonly writer: WriterClient
  readonly clock: Clock
  /** Events of one transaction, already applied to the keyspace; callers are answered after this returns. */
  readonly publish: (
    events: readonly StorageEvent[],
    changes: readonly (Change & { replaced: StoredEntry | undefined })[],
  ) => void
  readonly onCommit: (seconds: number, writes: number) => void
  readonly onFailure: (error: Error, writes: number) => void
}

export class WriteQueue {
  readonly #parts: WriteQueueParts
  /** Keys with an assigned write, and the writes that wait for it. */
  readonly #waiting = new Map<string, Write[]>()
  #queue: AssignedWrite[] = []
  #assigned: number
  #heldWrites = 0
  #heldBytes = 0
  #isCommitting = false
  #isScheduled = false
  /** Set when nothing can be written any more: closed, or the file is in an unknown state. */
  #refusal: Error | undefined
  #onDrained: (() => void) | undefined

  constructor(parts: WriteQueueParts) {
    this.#parts = parts
    this.#assigned = parts.keyspace.revision
  }

  write(
    mutation: Mutation,
    value: Buffer | undefined,
    ttlSeconds: number,
    attachment: unknown,
  ): Promise<{ revision: number }> {
    return new Promise((resolve, reject) => {
      const write: Write = { mutation, value, ttlSeconds, attachment, resolve, reject }
      const size = value?.length ?? 0
      if (this.#refusal !== undefined) {
        reject(this.#unavailable(mutation.key, this.#refusal))
      } else if (this.#heldWrites >= QUEUED_WRITES_MAX || this.#heldBytes + size > QUEUED_BYTES_MAX) {
        reject(this.#unavailable(mutation.key, new Error('too many writes are waiting for the disk')))
      } else {
        this.#heldWrites++
        this.#heldBytes += size
        this.#admit(write)
      }
    })
  }

  /** Why nothing is written any more. */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  /** Refuses new writes; resolves when the ones already here are answered. */
  close(reason: Error): Promise<void> {
    this.#refusal ??= reason
    if (this.#heldWrites === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onDrained = resolve
    })
  }

  /** Fails everything that is here and to come: the writer thread is gone. */
  abandon(error: Error): void {
    this.#refusal = error
    this.#failAll(error, [])
  }

  #admit(write: Write): void {
    const { mutation, value, ttlSeconds, attachment } = write
    const { key } = mutation
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) {
      waiting.push(write)
      return
    }
    let replaced: StoredEntry | undefined
    try {
      replaced = this.#parts.keyspace.check(mutation)
    } catch (err) {
      this.#settle(write)
      write.reject(err as StorageError)
      return
    }
    this.#waiting.set(key, [])
    const expiresAtMs = ttlSeconds > 0 ? this.#parts.clock.nowMs() + ttlSeconds * 1000 : 0
    this.#assigned++
    this.#queue.push({ write, replaced, key, revision: this.#assigned, value, expiresAtMs, attachment })
    this.#schedule()
  }

  /** setImmediate: after all sockets that were readable in this turn of the loop have added their writes. */
  #schedule(): void {
    if (this.#isScheduled || this.#isCommitting) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#isCommitting || this.#queue.length === 0) return
    this.#isCommitting = true
    const batch = this.#takeBatch()
    const startedMs = this.#parts.clock.monotonicMs()
    this.#parts.writer.call({ type: 'commit', rows: packRows(batch.map(rowOf)) }).then(
      (result) => this.#onResult(result, batch, startedMs),
      (err: unknown) => this.#failAll(toError(err), batch),
    )
  }

  #takeBatch(): AssignedWrite[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < BATCH_WRITES_MAX && (count === 0 || bytes < BATCH_BYTES_MAX)) {
      bytes += this.#queue[count]?.value?.length ?? 0
      count++
    }
    if (count === this.#queue.length) {
      const batch = this.#queue
      this.#queue = []
      return batch
    }
    return this.#queue.splice(0, count)
  }

  #onResult(result: CommitResult, batch: readonly AssignedWrite[], startedMs: number): void {
    if (result.isCommitted) {
      this.#parts.onCommit((this.#parts.clock.monotonicMs() - startedMs) / 1000, batch.length)
      this.#isCommitting = false
      this.#publish(batch)
      if (this.#queue.length > 0) this.#flush()
      return
    }
    const error = new Error(result.reason)
    // Neither all nor nothing of the batch is in the file: this process no longer knows what is.
    if (result.revision !== this.#parts.keyspace.revision) this.#refusal ??= error
    this.#failAll(error, batch)
  }

  #publish(batch: readonly AssignedWrite[]): void {
    const { keyspace, publish } = this.#parts
    publish(
      batch.map((change) => keyspace.apply(change)),
      batch,
    )
    for (const { write, revision } of batch) {
      this.#settle(write)
      write.resolve({ revision })
    }
    for (const { key } of batch) {
      const waiting = this.#waiting.get(key) ?? []
      this.#waiting.delete(key)
      for (const write of waiting) this.#admit(write)
    }
    this.#reportDrained()
  }

  /** Nothing of a failed batch has been applied, so giving its revisions back undoes it. */
  #failAll(error: Error, batch: readonly AssignedWrite[]): void {
    const writes = [...batch, ...this.#queue].map(({ write }) => write)
    for (const waiting of this.#waiting.values()) writes.push(...waiting)
    this.#waiting.clear()
    this.#queue = []
    this.#assigned = this.#parts.keyspace.revision
    this.#isCommitting = false
    this.#parts.onFailure(error, writes.length)
    for (const write of writes) {
      this.#settle(write)
      write.reject(this.#unavailable(write.mutation.key, error))
    }
    this.#reportDrained()
  }

  #settle(write: Write): void {
    this.#heldWrites--
    this.#heldBytes -= write.value?.length ?? 0
  }

  #reportDrained(): void {
    if (this.#heldWrites === 0) this.#onDrained?.()
  }

  #unavailable(key: string, cause: Error): StorageError {
    return new StorageError('Unavailable', key, this.#parts.keyspace.revision, cause)
  }
}

function rowOf({ key, revision, value, expiresAtMs, replaced }: AssignedWrite): LogRow {
  return {
    key,
    revision,
    createRevision: replaced?.createRevision ?? revision,
    previousRevision: replaced?.modRevision ?? 0,
    expiresAtMs,
    value,
    previousValue: undefined,
  }
}
