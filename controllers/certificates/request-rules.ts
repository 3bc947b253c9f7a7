/** What the kubernetes.io signers sign and for what use. Upstream: pkg/apis/certificates/helpers.go, pkg/controller/certificates/signer. */
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type FrozenRequest = DeepReadonly<CertificateSigningRequest>

/** What is in a PKCS #10 request. */
export interface ParsedRequest {
  readonly subject: { readonly commonName: string; readonly organizations?: readonly string[] }
  readonly altNames: { readonly dns: readonly string[]; readonly ips: readonly string[] }
  readonly otherNames: { readonly emails: readonly string[]; readonly uris: readonly string[] }
}

export interface CertificateUse {
  readonly authority: 'client' | 'server'
  readonly usage: 'client' | 'server' | 'server-and-client'
  /** As the request names them; those of the key count. */
  readonly keyUsages: readonly string[]
}

/** The cluster's certificate authorities, lent to the controllers. */
export interface CertificateTools {
  /** Of PEM; throws when malformed or not signed by the key it names. */
  parse(pem: string): ParsedRequest
  /** A PEM certificate; validity ends `lifetimeMs` from now. */
  sign(pem: string, how: CertificateUse & { readonly lifetimeMs: number }): string
}

export const KUBELET_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet'
export const SIGNERS = [
  'kubernetes.io/kube-apiserver-client',
  KUBELET_CLIENT_SIGNER,
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/legacy-unknown',
]

export const pemOf = ({ spec }: FrozenRequest): string => Buffer.from(spec.request, 'base64').toString('latin1')

export const hasCondition = ({ status }: FrozenRequest, type: string): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type && condition.status !== 'False')

/** '' when the signer may sign it. */
export function whyNot({ spec }: FrozenRequest, parsed: ParsedRequest): string {
  const usages = spec.usages ?? []
  switch (spec.signerName) {
    case 'kubernetes.io/kube-apiserver-client':
      return whyNotClient(usages)
    case KUBELET_CLIENT_SIGNER:
      return whyNotKubeletClient(usages, parsed)
    case 'kubernetes.io/kubelet-serving':
      return whyNotKubeletServing(usages, parsed)
    default:
      return ''
  }
}

/** As k3s: what clients show is signed by the client CA, the rest by the server's. */
export function useOf({ spec }: FrozenRequest): CertificateUse {
  const keyUsages = spec.usages ?? []
  switch (spec.signerName) {
    case 'kubernetes.io/kubelet-serving':
      return { authority: 'server', usage: 'server', keyUsages }
    case 'kubernetes.io/legacy-unknown': {
      const isClient = keyUsages.includes('client auth')
      const isServer = keyUsages.includes('server auth')
      const usage = isClient && isServer ? 'server-and-client' : isClient ? 'client' : 'server'
      return { authority: 'server', usage, keyUsages }
    }
    default:
      return { authority: 'client', usage: 'client', keyUsages }
  }
}

function whyNotClient(usages: readonly string[]): string {
  const allowed = ['digital signature', 'key encipherment', 'client auth']
  const odd = usages.find((usage) => !allowed.includes(usage))
  if (odd !== undefined) return `invalid usage for client certificate: ${odd}`
  return usages.includes('client auth') ? '' : 'missing required usage for client certificate: client auth'
}

export function whyNotKubeletClient(
  usages: readonly string[],
  { subject, altNames, otherNames }: ParsedRequest,
): string {
  if (!isOfNodes(subject)) return 'subject organization is not system:nodes'
  if (altNames.dns.length > 0) return 'DNS subjectAltNames are not allowed'
  if (otherNames.emails.length > 0) return 'Email subjectAltNames are not allowed'
  if (altNames.ips.length > 0) return 'IP subjectAltNames are not allowed'
  if (otherNames.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return whyNotNode(subject) || whyNotUsages(usages, 'client auth')
}

function whyNotKubeletServing(usages: readonly string[], { subject, altNames, otherNames }: ParsedRequest): string {
  if (!isOfNodes(subject)) return 'subject organization is not system:nodes'
  if (altNames.dns.length + altNames.ips.length === 0) return 'DNS or IP subjectAltName is required'
  if (otherNames.emails.length > 0) return 'Email subjectAltNames are not allowed'
  if (otherNames.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return whyNotUsages(usages, 'server auth') || whyNotNode(subject)
}

type Subject = ParsedRequest['subject']

const isOfNodes = ({ organizations = [] }: Subject): boolean =>
  organizations.length === 1 && organizations[0] === 'system:nodes'

const whyNotNode = ({ commonName }: Subject): string =>
  commonName.startsWith('system:node:') ? '' : 'subject common name does not begin with system:node:'

/** Keys that cannot encipher (EC) leave key encipherment out. */
function whyNotUsages(usages: readonly string[], purpose: string): string {
  const wanted = [purpose, 'digital signature', 'key encipherment'].sort()
  const given = [...new Set(usages)].sort()
  const isSame = (list: readonly string[]): boolean => given.join() === list.join()
  if (isSame(wanted) || isSame(wanted.filter((usage) => usage !== 'key encipherment'))) return ''
  return `usages did not match [${wanted.join(' ')}]`
}
