/**
 * Tells when the manifests directory may have changed: one plain fs.watch per folder (recursive watching misses the atomic
 * symlink swap of mounted ConfigMaps) and a slow periodic look for file systems without events. Bursts are one signal.
 */
import type { FSWatcher } from 'node:fs'
import { watch } from 'node:fs'
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'

const DEBOUNCE_MS = 60
const RESCAN_MS = 10_000

export class ManifestWatcher {
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>()
  readonly #rescan: TimerHandle
  #pending: TimerHandle | undefined
  #isClosed = false

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock
    this.#onChange = onChange
    this.#rescan = clock.setInterval(onChange, RESCAN_MS)
  }

  /** Watches exactly these folders from now on: path to identity, for a watch stays with a folder that has been deleted. */
  watch(directories: ReadonlyMap<string, string>): void {
    if (this.#isClosed) return
    for (const [directory, { watcher, identity }] of this.#watchers) {
      if (directories.get(directory) === identity) continue
      watcher.close()
      this.#watchers.delete(directory)
    }
    for (const [directory, identity] of directories) if (!this.#watchers.has(directory)) this.#open(directory, identity)
  }

  close(): void {
    this.#isClosed = true
    this.#rescan.cancel()
    this.#pending?.cancel()
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #open(directory: string, identity: string): void {
    try {
      const watcher = watch(directory, () => this.#changed())
      watcher.on('error', () => {
        // The folder is gone or cannot be watched any more: the periodic look goes on without it.
        watcher.close()
        this.#watchers.delete(directory)
        this.#changed()
      })
      this.#watchers.set(directory, { watcher, identity })
    } catch {
      // Out of inotify watches, or deleted meanwhile: the periodic look still sees it.
    }
  }

  #changed(): void {
    if (this.#isClosed) return
    this.#pending?.cancel()
    this.#pending = this.#clock.setTimeout(this.#onChange, DEBOUNCE_MS)
  }
}
