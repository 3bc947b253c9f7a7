/**
 * Key and certificate files: 0600 in a 0700 directory, replaced atomically and only after the new bytes are on disk, so
 * that a power cut leaves the old file or the new one, never half of either.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import type { Random } from '#machinery/util/random.ts'

export async function ensurePrivateDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
}

export async function writePrivateFile(path: string, content: string, random: Random): Promise<void> {
  const temporary = `${path}.${random.bytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (err: unknown) {
    await rm(temporary, { force: true })
    throw new Error(`failed to write ${path}`, { cause: err })
  }
}

/** Makes renames in the directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Undefined when there is no such file. */
export async function readFileIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`failed to read ${path}`, { cause: err })
  }
}
