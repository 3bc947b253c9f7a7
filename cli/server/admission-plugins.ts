/** --enable-admission-plugins and --disable-admission-plugins, by upstream's names. Upstream: pkg/kubeapiserver/options/plugins.go. */
import type { AdmissionSelection } from '#apiserver/admission/chain.ts'
import { nearestName } from '../config/load.ts'
import { CliError } from '../errors.ts'

const HERE = [
  'NamespaceLifecycle',
  'LimitRanger',
  'ServiceAccount',
  'NodeRestriction',
  'TaintNodesByCondition',
  'PodSecurity',
  'Priority',
  'DefaultTolerationSeconds',
  'DefaultStorageClass',
  'StorageObjectInUseProtection',
  'PersistentVolumeClaimResize',
  'RuntimeClass',
  'CertificateApproval',
  'CertificateSigning',
  'CertificateSubjectRestriction',
  'DefaultIngressClass',
  'PodTopologyLabels',
  'PodResizeValidator',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
  'ResourceQuota',
]

/** May be disabled, which changes nothing; enabling one would promise what does not happen. */
const NOT_HERE = [
  'AlwaysAdmit',
  'AlwaysDeny',
  'AlwaysPullImages',
  'ClusterTrustBundleAttest',
  'DenyServiceExternalIPs',
  'EventRateLimit',
  'ExtendedResourceToleration',
  'ImagePolicyWebhook',
  'JobValidation',
  'LimitPodHardAntiAffinityTopology',
  'NamespaceAutoProvision',
  'NamespaceExists',
  'NodeDeclaredFeatureValidator',
  'OwnerReferencesPermissionEnforcement',
  'PodGroupProtection',
  'PodGroupWorkloadExists',
  'PodNodeSelector',
  'PodTolerationRestriction',
]

export function admissionSelection(enable: readonly string[], disable: readonly string[]): AdmissionSelection {
  for (const name of enable) checkName('enable', name)
  for (const name of disable) checkName('disable', name)
  const both = enable.filter((name) => disable.includes(name))
  if (both.length > 0) {
    const what = `[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`
    throw new CliError('FLAG_INVALID', what, 'Name each plugin once.')
  }
  return { disabled: new Set(disable) }
}

function checkName(flag: 'enable' | 'disable', name: string): void {
  if (HERE.includes(name) || (flag === 'disable' && NOT_HERE.includes(name))) return
  const text = `--${flag}-admission-plugins plugin "${name}"`
  if (NOT_HERE.includes(name)) {
    throw new CliError('FLAG_INVALID', `${text} is not part of knarr`, `There are: ${HERE.join(', ')}.`)
  }
  const nearest = nearestName(name, [...HERE, ...NOT_HERE])
  const hint = nearest === undefined ? `There are: ${HERE.join(', ')}.` : `Did you mean "${nearest}"?`
  throw new CliError('FLAG_INVALID', `${text} is unknown`, hint)
}
