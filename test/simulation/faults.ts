/** What may go wrong between a controller and the API server: refusals, lost answers, late and broken watches. */
import type { Client } from '#machinery/client/client.ts'
import { newResourceExpired, newServiceUnavailable, newTimeout, newTooManyRequests } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'

/** Chances between 0 and 1; times in simulated milliseconds. */
export interface Faults {
  /** A call fails and has done nothing. */
  readonly refused: number
  /** A write has happened, and its caller is told otherwise. */
  readonly answerLost: number
  readonly callDelayMaxMs: number
  /** An event of a watch (and all behind it) comes late. */
  readonly eventLate: number
  readonly eventDelayMaxMs: number
  /** A watch breaks after an event: half of the time without saying so. */
  readonly watchBroken: number
}

export const NO_FAULTS: Faults = {
  refused: 0,
  answerLost: 0,
  callDelayMaxMs: 0,
  eventLate: 0,
  eventDelayMaxMs: 0,
  watchBroken: 0,
}

export interface FaultSource {
  readonly clock: Clock
  random(): number
  /** Read at every call. */
  faults(): Faults
  /** Before every call. */
  pace(): Promise<void>
}

export function faultyClient(client: Client, source: FaultSource): Client {
  const { clock, random } = source
  const happens = (chance: number): boolean => chance > 0 && random() < chance
  const pause = async (maxMs: number, signal: AbortSignal | undefined): Promise<void> => {
    if (maxMs > 0) await sleep(clock, Math.floor(random() * maxMs), signal)
  }
  const refusal = (): Error => {
    const kinds = [newServiceUnavailable('simulated'), newTimeout('simulated', 1), newTooManyRequests('simulated', 1)]
    return kinds[Math.floor(random() * kinds.length)] as Error
  }
  const call = async <T>(isWrite: boolean, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> => {
    await source.pace()
    await pause(source.faults().callDelayMaxMs, signal)
    if (happens(source.faults().refused)) throw refusal()
    const answer = await act()
    await pause(source.faults().callDelayMaxMs, signal)
    if (isWrite && happens(source.faults().answerLost)) throw newTimeout('the answer was lost', 1)
    return answer
  }
  return {
    get: (resource, key, options) => call(false, options?.signal, () => client.get(resource, key, options)),
    list: (resource, options) => call(false, options?.signal, () => client.list(resource, options)),
    create: (resource, object, options) => call(true, options?.signal, () => client.create(resource, object, options)),
    update: (resource, object, options) => call(true, options?.signal, () => client.update(resource, object, options)),
    patch: (resource, key, patch, options) =>
      call(true, options?.signal, () => client.patch(resource, key, patch, options)),
    delete: (resource, key, options) => call(true, options?.signal, () => client.delete(resource, key, options)),
    deleteCollection: (resource, options) =>
      call(true, options?.signal, () => client.deleteCollection(resource, options)),
    createSubresource: (resource, key, subresource, object, options) =>
      call(true, options?.signal, () => client.createSubresource(resource, key, subresource, object, options)),
    raw: (request) => call(false, request.signal, () => client.raw(request)),
    async *watch(resource, options) {
      for await (const event of client.watch(resource, options)) {
        const { eventLate, eventDelayMaxMs } = source.faults()
        if (happens(eventLate)) {
          // Aborted meanwhile: the loop around us looks at its signal.
          await pause(eventDelayMaxMs, options?.signal).catch(() => undefined)
        }
        yield event
        if (!happens(source.faults().watchBroken)) continue
        if (happens(0.5)) return
        throw happens(0.5) ? newResourceExpired('simulated') : newServiceUnavailable('simulated')
      }
    },
  }
}
