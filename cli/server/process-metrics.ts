/** Metrics of the process itself: event-loop lag, heap, garbage collection, SQLite commits. */
import { collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'
import type { Storage } from '#apiserver/storage/interface.ts'
import type { SqliteObserver } from '#apiserver/storage/sqlite/storage.ts'

export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 })
}

export function sqliteObserver(registry: Registry): SqliteObserver {
  const latency = new Histogram({
    name: 'knarr_sqlite_commit_duration_seconds',
    help: 'Time of one group commit, fsync included.',
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    registers: [registry],
  })
  const batch = new Histogram({
    name: 'knarr_sqlite_commit_batch_size',
    help: 'Writes of one group commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [registry],
  })
  return {
    commit(seconds, writes) {
      latency.observe(seconds)
      batch.observe(writes)
    },
    size() {}, // Measured when it is asked for: see measureStorageSize.
  }
}

export function measureStorageSize(registry: Registry, storage: Pick<Storage, 'sizeBytes'>): void {
  new Gauge({
    name: 'apiserver_storage_size_bytes',
    help: 'Size of the storage database file physically allocated in bytes.',
    labelNames: ['storage_cluster_id'],
    registers: [registry],
    async collect() {
      this.set({ storage_cluster_id: 'sqlite' }, await storage.sizeBytes())
    },
  })
}
