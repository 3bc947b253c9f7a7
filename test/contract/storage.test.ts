/** Runs the storage contract against every driver. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { storageContract } from './storage.contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'knarr-storage-'))
let files = 0

storageContract('memory', async (clock) => new MemoryStorage({ clock }))
storageContract('sqlite', (clock) => openSqliteStorage({ path: join(directory, `${files++}.db`), clock }))

afterAll(() => rmSync(directory, { recursive: true, force: true }))
