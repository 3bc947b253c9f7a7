/**
 * Unmodified client-go speaking protobuf and nothing else, and its encoder as the judge of ours. The program is built by
 * scripts/build-client-go.sh, which .ci/run does (minutes, so `npm test` does not); where it is absent the tests skip and say so.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaFacts } from '#machinery/schema/facts.ts'
import { encodeProtobuf } from '#machinery/schema/protobuf/encode.ts'
import { randomObject, seededRandom } from '#test/support/random-object.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const program = join(process.env['KNARR_TEST_TOOLS'] ?? join(cache, 'knarr-test-tools'), 'client-go-protobuf')
const isBuilt = statSync(program, { throwIfNoEntry: false }) !== undefined
const why = isBuilt ? '' : ` (skipped: ${program} is absent: run scripts/build-client-go.sh)`

const TIMEOUT_MS = 90_000

async function run(args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve())
  })
  child.stdin.end(input)
  await ended
  return Buffer.concat(chunks).toString()
}

describe.skipIf(!isBuilt)(`client-go${why}`, () => {
  let server: ServerProcess
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'knarr-client-go-'))
    const tokens = join(folder, 'tokens.csv')
    writeFileSync(tokens, 'client-go-token,admin,,"system:masters"\n')
    server = await startServerProcess({ args: ['--token-auth-file', tokens] })
  })

  afterAll(async () => {
    await server.dispose()
    rmSync(folder, { recursive: true, force: true })
  })

  it(
    'lists, watches, writes, reviews, scales and discovers in protobuf',
    async () => {
      const lines = (await run(['session', server.url, 'client-go-token'])).trim().split('\n')
      expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([])
      expect(lines.at(-1)).toBe('ok discovery has groups')
    },
    TIMEOUT_MS,
  )

  it(
    'encodes random objects of every kind to the same bytes',
    async () => {
      const objects = schemaFacts()
        .file.kinds.filter(([, , kind]) => kind !== 'Table')
        .flatMap(([group, version, kind, type]) => {
          const apiVersion = group === '' ? version : `${group}/${version}`
          const whole = [1, 2].map((seed) => randomObject(type, seededRandom(seed)))
          const parts = [3, 4].map((seed) => withoutSome(randomObject(type, seededRandom(seed)), seededRandom(seed)))
          return [...whole, ...parts, {}].map((members) => ({ kind, apiVersion, ...members }))
        })
      const answers = (await run(['encode'], objects.map((object) => `${JSON.stringify(object)}\n`).join('')))
        .trim()
        .split('\n')
      expect(answers).toHaveLength(objects.length)
      const known = answers.filter((answer) => answer !== 'unknown')
      expect(known.length).toBeGreaterThan(1_500)
      const different = known.filter((answer) => !isSame(answer))
      expect(different.map((answer) => answer.slice(0, 200))).toEqual([])
    },
    TIMEOUT_MS,
  )
})

/** Go's own JSON is what is encoded: it has dropped what Go does not know. */
function isSame(answer: string): boolean {
  const [hex = '', ...json] = answer.split(' ')
  if (hex === 'error') return false
  return encodeProtobuf(JSON.parse(json.join(' ')) as object)?.toString('hex') === hex
}

/** So that members are absent that an object of the kind usually has. */
function withoutSome(value: object, random: () => number): object {
  const entries = Object.entries(value).filter(() => random() > 0.15)
  return Object.fromEntries(entries.map(([name, member]) => [name, thin(member, random)]))
}

function thin(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((element) => thin(element, random))
  return typeof value === 'object' && value !== null ? withoutSome(value, random) : value
}
