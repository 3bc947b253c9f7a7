/**
 * The manifests directory as a list of files, each with the name of the Addon it stands for. Recursive; symbolic links to
 * files and folders are followed, broken ones ignored. Upstream: k3s pkg/deploy/controller.go (listFiles, disables, skips).
 * Differs: names are made valid and unique, so `my_app.yaml` and two files of the same name work.
 */
import { createHash } from 'node:crypto'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { toError } from '#machinery/util/errors.ts'

export interface ManifestFile {
  readonly path: string
  /** From the manifests directory, with slashes. */
  readonly relativePath: string
  readonly addonName: string
  readonly mtimeMs: number
  /** Changes with the content even where a copy keeps the time, and with the permissions. */
  readonly ctimeMs: number
  readonly sizeBytes: number
  readonly inode: number
  /** A `<name>.skip` file exists somewhere: leave the file and what it created alone. */
  readonly isSkipped: boolean
  /** Named by --disable: remove what it created, and put the file aside. */
  readonly isDisabled: boolean
}

export interface ManifestListing {
  readonly files: readonly ManifestFile[]
  /** Every folder seen, to be watched, with what tells it from one made anew in its place. */
  readonly directories: ReadonlyMap<string, string>
  /** Folders that are there but could not be read: what is in them is unknown, not gone. */
  readonly unreadable: readonly { readonly path: string; readonly error: Error }[]
}

const EXTENSION = /\.(ya?ml|json)$/i
/** Deeper folders are not looked into: a link that leads to its own parent would never end. */
const DEPTH_MAX = 16
const FILES_MAX = 10_000
/** A link may lead anywhere, to the whole disk even. */
const DIRECTORIES_MAX = 1000

interface FoundFile {
  readonly path: string
  readonly relativePath: string
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly sizeBytes: number
  readonly inode: number
}

/** `sourceOf` tells which path an existing Addon of that name came from, so a name stays with the file that has it. */
export async function listManifests(
  root: string,
  disabled: readonly string[],
  sourceOf: (addonName: string) => string | undefined,
): Promise<ManifestListing> {
  const found: FoundFile[] = []
  const directories = new Map<string, string>()
  const unreadable: ManifestListing['unreadable'][number][] = []
  await walk(root, '', { found, directories, unreadable, visited: new Set() })
  const skipped = new Set(
    found.filter((file) => file.path.endsWith('.skip')).map((file) => basename(file.path, '.skip')),
  )
  const manifests = found
    .filter((file) => EXTENSION.test(file.path))
    .sort((a, b) => compare(a.relativePath, b.relativePath))
  const names = assignNames(manifests, sourceOf)
  const files = manifests.map((file) => ({
    ...file,
    addonName: names.get(file.path) ?? '',
    isSkipped: skipped.has(basename(file.path)),
    isDisabled: isDisabled(file.relativePath, disabled),
  }))
  return { files, directories, unreadable }
}

interface Walk {
  readonly found: FoundFile[]
  readonly directories: Map<string, string>
  readonly unreadable: ManifestListing['unreadable'][number][]
  /** Real paths, so that a folder reached through two links is read once. */
  readonly visited: Set<string>
}

/** Throws when the root cannot be read. */
async function walk(directory: string, relative: string, walkState: Walk, depth = 0): Promise<void> {
  const real = await realpath(directory)
  if (depth > DEPTH_MAX || walkState.visited.has(real) || walkState.visited.size >= DIRECTORIES_MAX) return
  walkState.visited.add(real)
  const { ino, birthtimeMs } = await stat(directory)
  const names = (await readdir(directory)).sort()
  // A number alone is soon given out again.
  walkState.directories.set(directory, `${ino} ${birthtimeMs}`)
  for (const name of names) {
    if (name.startsWith('.')) continue
    const path = join(directory, name)
    const info = await stat(path).catch(() => undefined) // A broken link, or deleted meanwhile.
    if (info === undefined) continue
    const relativePath = relative === '' ? name : `${relative}/${name}`
    if (info.isDirectory()) await walkBelow(path, relativePath, walkState, depth + 1)
    else if (info.isFile() && walkState.found.length < FILES_MAX) {
      const { mtimeMs, ctimeMs, size: sizeBytes, ino: inode } = info
      walkState.found.push({ path, relativePath, mtimeMs, ctimeMs, sizeBytes, inode })
    }
  }
}

/** One folder that cannot be read must not keep the others' files from being seen. */
async function walkBelow(directory: string, relative: string, walkState: Walk, depth: number): Promise<void> {
  try {
    await walk(directory, relative, walkState, depth)
  } catch (err: unknown) {
    const isGone = ['ENOENT', 'ENOTDIR'].includes((err as NodeJS.ErrnoException).code ?? '')
    if (!isGone) walkState.unreadable.push({ path: directory, error: toError(err) })
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** k3s' name (up to the first dot) made a valid object name; a second file of that name gets a hash of its path. */
function assignNames(files: readonly FoundFile[], sourceOf: (name: string) => string | undefined): Map<string, string> {
  const byName = new Map<string, FoundFile[]>()
  for (const file of files) {
    const name = addonNameOf(file.relativePath)
    byName.set(name, [...(byName.get(name) ?? []), file])
  }
  const names = new Map<string, string>()
  for (const [name, sharing] of byName) {
    const owner = sharing.find((file) => file.path === sourceOf(name)) ?? sharing[0]
    for (const file of sharing) names.set(file.path, file === owner ? name : `${name}-${shortHash(file.relativePath)}`)
  }
  return names
}

/** Lower case, other characters become dashes, at most 50 long: room for the collision suffix. */
export function addonNameOf(relativePath: string): string {
  const stem = basename(relativePath).split('.')[0] ?? ''
  const name = stem
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '')
  return name === '' ? `addon-${shortHash(relativePath)}` : name
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

/** `foo` matches foo.yaml anywhere and everything below a folder foo; `a/b` everything below a/b. */
function isDisabled(relativePath: string, disabled: readonly string[]): boolean {
  const stem = basename(relativePath).replace(EXTENSION, '')
  const folder = dirname(relativePath)
  return disabled.some(
    (name) => name === stem || name === basename(relativePath) || folder === name || folder.startsWith(`${name}/`),
  )
}
