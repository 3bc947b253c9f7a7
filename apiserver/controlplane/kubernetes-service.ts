/**
 * Keeps the Service `kubernetes` and, among several API servers of one datastore, this server's address in its endpoints: each
 * server renews its own lease and writes all that are there; one that stops takes its own away, one that is gone for 15 s is
 * dropped by the others. The last server that stops leaves its address behind, as upstream.
 * Upstream: pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers/lease.go.
 */
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { familyOf, type IpFamily } from '#machinery/meta/ip-address.ts'
import { type Clock, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { writeKubernetesEndpoints } from './kubernetes-endpoints.ts'
import type { MasterLeases } from './master-leases.ts'

export interface KubernetesServiceOptions {
  readonly client: Client
  readonly leases: MasterLeases
  /** The Service's own: the first of the first service network. */
  readonly clusterIp: string
  /** Where this server can be reached from pods; undefined: it is no endpoint. */
  readonly advertiseAddress: string | undefined
  /** The port it listens on there. */
  readonly port: number
  readonly clock: Clock
  readonly logger: Logger
}

const KEY = { namespace: 'default', name: 'kubernetes' } as const
const LABELS = { component: 'apiserver', provider: 'kubernetes' } as const
const INTERVAL_MS = 10_000
/** A storage that does not answer must not keep the server from stopping. */
const STOP_TIMEOUT_MS = 2 * INTERVAL_MS

export class KubernetesService {
  readonly #options: KubernetesServiceOptions
  readonly #family: IpFamily
  /** Aborts when this server is no longer to be an endpoint. */
  readonly #stopped = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: KubernetesServiceOptions) {
    this.#options = options
    this.#family = familyOf(options.clusterIp)
  }

  /** The Service and its endpoints are there, with the port of this server, when it resolves. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#reconcile(true, signal)
    const { clock, logger } = this.#options
    const either = AbortSignal.any([signal, this.#stopped.signal])
    this.#running = (async () => {
      while (!either.aborted) {
        await sleep(clock, INTERVAL_MS, either).catch(() => undefined)
        if (either.aborted) return
        await this.#reconcile(false, either).catch((err: unknown) => {
          if (!either.aborted) logger.warn({ reason: errorMessage(err) }, 'the kubernetes Service was not kept')
        })
      }
    })()
  }

  /** Takes this server out of the endpoints. Never rejects, and gives up after a while. */
  async stop(): Promise<void> {
    const { clock, logger, advertiseAddress } = this.#options
    this.#stopped.abort()
    if (advertiseAddress === undefined) return
    const deadline = new AbortController()
    const timer = clock.setTimeout(() => deadline.abort(new Error('timed out')), STOP_TIMEOUT_MS)
    const gaveUp = new Promise<never>((_, reject) => {
      deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason), { once: true })
    })
    try {
      await Promise.race([this.#remove(advertiseAddress, deadline.signal), gaveUp])
    } catch (err: unknown) {
      logger.info({ reason: errorMessage(err) }, 'this server was not taken out of the kubernetes endpoints')
    } finally {
      timer.cancel()
    }
  }

  async #remove(address: string, signal: AbortSignal): Promise<void> {
    await this.#running
    const { leases } = this.#options
    await leases.remove(address)
    // Somebody may still be asked while this server is started again: the last address stays.
    if ((await this.#addresses()).length === 0) return
    await this.#writeEndpoints(true, signal)
  }

  async #reconcile(reconcilesPort: boolean, signal: AbortSignal): Promise<void> {
    const { leases, advertiseAddress } = this.#options
    await this.#ensureService(reconcilesPort, signal)
    if (advertiseAddress === undefined) return
    await leases.renew(advertiseAddress)
    await this.#writeEndpoints(reconcilesPort, signal)
  }

  async #writeEndpoints(reconcilesPort: boolean, signal: AbortSignal): Promise<void> {
    const { client, port } = this.#options
    const addresses = await this.#addresses()
    if (addresses.length === 0)
      throw new Error(
        'no API server IP addresses were listed in storage, refusing to erase all endpoints for the kubernetes Service',
      )
    await writeKubernetesEndpoints(client, { addresses, family: this.#family, port, reconcilesPort }, signal)
  }

  /** Of the servers that run, as far as they are of the Service's family. */
  async #addresses(): Promise<string[]> {
    return (await this.#options.leases.list()).filter((address) => familyOf(address) === this.#family)
  }

  /** Ports and type are put right when the server starts only: another server may want others. */
  async #ensureService(reconciles: boolean, signal: AbortSignal): Promise<void> {
    const { client } = this.#options
    const wanted = this.#service()
    const current = await client.get(SERVICES, KEY, { signal }).catch(undefinedIfNotFound)
    if (current === undefined) {
      await client.create(SERVICES, wanted, { signal }).catch((err: unknown) => {
        if (!isAlreadyExists(err)) throw err
      })
      return
    }
    const [port, ...others] = current.spec?.ports ?? []
    const [target] = wanted.spec?.ports ?? []
    const isSame =
      others.length === 0 &&
      port?.port === target?.port &&
      port?.targetPort === target?.targetPort &&
      port?.name === target?.name &&
      current.spec?.type === wanted.spec?.type
    if (!reconciles || isSame) return
    const { type, ports } = wanted.spec ?? {}
    await client.patch(SERVICES, KEY, { type: 'merge', body: { spec: { type, ports } } }, { signal })
  }

  #service(): Service {
    const { clusterIp, port } = this.#options
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...KEY, labels: { ...LABELS } },
      spec: {
        type: 'ClusterIP',
        clusterIP: clusterIp,
        ipFamilyPolicy: 'SingleStack',
        sessionAffinity: 'None',
        ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
      },
    }
  }
}
