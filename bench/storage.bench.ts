/**
 * Durable creates per second at the Storage level (no HTTP, no admission): `npx tsx bench/storage.bench.ts [driver] [total]`.
 * Prints throughput, latency, batch sizes, main-thread CPU per write, size on disk, and the time to load it all again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { systemClock } from '#machinery/util/clock.ts'

const WRITERS = Number(process.env['WRITERS'] ?? 32)
const VALUE_BYTES = 1400
const driver = process.argv[2] ?? 'sqlite'
const total = Number(process.argv[3] ?? 60_000)

const directory = mkdtempSync(join(tmpdir(), 'knarr-bench-'))
const path = join(directory, 'state.db')
const latencies: number[] = []
const batches: number[] = []
const commits: number[] = []

function open() {
  if (driver === 'memory') return Promise.resolve(new MemoryStorage({ clock: systemClock }))
  const metrics = {
    commit: (seconds: number, writes: number) => {
      batches.push(writes)
      commits.push(seconds * 1000)
    },
    size: () => {},
  }
  return openSqliteStorage({ path, clock: systemClock, metrics })
}

function percentile(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2)
}

async function write(storage: Awaited<ReturnType<typeof open>>): Promise<void> {
  const value = JSON.stringify({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {},
    data: { a: 'x'.repeat(VALUE_BYTES) },
  })
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < total) {
      const key = `/registry/configmaps/default/object-${String(next++).padStart(7, '0')}`
      const started = performance.now()
      await storage.create(key, Buffer.from(value))
      latencies.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

const storage = await open()
const cpu = performance.eventLoopUtilization()
const started = performance.now()
await write(storage)
const seconds = (performance.now() - started) / 1000
const { active } = performance.eventLoopUtilization(cpu)
const bytes = await storage.sizeBytes()
await storage.close()

console.log(
  `${driver}: ${total} creates of ${VALUE_BYTES} bytes, ${WRITERS} in flight: ${Math.round(total / seconds)}/s`,
)
console.log(
  `latency ms: p50 ${percentile(latencies, 0.5)}, p99 ${percentile(latencies, 0.99)}, max ${percentile(latencies, 1)}`,
)
if (batches.length > 0) {
  const mean = total / batches.length
  console.log(
    `commits: ${batches.length}, ${mean.toFixed(1)} writes each; ms p50 ${percentile(commits, 0.5)}, p99 ${percentile(commits, 0.99)}`,
  )
}
console.log(`main thread: ${((active * 1000) / total).toFixed(1)} us per write; on disk ${(bytes / 1e6).toFixed(1)} MB`)

if (driver === 'sqlite') {
  const reopening = performance.now()
  const again = await open()
  console.log(
    `reopened with ${total} keys in ${Math.round(performance.now() - reopening)} ms; RSS ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
  )
  await again.close()
}
rmSync(directory, { recursive: true, force: true })
