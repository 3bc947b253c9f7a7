/**
 * Signs approved requests of the kubernetes.io signers with the cluster's certificate authorities.
 *
 * Reads: requests from the cache.  Writes: certificatesigningrequests/status.
 * Upstream: pkg/controller/certificates/signer.
 */
import { CERTIFICATE_SIGNING_REQUESTS } from '#machinery/api/certificates/v1/resources.gen.ts'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { ControllerDefinition, ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, TerminalError } from '#sdk'
import { CSR_SIGNING_CONTROLLER } from '../manager/names.ts'
import type { CertificateTools, FrozenRequest } from './request-rules.ts'
import { hasCondition, pemOf, SIGNERS, useOf, whyNot } from './request-rules.ts'

/** Upstream: --cluster-signing-duration. */
const LIFETIME_MAX_MS = 365 * 24 * 3_600_000
const LIFETIME_MIN_MS = 600_000
/** Certificates begin this long ago; those that are not short-lived end as much earlier. */
const BACKDATE_MS = 300_000
const SHORT_MS = 8 * 3_600_000

export function csrSigningController(tools: CertificateTools): ControllerDefinition<CertificateSigningRequest> {
  return defineController({
    name: CSR_SIGNING_CONTROLLER,
    reconciles: CERTIFICATE_SIGNING_REQUESTS,
    permissions: [
      { resource: CERTIFICATE_SIGNING_REQUESTS, verbs: ['get', 'list', 'watch'] },
      { resource: CERTIFICATE_SIGNING_REQUESTS, subresource: 'status', verbs: ['update'] },
      { resource: { group: 'certificates.k8s.io', resource: 'signers' }, names: SIGNERS, verbs: ['sign'] },
    ],
    concurrency: 5,
    create: ({ client, lister, clock }) => new CsrSigner(client, lister(CERTIFICATE_SIGNING_REQUESTS), clock, tools),
  })
}

class CsrSigner implements Reconciler {
  readonly #client: Client
  readonly #requests: Lister<CertificateSigningRequest>
  readonly #clock: Clock
  readonly #tools: CertificateTools

  constructor(client: Client, requests: Lister<CertificateSigningRequest>, clock: Clock, tools: CertificateTools) {
    this.#client = client
    this.#requests = requests
    this.#clock = clock
    this.#tools = tools
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const request = this.#requests.get(key)
    if (request === undefined || (request.status?.certificate ?? '') !== '') return DONE
    if (!SIGNERS.includes(request.spec.signerName)) return DONE
    if (!hasCondition(request, 'Approved') || hasCondition(request, 'Denied') || hasCondition(request, 'Failed')) {
      return DONE
    }
    const changed = deepCopy<CertificateSigningRequest>(request)
    changed.status = { ...changed.status, ...this.#outcome(request) }
    await this.#client
      .update(CERTIFICATE_SIGNING_REQUESTS, changed, { subresource: 'status', signal })
      .catch(undefinedIfNotFound)
    return DONE
  }

  #outcome(request: FrozenRequest): NonNullable<CertificateSigningRequest['status']> {
    const pem = pemOf(request)
    let why: string
    try {
      why = whyNot(request, this.#tools.parse(pem))
    } catch (err: unknown) {
      throw new TerminalError(`unable to parse csr "${request.metadata.name ?? ''}": ${errorMessage(err)}`)
    }
    if (why === '') {
      const certificate = this.#tools.sign(pem, { ...useOf(request), lifetimeMs: lifetimeMs(request) })
      return { certificate: Buffer.from(certificate).toString('base64') }
    }
    const now = formatTime(this.#clock.now())
    const failed = {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message: why,
      lastUpdateTime: now,
      lastTransitionTime: now,
    }
    const conditions = deepCopy<NonNullable<CertificateSigningRequest['status']>>(request.status ?? {}).conditions ?? []
    return { conditions: [...conditions, failed] }
  }
}

/** From now on. */
export function lifetimeMs({ spec }: FrozenRequest): number {
  const wantedMs = spec.expirationSeconds === undefined ? LIFETIME_MAX_MS : spec.expirationSeconds * 1000
  const givenMs = Math.min(Math.max(wantedMs, LIFETIME_MIN_MS), LIFETIME_MAX_MS)
  return givenMs < SHORT_MS ? givenMs : givenMs - BACKDATE_MS
}
