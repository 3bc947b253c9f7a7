/**
 * Two connections become one: bytes both ways at the pace of the slower side, both ended together. Upstream: apimachinery
 * pkg/util/proxy/upgradeaware.go (the two copies at its end).
 */
import type { Duplex } from 'node:stream'
import type { Clock } from '#machinery/util/clock.ts'

/** How long the last bytes may take to reach a side after the other has gone. */
const LINGER_MS = 10_000

export function splice(client: Duplex, backend: Duplex, clock: Clock): void {
  client.pipe(backend)
  backend.pipe(client)
  endTogether(client, backend, clock)
}

/** When either side ends, the other gets what is on its way, then nothing more. */
export function endTogether(a: Duplex, b: Duplex, clock: Clock): void {
  let isEnding = false
  const endBoth = (): void => {
    if (isEnding) return
    isEnding = true
    a.unpipe()
    b.unpipe()
    a.end()
    b.end()
    // Read on, so that the other side's end is seen and its last bytes do not turn ours into a reset.
    a.resume()
    b.resume()
    const timer = clock.setTimeout(destroyBoth, LINGER_MS)
    const onClosed = (): void => {
      if (a.destroyed && b.destroyed) timer.cancel()
    }
    a.once('close', onClosed)
    b.once('close', onClosed)
  }
  const destroyBoth = (): void => {
    a.destroy()
    b.destroy()
  }
  for (const side of [a, b]) {
    side.once('end', endBoth)
    side.once('close', endBoth)
    // Reported by its 'close'.
    side.on('error', () => undefined)
  }
  if (a.destroyed || b.destroyed) endBoth()
}
