/**
 * The manifests directory as a live source of keys: knows the current files by Addon name and tells which of them changed.
 * Relies on ManifestWatcher for when to look and on listManifests for what is there.
 */
import { mkdir } from 'node:fs/promises'
import type { Clock } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { ManifestFile } from './manifest-files.ts'
import { listManifests } from './manifest-files.ts'
import { ManifestWatcher } from './manifest-watcher.ts'

export interface ManifestDirectoryOptions {
  readonly path: string
  readonly disabled: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
}

export interface ManifestSubscriber {
  /** The file behind this Addon appeared, changed, or went. */
  changed(addonName: string): void
  /** The first listing is there: Addons whose file it lacks lost it while nobody looked. */
  listed(): void
  /** The path an existing Addon of that name was made from. */
  sourceOf(addonName: string): string | undefined
}

export class ManifestDirectory {
  readonly #options: ManifestDirectoryOptions
  #files: ReadonlyMap<string, ManifestFile> = new Map()
  #subscriber: ManifestSubscriber | undefined
  #scan: Promise<void> | undefined
  #isScanWanted = false
  #isListed = false

  constructor(options: ManifestDirectoryOptions) {
    this.#options = options
  }

  get path(): string {
    return this.#options.path
  }

  /** False until the first listing: until then an absent file means nothing. */
  get isListed(): boolean {
    return this.#isListed
  }

  file(addonName: string): ManifestFile | undefined {
    return this.#files.get(addonName)
  }

  /** Creates the directory, then looks and goes on looking until the signal aborts. */
  async start(signal: AbortSignal): Promise<void> {
    await mkdir(this.#options.path, { recursive: true, mode: 0o700 })
    const watcher = new ManifestWatcher(this.#options.clock, () => void this.refresh(watcher))
    signal.addEventListener('abort', () => watcher.close(), { once: true })
    await this.refresh(watcher)
  }

  /** The one receiver of changes; it hears of every file at once. */
  subscribe(subscriber: ManifestSubscriber): void {
    this.#subscriber = subscriber
    for (const name of this.#files.keys()) subscriber.changed(name)
    if (this.#isListed) subscriber.listed()
  }

  /** Looks now; calls that arrive during a look cause one more after it. */
  refresh(watcher: ManifestWatcher): Promise<void> {
    this.#isScanWanted = true
    this.#scan ??= this.#scanWhileWanted(watcher).finally(() => {
      this.#scan = undefined
    })
    return this.#scan
  }

  async #scanWhileWanted(watcher: ManifestWatcher): Promise<void> {
    while (this.#isScanWanted) {
      this.#isScanWanted = false
      try {
        await this.#list(watcher)
      } catch (err: unknown) {
        this.#options.logger.warn(
          { directory: this.#options.path, err: toError(err) },
          'cannot list the manifests directory',
        )
      }
    }
  }

  async #list(watcher: ManifestWatcher): Promise<void> {
    const sourceOf = (name: string): string | undefined => this.#subscriber?.sourceOf(name)
    const { path: root, disabled, logger } = this.#options
    const { files, directories, unreadable } = await listManifests(root, disabled, sourceOf)
    watcher.watch(directories)
    const before = this.#files
    const after = new Map(files.map((file) => [file.addonName, file]))
    for (const { path, error } of unreadable) {
      logger.warn({ directory: path, err: error }, 'cannot list a folder of manifests; its files count as unchanged')
      for (const [name, file] of before) if (file.path.startsWith(`${path}/`) && !after.has(name)) after.set(name, file)
    }
    this.#files = after
    const isFirst = !this.#isListed
    this.#isListed = true
    if (isFirst) this.#subscriber?.listed()
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      if (!isSameFile(before.get(name), after.get(name))) this.#subscriber?.changed(name)
    }
  }
}

function isSameFile(a: ManifestFile | undefined, b: ManifestFile | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return (
    a.path === b.path &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.sizeBytes === b.sizeBytes &&
    a.inode === b.inode &&
    a.isSkipped === b.isSkipped &&
    // Time stamps of a content-addressed store are always zero: such a file is looked at each time.
    b.mtimeMs !== 0
  )
}
