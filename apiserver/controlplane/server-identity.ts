/**
 * Who this API server is among all: a name made of the host's, and the Lease `kube-system/<name>` that is renewed for as long as
 * the server runs. Upstream: apiserver pkg/server/config.go (APIServerID), pkg/controlplane/apiserver/server.go,
 * component-helpers apimachinery/lease. Differs: no `kubernetes.io/peer-advertise-address`, because servers do not proxy to peers.
 */
import { createHash } from 'node:crypto'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { type Clock, formatMicroTime, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface ServerIdentityOptions {
  /** May write Leases of kube-system. */
  readonly client: Client
  readonly hostname: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** The component an identity Lease belongs to: `kube-apiserver`. */
export const IDENTITY_LABEL = 'apiserver.kubernetes.io/identity'
export const IDENTITY = 'kube-apiserver'
const HOSTNAME_LABEL = 'kubernetes.io/hostname'
const NAMESPACE = 'kube-system'
const DURATION_SECONDS = 3_600
const RENEW_INTERVAL_MS = 10_000
/** Intervals are up to a twenty-fifth longer. */
const JITTER = 0.04
const RETRY_MS = 200
const RETRY_MAX_MS = 7_000
const LABEL_VALUE = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** Keeps the Lease until the signal aborts. Never rejects: without a Lease the server serves all the same. */
export async function keepIdentityLease(options: ServerIdentityOptions, signal: AbortSignal): Promise<void> {
  const { client, hostname, clock, random, logger } = options
  const name = serverName(hostname)
  const holderIdentity = `${name}_${random.uuid()}`
  const labels = { [IDENTITY_LABEL]: IDENTITY, ...(LABEL_VALUE.test(hostname) ? { [HOSTNAME_LABEL]: hostname } : {}) }
  const pause = (ms: number): Promise<void> => sleep(clock, ms, signal).catch(() => undefined)
  let waitMs = RETRY_MS
  let lease: DeepReadonly<Lease> | undefined
  // A server that crashed left its Lease behind: ours is another one.
  await client.delete(LEASES, { namespace: NAMESPACE, name }, { signal }).catch(() => undefined)
  while (!signal.aborted) {
    try {
      lease = await renewed(lease)
      waitMs = RETRY_MS
      await pause(RENEW_INTERVAL_MS * (1 + (JITTER * random.int(1_000)) / 1_000))
    } catch (err: unknown) {
      lease = undefined
      if (signal.aborted) return
      logger.warn(
        { lease: { namespace: NAMESPACE, name }, reason: errorMessage(err) },
        'the identity lease was not renewed',
      )
      await pause(waitMs)
      waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)
    }
  }

  async function renewed(last: DeepReadonly<Lease> | undefined): Promise<DeepReadonly<Lease>> {
    const renewTime = formatMicroTime(clock.now())
    const key = { namespace: NAMESPACE, name }
    const current = last ?? (await client.get(LEASES, key, { signal }).catch(undefinedIfNotFound))
    if (current === undefined) {
      const spec = { holderIdentity, leaseDurationSeconds: DURATION_SECONDS, renewTime }
      const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...key, labels }, spec }
      return client.create(LEASES, object, { signal })
    }
    const { metadata, spec } = current
    const object = {
      ...current,
      metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
      spec: { ...spec, holderIdentity, leaseDurationSeconds: DURATION_SECONDS, renewTime },
    }
    return client.update(LEASES, object, { signal })
  }
}

/** `apiserver-` and half a digest of the host's name and the component's, each after its length. */
export function serverName(hostname: string): string {
  const hash = createHash('sha256')
  for (const text of [hostname, IDENTITY]) {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(Buffer.byteLength(text))
    hash.update(length).update(text)
  }
  return `apiserver-${base32(hash.digest().subarray(0, 16))}`
}

/** RFC 4648 in lower case, without padding. */
function base32(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) text += BASE32.charAt((value >>> (bits - 5)) & 31)
    value &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + BASE32.charAt((value << (5 - bits)) & 31)
}
