/**
 * Who may approve and sign certificate requests of which signer, and what the API client signer never signs.
 * Upstream: plugin/pkg/admission/certificates/{approval,signing,subjectrestriction}.
 */
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { GROUP_MASTERS } from '../../authentication/interfaces.ts'
import { parseSigningRequest } from '../../authentication/pki/csr.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'

type Deps = Pick<AdmissionDeps, 'authorizer'>
type FrozenRequest = DeepReadonly<CertificateSigningRequest>

const API_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'

export function createCertificateApproval(deps: Deps): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (operation) => operation === 'UPDATE',
    validate: (attributes) => (isSigningRequest(attributes, 'approval') ? checkApproval(attributes, deps) : undefined),
  }
}

async function checkApproval(attributes: AdmissionAttributes, deps: Deps): Promise<void> {
  // The signer of the stored request: the update's own is not to be trusted.
  const { signerName } = (attributes.oldObject as FrozenRequest).spec
  if (await mayUseSigner(attributes, 'approve', signerName, deps)) return
  throw admissionForbidden(attributes, `user not permitted to approve requests with signerName "${signerName}"`)
}

export function createCertificateSigning(deps: Deps): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (operation) => operation === 'UPDATE',
    validate: (attributes) => (isSigningRequest(attributes, 'status') ? checkSigning(attributes, deps) : undefined),
  }
}

async function checkSigning(attributes: AdmissionAttributes, deps: Deps): Promise<void> {
  const old = attributes.oldObject as FrozenRequest
  const { status } = attributes.object as CertificateSigningRequest
  const isUntouched =
    old.status?.certificate === status?.certificate && deepEqual(old.status?.conditions ?? [], status?.conditions ?? [])
  if (isUntouched) return
  const { signerName } = old.spec
  if (await mayUseSigner(attributes, 'sign', signerName, deps)) return
  throw admissionForbidden(attributes, `user not permitted to sign requests with signerName "${signerName}"`)
}

export function createCertificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    handles: (operation) => operation === 'CREATE',
    validate(attributes) {
      if (!isSigningRequest(attributes, '')) return
      const { spec } = attributes.object as CertificateSigningRequest
      if (spec.signerName !== API_CLIENT_SIGNER) return
      let organizations: readonly string[]
      try {
        const { subject } = parseSigningRequest(Buffer.from(spec.request, 'base64').toString('latin1'))
        organizations = subject.organizations ?? []
      } catch (err: unknown) {
        throw admissionForbidden(attributes, `failed to parse CSR: ${errorMessage(err)}`)
      }
      if (!organizations.includes(GROUP_MASTERS)) return
      throw admissionForbidden(
        attributes,
        `use of ${API_CLIENT_SIGNER} signer with system:masters group is not allowed`,
      )
    },
  }
}

const isSigningRequest = ({ group, resource, subresource }: AdmissionAttributes, wanted: string): boolean =>
  group === 'certificates.k8s.io' && resource === 'certificatesigningrequests' && subresource === wanted

/** Upstream: plugin/pkg/admission/certificates/util.go IsAuthorizedForSignerName. */
async function mayUseSigner(
  { user }: AdmissionAttributes,
  verb: string,
  signerName: string,
  { authorizer }: Deps,
): Promise<boolean> {
  const domain = signerName.split('/')[0] ?? ''
  for (const name of [signerName, `${domain}/*`]) {
    const { decision } = await authorizer.authorize({
      user,
      verb,
      isResourceRequest: true,
      apiGroup: 'certificates.k8s.io',
      apiVersion: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
      path: '',
    })
    if (decision === 'Allow') return true
  }
  return false
}
