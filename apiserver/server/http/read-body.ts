/** A request's body in one Buffer, bounded. */
import type { IncomingRequest } from './front.ts'

/** Calls back once, unless the client goes away first. What exceeds the bound is not kept. */
export function readBody(
  incoming: IncomingRequest,
  maxBytes: number,
  done: (body: Buffer | undefined | 'too-large') => void,
): void {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) {
    incoming.resume()
    done('too-large')
    return
  }
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let size = 0
  incoming.on('data', (chunk: Buffer) => {
    const before = size
    size += chunk.length
    if (size > maxBytes) {
      first = undefined
      rest = undefined
      if (before <= maxBytes) done('too-large')
    } else if (first === undefined) first = chunk
    else if (rest === undefined) rest = [first, chunk]
    else rest.push(chunk)
  })
  incoming.on('end', () => {
    if (size <= maxBytes) done(rest === undefined ? first : Buffer.concat(rest, size))
  })
  // A client that breaks off mid-body gets no answer; without a listener its error would be thrown.
  incoming.on('error', () => {})
}
