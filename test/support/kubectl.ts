/**
 * Unmodified kubectl binaries as judges: found where scripts/install-test-tools.sh puts them. Where one is absent its tests
 * are skipped and say so; under CI=true they fail.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

export const KUBECTL_VERSIONS = ['1.20', '1.36'] as const
export type KubectlVersion = (typeof KUBECTL_VERSIONS)[number]

const TIMEOUT_MS = 60_000

export interface FoundKubectl {
  readonly version: KubectlVersion
  /** undefined: not installed. */
  readonly path: string | undefined
  /** For test names: the version, and why it is skipped. */
  readonly title: string
}

/** Throws under CI=true when the binary is absent. */
export function findKubectl(version: KubectlVersion): FoundKubectl {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const path = join(process.env['KNARR_TEST_TOOLS'] ?? join(cache, 'knarr-test-tools'), `kubectl-${version}`)
  const title = `kubectl ${version}`
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return { version, path, title }
  const why = `${path} is absent: run scripts/install-test-tools.sh`
  if (process.env['CI'] === 'true') throw new Error(why)
  return { version, path: undefined, title: `${title} (skipped: ${why})` }
}

export interface KubectlResult {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

export interface KubectlOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
}

export class Kubectl {
  readonly version: KubectlVersion
  readonly #path: string
  readonly #kubeconfig: string
  readonly #home: string
  readonly #namespace: string | undefined

  /** `home` holds its caches. With a namespace every command gets `-n`. */
  constructor(
    found: { readonly version: KubectlVersion; readonly path: string },
    kubeconfig: string,
    home = mkdtempSync(join(tmpdir(), 'knarr-kubectl-')),
    namespace?: string,
  ) {
    this.version = found.version
    this.#path = found.path
    this.#kubeconfig = kubeconfig
    this.#home = home
    this.#namespace = namespace
  }

  in(namespace: string): Kubectl {
    return new Kubectl({ version: this.version, path: this.#path }, this.#kubeconfig, this.#home, namespace)
  }

  dispose(): void {
    rmSync(this.#home, { recursive: true, force: true })
  }

  /** Ends by itself or after a minute; never throws for what the command says. */
  async run(args: readonly string[], options: KubectlOptions = {}): Promise<KubectlResult> {
    return this.start(args, options).result
  }

  /** stdout of a command that must succeed. */
  async ok(args: readonly string[] | string, stdin?: string): Promise<string> {
    const list = typeof args === 'string' ? args.split(' ') : args
    const result = await this.run(list, stdin === undefined ? {} : { stdin })
    if (result.code !== 0)
      throw new Error(`kubectl ${list.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`)
    return result.stdout
  }

  /** stderr of a command that must fail. */
  async fails(args: readonly string[] | string, stdin?: string): Promise<string> {
    const list = typeof args === 'string' ? args.split(' ') : args
    const result = await this.run(list, stdin === undefined ? {} : { stdin })
    if (result.code === 0) throw new Error(`kubectl ${list.join(' ')} was expected to fail:\n${result.stdout}`)
    return result.stderr
  }

  async json<T = Record<string, unknown>>(args: readonly string[] | string): Promise<T> {
    const list = typeof args === 'string' ? args.split(' ') : args
    return JSON.parse(await this.ok([...list, '-o', 'json'])) as T
  }

  /** For commands that go on until stopped: `output` grows meanwhile. */
  start(args: readonly string[], { stdin, env = {} }: KubectlOptions = {}): RunningKubectl {
    const place = this.#namespace === undefined ? [] : ['-n', this.#namespace]
    const all = ['--kubeconfig', this.#kubeconfig, '--cache-dir', join(this.#home, 'cache'), ...place, ...args]
    return new RunningKubectl(this.#path, all, stdin, {
      PATH: process.env['PATH'] ?? '',
      HOME: this.#home,
      ...env,
    })
  }
}

class RunningKubectl {
  stdout = ''
  stderr = ''
  readonly result: Promise<KubectlResult>
  readonly #kill: () => void

  constructor(path: string, args: readonly string[], stdin: string | undefined, env: Record<string, string>) {
    const child = spawn(path, args, { env, stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    child.stdin.on('error', () => undefined) // It may end without reading.
    child.stdin.end(stdin ?? '')
    this.#kill = () => child.kill('SIGKILL')
    this.result = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ stdout: this.stdout, stderr: this.stderr, code }))
    })
  }

  async stop(): Promise<void> {
    this.#kill()
    await this.result
  }
}
