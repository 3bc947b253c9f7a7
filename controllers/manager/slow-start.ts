/**
 * Many equal requests, in batches that double while all goes well: a full quota is met by one refused request and not by
 * hundreds. Upstream: pkg/controller/replicaset slowStartBatch.
 */

export interface SlowStartResult {
  /** How many were tried, the failed ones included. */
  readonly attempted: number
  /** The first; no batch follows the one it happened in. */
  readonly error: unknown
}

export async function slowStart(count: number, run: (index: number) => Promise<void>): Promise<SlowStartResult> {
  let error: unknown
  let attempted = 0
  for (let batch = 1; attempted < count && error === undefined; batch *= 2) {
    const size = Math.min(batch, count - attempted)
    const indexes = Array.from({ length: size }, (_, i) => attempted + i)
    attempted += size
    await Promise.all(
      indexes.map((index) =>
        run(index).catch((err: unknown) => {
          error ??= err
        }),
      ),
    )
  }
  return { attempted, error }
}
