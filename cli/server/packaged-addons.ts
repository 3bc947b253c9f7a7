/**
 * Puts the add-ons of this version into the manifests folder at start, where the deploy controller finds them like any
 * other file. A changed packaged file is overwritten, as k3s does; what --disable names is not written.
 * Upstream: k3s pkg/deploy/stage.go.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PackagedAddon } from '#addons/interfaces.ts'

export async function stageAddons(
  folder: string,
  addons: readonly PackagedAddon[],
  disabled: readonly string[],
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const addon of addons) if (!isDisabled(addon, disabled)) await stage(folder, addon)
}

async function stage(folder: string, { fileName, yaml }: PackagedAddon): Promise<void> {
  const path = join(folder, fileName)
  // What an earlier start put aside for --disable is in use again.
  await rm(`${path}.disabled`, { force: true })
  const present = await readFile(path, 'utf8').catch(() => undefined)
  if (present === yaml) return
  // Renamed into place: whoever watches the folder sees the old file or the new one.
  const temporary = join(folder, `.${fileName}.tmp`)
  await writeFile(temporary, yaml, { mode: 0o600 })
  await rename(temporary, path)
}

const isDisabled = ({ fileName }: PackagedAddon, disabled: readonly string[]): boolean =>
  disabled.includes(fileName) || disabled.includes(fileName.replace(/\.ya?ml$/, ''))
