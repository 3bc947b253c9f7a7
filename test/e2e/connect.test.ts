/** exec, attach, logs, port-forward and proxies with unmodified kubectl, against a fake kubelet. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { FoundKubectl } from '#test/support/kubectl.ts'
import { findKubectl, Kubectl } from '#test/support/kubectl.ts'
import type { StreamingWorld } from '#test/support/streaming-world.ts'
import { startStreamingWorld } from '#test/support/streaming-world.ts'

interface Way {
  readonly name: string
  readonly kubectl: FoundKubectl
  readonly env: Readonly<Record<string, string>>
  /** What the kubelet takes. */
  readonly webSocket: string | undefined
}

const SPDY_ONLY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }
const V5 = 'v5.channel.k8s.io'
const WAYS: readonly Way[] = [
  { name: 'SPDY, 1.20', kubectl: findKubectl('1.20'), env: {}, webSocket: undefined },
  { name: 'SPDY, 1.36', kubectl: findKubectl('1.36'), env: SPDY_ONLY, webSocket: undefined },
  { name: 'WebSocket translated to SPDY, 1.36', kubectl: findKubectl('1.36'), env: {}, webSocket: undefined },
  { name: 'WebSocket to the kubelet, 1.36', kubectl: findKubectl('1.36'), env: {}, webSocket: V5 },
]

/** Of kubectl's cache. */
const home = mkdtempSync(join(tmpdir(), 'knarr-kubectl-'))
let releaseLog: (() => void) | undefined

afterAll(() => rmSync(home, { recursive: true, force: true }))

function kubeletPages(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'https://kubelet')
  if (url.pathname === '/stats') response.end(`stats for ${request.method}`)
  else if (!url.pathname.startsWith('/containerLogs/')) response.writeHead(404).end('nothing here')
  else if (url.searchParams.get('follow') === 'true') {
    response.write('first\n')
    releaseLog = () => response.end('last\n')
  } else response.end(`log of ${url.pathname.slice('/containerLogs/'.length)}${url.search}\n`)
}

describe.each(WAYS)('$name', ({ kubectl: found, env, webSocket }) => {
  const { path } = found
  describe.skipIf(path === undefined)(found.title, () => {
    let world: StreamingWorld
    let kubectl: Kubectl

    beforeAll(async () => {
      world = await startStreamingWorld({
        onRequest: kubeletPages,
        ...(webSocket === undefined ? {} : { webSocket }),
      })
      kubectl = new Kubectl({ version: found.version, path: path ?? '' }, world.kubeconfig)
    })
    afterAll(async () => {
      kubectl.dispose()
      await world.stop()
    })

    const run = (args: string, stdin?: string) =>
      kubectl.run(args.split(' '), { env, ...(stdin === undefined ? {} : { stdin }) })

    it('keeps stdout and stderr apart', async () => {
      const result = await run('exec web -- both')
      expect(result).toEqual({ stdout: 'to stdout\n', stderr: 'to stderr\n', code: 0 })
    })

    it('passes the exit code on', async () => {
      const result = await run('exec web -- exit 3')
      expect(result.code).toBe(3)
      expect(result.stderr).toContain('failing')
      expect(result.stderr).toContain('command terminated with')
    })

    it('sends stdin to its end and all of stdout back', async () => {
      const text = 'knarr '.repeat(200_000)
      const result = await run('exec -i web -- cat', text)
      expect(result.code).toBe(0)
      expect(result.stdout === text).toBe(true)
    })

    it('lets the command see the end of stdin', async () => {
      expect((await run('exec -i web -- count', 'x'.repeat(300_000))).stdout).toBe('300000\n')
    })

    it('attaches', async () => {
      expect((await run('attach -i web', 'hello')).stdout).toContain('echo: hello')
    })

    it('tears down the kubelet side when the client is killed', async () => {
      const running = kubectl.start(['exec', 'web', '--', 'wait'], { env })
      await eventually(() => expect(running.stdout).toContain('waiting'))
      expect(world.kubelet.connections()).toBe(1)
      await running.stop()
      await eventually(() => expect(world.kubelet.connections()).toBe(0))
    })

    it('ends the client when the kubelet dies', async () => {
      const running = kubectl.start(['exec', 'web', '--', 'wait'], { env })
      await eventually(() => expect(running.stdout).toContain('waiting'))
      world.kubelet.dropConnections()
      await running.result
      await eventually(() => expect(world.kubelet.connections()).toBe(0))
    })

    it('forwards ports', async () => {
      const child = spawn(path ?? '', ['--kubeconfig', world.kubeconfig, 'port-forward', 'pod/web', ':8080'], {
        env: { HOME: home, PATH: process.env['PATH'] ?? '', ...env },
      })
      try {
        let printed = ''
        child.stdout.on('data', (chunk: Buffer) => {
          printed += chunk.toString()
        })
        child.stderr.on('data', (chunk: Buffer) => {
          printed += chunk.toString()
        })
        const port = await eventually(() => {
          const [, local] = /127\.0\.0\.1:(\d+) -> 8080/.exec(printed) ?? []
          if (local === undefined) throw new Error(`no port yet: ${printed}`)
          return Number(local)
        })
        const answers = await Promise.all([talk(port, 'one'), talk(port, 'two'), talk(port, 'x'.repeat(500_000))])
        expect(answers.slice(0, 2)).toEqual(['port 8080: one', 'port 8080: two'])
        expect(answers[2]).toHaveLength(500_011)
      } finally {
        child.kill('SIGKILL')
        await once(child, 'close')
      }
      await eventually(() => expect(world.kubelet.connections()).toBe(0))
    })

    it('reads logs with their options', async () => {
      const result = await run('logs web --tail=5 --timestamps --limit-bytes=100')
      expect(result.stdout).toMatch(/^log of default\/web\/app\?limitBytes=100&tailLines=5&timestamps=true\n$/)
    })

    it('follows a log until it ends', async () => {
      const running = kubectl.start(['logs', '-f', 'web'], { env })
      await eventually(() => expect(running.stdout).toBe('first\n'))
      releaseLog?.()
      expect(await running.result).toEqual({ stdout: 'first\nlast\n', stderr: '', code: 0 })
    })

    it('reads from the node through its proxy', async () => {
      expect((await run('get --raw /api/v1/nodes/worker/proxy/stats')).stdout).toBe('stats for GET')
    })

    it('says that the node is not reachable', async () => {
      const result = await run('exec missing -- both')
      expect(result.stderr).toContain('pods "missing" not found')
    })
  })
})

/** What comes back for it, half-closing after it. */
async function talk(port: number, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  socket.end(text)
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
