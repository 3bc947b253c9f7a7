/**
 * The process that storage-crash.test.ts kills: opens a database, runs a thousand writers at once for as long as it lives,
 * and reports every acknowledged write as a line `key revision n`. Started as `node --import tsx`.
 */
import { writeSync } from 'node:fs'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { systemClock } from '#machinery/util/clock.ts'

const WRITERS = 1000
const [, , path = '', round = ''] = process.argv

/** Self-describing, so that half a value is recognized; of very different sizes. */
export function testValue(key: string, n: number): Buffer {
  return Buffer.from(JSON.stringify({ key, n, filler: 'x'.repeat((n * 7919) % 6000), end: true }))
}

/** Out before the next write is issued, so that the parent's view is never ahead of ours; the pipe may be full for a while. */
function report(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (err) {
      if ((err as { code?: string }).code !== 'EAGAIN') throw err
    }
  }
}

async function run(): Promise<void> {
  const storage = await openSqliteStorage({ path, clock: systemClock })
  report('open')
  const writer = async (id: number): Promise<void> => {
    const key = `/registry/test/${round}-${id}`
    let { revision } = await storage.create(key, testValue(key, 0))
    report(`${key} ${revision} 0`)
    for (let n = 1; ; n++) {
      revision = (await storage.update(key, testValue(key, n), revision)).revision
      report(`${key} ${revision} ${n}`)
    }
  }
  await Promise.all(Array.from({ length: round === '' ? 0 : WRITERS }, (_, id) => writer(id)))
  // Without a round the process only holds the lock.
  await new Promise(() => setInterval(() => {}, 60_000))
}

if (path !== '') await run()
