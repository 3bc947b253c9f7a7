/** What is in the manifests folder after a start. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localStorageAddon } from '#addons/local-storage.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { stageAddons } from './packaged-addons.ts'

const addon = { fileName: 'web.yaml', yaml: 'a: 1\n' }
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knarr-addons-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('stageAddons', () => {
  it('writes what is missing or different, and nothing else', async () => {
    await writeFile(join(folder, 'mine.yaml'), 'b: 2\n')
    await writeFile(join(folder, 'web.yaml'), 'edited\n')
    await stageAddons(folder, [addon], [])
    expect((await readdir(folder)).sort()).toEqual(['mine.yaml', 'web.yaml'])
    expect(await readFile(join(folder, 'web.yaml'), 'utf8')).toBe(addon.yaml)
    const { ino } = await stat(join(folder, 'web.yaml'))
    await stageAddons(folder, [addon], [])
    expect((await stat(join(folder, 'web.yaml'))).ino).toBe(ino)
  })

  it.each(['web', 'web.yaml'])('does not write what --disable %s names', async (name) => {
    await stageAddons(join(folder, 'new'), [addon], [name])
    expect(await readdir(join(folder, 'new'))).toEqual([])
  })

  it('forgets what was put aside when it is enabled again', async () => {
    await writeFile(join(folder, 'web.yaml.disabled'), addon.yaml)
    await stageAddons(folder, [addon], [])
    expect(await readdir(folder)).toEqual(['web.yaml'])
  })
})

it('local-storage.yaml says where volumes go, whatever the folder is called', () => {
  const localPath = '/mnt/a "quoted": #folder'
  const [storageClass, configMap] = parseYamlDocuments(localStorageAddon({ localPath }).yaml)
  expect(storageClass?.value).toMatchObject({ provisioner: 'rancher.io/local-path', reclaimPolicy: 'Delete' })
  const written = configMap?.value as ConfigMap | undefined
  expect(JSON.parse(written?.data?.['config.json'] ?? '')).toEqual({
    nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: [localPath] }],
  })
})
