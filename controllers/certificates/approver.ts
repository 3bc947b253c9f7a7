/**
 * Approves client certificates of nodes for those who may have them: nodes renewing their own, joining nodes by their
 * bootstrap token.
 *
 * Reads: requests from the cache.  Writes: certificatesigningrequests/approval, SubjectAccessReviews.
 * Upstream: pkg/controller/certificates/approver/sarapprove.go.
 */
import { SUBJECT_ACCESS_REVIEWS } from '#machinery/api/authorization/v1/resources.gen.ts'
import type { SubjectAccessReview } from '#machinery/api/authorization/v1/types.gen.ts'
import { CERTIFICATE_SIGNING_REQUESTS } from '#machinery/api/certificates/v1/resources.gen.ts'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { ControllerDefinition, ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { CSR_APPROVING_CONTROLLER } from '../manager/names.ts'
import type { CertificateTools, FrozenRequest, ParsedRequest } from './request-rules.ts'
import { hasCondition, KUBELET_CLIENT_SIGNER, pemOf, whyNotKubeletClient } from './request-rules.ts'

/** The rights may come later; nothing tells us. */
const ASK_AGAIN_MS = 60_000

type Tools = Pick<CertificateTools, 'parse'>

export function csrApprovingController(tools: Tools): ControllerDefinition<CertificateSigningRequest> {
  return defineController({
    name: CSR_APPROVING_CONTROLLER,
    reconciles: CERTIFICATE_SIGNING_REQUESTS,
    permissions: [
      { resource: CERTIFICATE_SIGNING_REQUESTS, verbs: ['get', 'list', 'watch', 'delete'] },
      { resource: CERTIFICATE_SIGNING_REQUESTS, subresource: 'approval', verbs: ['update'] },
      {
        resource: { group: 'certificates.k8s.io', resource: 'signers' },
        names: [KUBELET_CLIENT_SIGNER],
        verbs: ['approve'],
      },
      { resource: SUBJECT_ACCESS_REVIEWS, verbs: ['create'] },
    ],
    create: ({ client, lister }) => new CsrApprover(client, lister(CERTIFICATE_SIGNING_REQUESTS), tools),
  })
}

interface Recognizer {
  readonly subresource: string
  readonly message: string
  recognizes(request: FrozenRequest, parsed: ParsedRequest): boolean
}

const isNodeClient = ({ spec }: FrozenRequest, parsed: ParsedRequest): boolean =>
  spec.signerName === KUBELET_CLIENT_SIGNER && whyNotKubeletClient(spec.usages ?? [], parsed) === ''

const RECOGNIZERS: readonly Recognizer[] = [
  {
    subresource: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
    recognizes: (request, parsed) =>
      isNodeClient(request, parsed) && request.spec.username === parsed.subject.commonName,
  },
  {
    subresource: 'nodeclient',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    recognizes: isNodeClient,
  },
]

class CsrApprover implements Reconciler {
  readonly #client: Client
  readonly #requests: Lister<CertificateSigningRequest>
  readonly #tools: Tools

  constructor(client: Client, requests: Lister<CertificateSigningRequest>, tools: Tools) {
    this.#client = client
    this.#requests = requests
    this.#tools = tools
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const request = this.#requests.get(key)
    if (request === undefined || (request.status?.certificate ?? '') !== '') return DONE
    if (hasCondition(request, 'Approved') || hasCondition(request, 'Denied')) return DONE
    if (request.spec.signerName !== KUBELET_CLIENT_SIGNER) return DONE
    const parsed = this.#tools.parse(pemOf(request))
    const recognized = RECOGNIZERS.filter((recognizer) => recognizer.recognizes(request, parsed))
    for (const { subresource, message } of recognized) {
      if (!(await this.#mayHave(request, subresource, signal))) continue
      await this.#approve(request, message, signal)
      return DONE
    }
    return recognized.length === 0 ? DONE : requeueAfter(ASK_AGAIN_MS)
  }

  async #mayHave({ spec }: FrozenRequest, subresource: string, signal: AbortSignal): Promise<boolean> {
    const resourceAttributes = {
      group: 'certificates.k8s.io',
      resource: 'certificatesigningrequests',
      verb: 'create',
      version: '*',
      subresource,
    }
    const { username: user = '', uid = '', groups = [], extra = {} } = spec
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {},
      spec: { user, uid, groups, extra, resourceAttributes },
    }
    const answer = await this.#client.create<SubjectAccessReview>(SUBJECT_ACCESS_REVIEWS, review, { signal })
    return answer.status?.allowed === true
  }

  async #approve(request: FrozenRequest, message: string, signal: AbortSignal): Promise<void> {
    const changed = deepCopy<CertificateSigningRequest>(request)
    const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message }
    changed.status = { ...changed.status, conditions: [...(changed.status?.conditions ?? []), condition] }
    await this.#client
      .update(CERTIFICATE_SIGNING_REQUESTS, changed, { subresource: 'approval', signal })
      .catch(undefinedIfNotFound)
  }
}
