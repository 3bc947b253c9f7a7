// The built server as a child process with its own data folder and a free port.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Resolves when its log says it is ready: {child, readyMs, kubeconfig}. */
export function startServer(directory, moreArgs = []) {
  const kubeconfig = join(directory, 'kubeconfig.yaml')
  const args = [
    'dist/knarr.js',
    'server',
    '--data-dir',
    directory,
    '--https-listen-port',
    '0',
    '--bind-address',
    '127.0.0.1',
    ...moreArgs,
  ]
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...args, '--write-kubeconfig', kubeconfig, '--log-format', 'json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000)
      if (output.includes('"knarr is ready"')) resolve({ child, readyMs: performance.now() - startedMs, kubeconfig })
    })
    child.on('exit', (code) => reject(new Error(`server ended with ${code}: ${output.slice(-2000)}`)))
  })
}

export async function stop({ child }) {
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

/** The server is stopped whatever happens to `work`. */
export async function withServer(directory, work) {
  const server = await startServer(directory)
  try {
    return await work(server)
  } finally {
    await stop(server)
  }
}

export const rssMb = ({ child }) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024)
