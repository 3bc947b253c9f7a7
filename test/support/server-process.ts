/** `knarr server` as users run it: the built command in a child process, with its own data folder and a free port. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtServer } from './server-build.ts'

const READY_TIMEOUT_MS = 30_000

export interface ServerProcessOptions {
  /** Appended to the command line. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Default: a new temporary folder, removed by `dispose`. */
  readonly dataDir?: string
  readonly port?: number
}

export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly durationMs: number
}

/** One started command and everything it printed. */
class Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  output = ''
  #onOutput = (): void => undefined

  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        this.#onOutput()
      })
    }
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }))
  }

  /** Resolves with the log line of that message; rejects when the process ends first. */
  async logged(message: string): Promise<Record<string, unknown>> {
    const line = new Promise<Record<string, unknown>>((resolve) => {
      this.#onOutput = () => {
        const found = this.output.split('\n').find((text) => text.includes(`"msg":"${message}"`))
        if (found !== undefined) resolve(JSON.parse(found) as Record<string, unknown>)
      }
    })
    let timer: NodeJS.Timeout | undefined
    const failed = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no "${message}" in time:\n${this.output}`)), READY_TIMEOUT_MS)
      void this.ended.then(({ code }) =>
        reject(new Error(`the server ended with ${code} before "${message}":\n${this.output}`)),
      )
    })
    try {
      return await Promise.race([line, failed])
    } finally {
      clearTimeout(timer)
    }
  }
}

export class ServerProcess {
  readonly dataDir: string
  readonly kubeconfig: string
  readonly #options: ServerProcessOptions
  readonly #script: string
  #run: Run | undefined
  #address = ''

  constructor(script: string, options: ServerProcessOptions) {
    this.#script = script
    this.#options = options
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'knarr-e2e-'))
    this.kubeconfig = join(this.dataDir, 'kubeconfig.yaml')
  }

  /** https://host:port */
  get url(): string {
    return this.#address
  }

  get port(): number {
    return Number(new URL(this.#address).port)
  }

  get pid(): number | undefined {
    return this.#run?.child.pid
  }

  /** Everything the current (or last) process printed. */
  get log(): string {
    return this.#run?.output ?? ''
  }

  get manifests(): string {
    return join(this.dataDir, 'server', 'manifests')
  }

  async start(port = this.#options.port ?? 0, extraArgs: readonly string[] = []): Promise<void> {
    const args = ['server', '-d', this.dataDir, '-o', this.kubeconfig, '--bind-address', '127.0.0.1']
    args.push('--https-listen-port', String(port), '--log-format', 'json', ...(this.#options.args ?? []), ...extraArgs)
    this.#run = new Run(this.#script, args, this.#options.env ?? {})
    running.add(this.#run.child)
    const { address } = await this.#run.logged('knarr is ready')
    this.#address = String(address)
  }

  /** How and how fast it ended. */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<ProcessEnd> {
    const run = this.#run
    if (run === undefined) throw new Error('the server was never started')
    const startMs = performance.now()
    run.child.kill(signal)
    const end = await run.ended
    running.delete(run.child)
    return { ...end, durationMs: performance.now() - startMs }
  }

  /** On the same port and data folder; `extraArgs` for this start only. */
  async restart(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM', extraArgs: readonly string[] = []): Promise<void> {
    await this.stop(signal)
    await this.start(this.port, extraArgs)
  }

  /** Kills what still runs and removes the data folder it made. */
  async dispose(): Promise<void> {
    if (this.#run !== undefined && this.#run.child.exitCode === null && this.#run.child.signalCode === null)
      await this.stop('SIGKILL')
    if (this.#options.dataDir === undefined) rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** No server outlives the test process. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Built when needed, started, ready. */
export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const server = new ServerProcess(await builtServer(), options)
  await server.start()
  return server
}

export interface CommandResult {
  readonly code: number | null
  readonly output: string
}

/** `knarr ARGS...` that is expected to end by itself, or it is killed (code null); output is stdout and stderr as printed. */
export async function runKnarr(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const run = new Run(await builtServer(), args, env)
  running.add(run.child)
  const timer = setTimeout(() => run.child.kill('SIGKILL'), READY_TIMEOUT_MS)
  const { code } = await run.ended
  clearTimeout(timer)
  running.delete(run.child)
  return { code, output: run.output }
}

export interface KnarrProcess {
  /** Everything it has printed. */
  readonly log: () => string
  /** Resolves with its exit status. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** `knarr ARGS...` that runs until it is stopped; resolves when it has logged `message` (as JSON). */
export async function startKnarr(args: readonly string[], message: string): Promise<KnarrProcess> {
  const run = new Run(await builtServer(), args, {})
  running.add(run.child)
  await run.logged(message)
  return {
    log: () => run.output,
    async stop(signal = 'SIGTERM') {
      run.child.kill(signal)
      const { code } = await run.ended
      running.delete(run.child)
      return code
    },
  }
}
