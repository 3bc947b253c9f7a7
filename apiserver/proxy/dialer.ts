/**
 * Connections to kubelets and to what runs in pods: TCP (or a node's tunnel), then TLS. Errors read as Go's, because people
 * and tools know them. Upstream: pkg/kubelet/client (kubelet_client.go), pkg/controlplane proxy transport.
 */
import { connect as connectTcp, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Backend, BackendDialer, NodeTunnels } from './interfaces.ts'

/** PEM. Read at each dial: certificates are renewed while we run. */
export interface KubeletTls {
  /** Whom we believe. */
  readonly ca: string
  /** Who we are. */
  readonly certificate: string
  readonly key: string
}

export interface DialerOptions {
  /** Undefined: kubelets see no client certificate and theirs is not verified. */
  readonly kubeletTls: () => KubeletTls | undefined
  readonly tunnels: NodeTunnels
  readonly clock: Clock
}

const DIAL_TIMEOUT_MS = 30_000
const TLS_TIMEOUT_MS = 10_000
const TCP_KEEP_ALIVE_MS = 30_000

class DialError extends Error {
  override readonly name = 'DialError'
}

export function createBackendDialer({ kubeletTls, tunnels, clock }: DialerOptions): BackendDialer {
  return {
    async dial(backend, signal) {
      signal.throwIfAborted()
      const { host, port } = backend
      const tunnel = tunnels.find(backend.nodeName)
      const socket = await (tunnel === undefined ? dialTcp(host, port, clock, signal) : tunnel.open(host, port, signal))
      if (backend.scheme === 'http') return socket
      return handshake(socket, tlsOptions(backend, kubeletTls()), clock, signal)
    },
  }
}

function tlsOptions({ host, trust, tls }: Backend, kubelet: KubeletTls | undefined): ConnectionOptions {
  const common = {
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2' as const,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    host,
  }
  if (tls !== undefined) {
    const { servername, ca, certificate, key } = tls
    const verify = ca === undefined ? { rejectUnauthorized: false } : { ca, rejectUnauthorized: true }
    return { ...common, servername, host: servername, cert: certificate, key, ...verify }
  }
  if (trust === 'workload' || kubelet === undefined) return { ...common, rejectUnauthorized: false }
  const { ca, certificate, key } = kubelet
  return { ...common, cert: certificate, key, ca, rejectUnauthorized: trust === 'kubelet' }
}

function dialTcp(host: string, port: number, clock: Clock, signal: AbortSignal): Promise<Duplex> {
  const socket = connectTcp({ host, port })
  const where = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
  return established(socket, 'connect', {
    describe: (err) => new DialError(describeTcp(err, host, where)),
    timeout: () => new DialError(`dial tcp ${where}: i/o timeout`),
    timeoutMs: DIAL_TIMEOUT_MS,
    clock,
    signal,
  }).then(() => {
    socket.setNoDelay(true)
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS)
    return socket
  })
}

async function handshake(
  below: Duplex,
  options: ConnectionOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<Duplex> {
  const socket = connectTls({ ...options, socket: below })
  await established(socket, 'secureConnect', {
    describe: (err) => new DialError(describeTls(err)),
    timeout: () => new DialError('net/http: TLS handshake timeout'),
    timeoutMs: TLS_TIMEOUT_MS,
    clock,
    signal,
  })
  return socket
}

interface Establishing {
  describe(err: unknown): Error
  timeout(): Error
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

function established(
  socket: Duplex,
  event: 'connect' | 'secureConnect',
  { describe, timeout, timeoutMs, clock, signal }: Establishing,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (err?: unknown): void => {
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
      socket.removeListener(event, onReady)
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
      if (err === undefined) {
        resolve()
        return
      }
      socket.on('error', () => undefined)
      socket.destroy()
      reject(err)
    }
    const onReady = (): void => settle()
    const onError = (err: unknown): void => settle(describe(err))
    const onClose = (): void => settle(new DialError('EOF'))
    const onAbort = (): void => settle(signal.reason)
    const timer = clock.setTimeout(() => settle(timeout()), timeoutMs)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once(event, onReady)
    socket.once('error', onError)
    socket.once('close', onClose)
  })
}

const TCP_FAULTS: ReadonlyMap<unknown, string> = new Map([
  ['ECONNREFUSED', 'connect: connection refused'],
  ['EHOSTUNREACH', 'connect: no route to host'],
  ['ENETUNREACH', 'connect: network is unreachable'],
  ['ETIMEDOUT', 'connect: connection timed out'],
  ['ECONNRESET', 'connect: connection reset by peer'],
  ['EACCES', 'connect: permission denied'],
  ['EADDRNOTAVAIL', 'connect: cannot assign requested address'],
])

function describeTcp(err: unknown, host: string, where: string): string {
  const code = codeOf(err)
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${host}: server misbehaving`
  return `dial tcp ${where}: ${TCP_FAULTS.get(code) ?? errorMessage(err)}`
}

const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

function describeTls(err: unknown): string {
  const code = codeOf(err)
  if (UNTRUSTED.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  if (code === 'CERT_HAS_EXPIRED')
    return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `tls: failed to verify certificate: x509: ${errorMessage(err)}`
  if (code === 'ECONNRESET') return 'EOF'
  return `remote error: tls: ${errorMessage(err)}`
}

function codeOf(err: unknown): unknown {
  const code = (err as { code?: unknown }).code
  if (code !== undefined || !(err instanceof AggregateError)) return code
  return codeOf(err.errors[0]) // A name with several addresses, none of which answered.
}
