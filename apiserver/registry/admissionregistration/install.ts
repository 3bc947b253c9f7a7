/** admissionregistration.k8s.io/v1. Upstream: pkg/registry/admissionregistration. */
import {
  setAdmissionPolicyDefaults,
  setMutatingWebhookConfigurationDefaults,
  setValidatingWebhookConfigurationDefaults,
} from '#apiserver/apis/admissionregistration/defaults.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { policyBindingTable, policyTable, webhookConfigurationTable } from './tables.ts'

/** Honest about what is not there yet: a policy that is not enforced must not look as if it were. */
const notEnforced = (what: string) => ({
  strategy: { warnings: () => [`${what} are stored but not called by this version of knarr: nothing is enforced`] },
})
const NOT_CALLED = notEnforced('admission webhooks')
const NOT_EVALUATED = notEnforced('admission policies')

const EXTENSION = { namespaced: false, categories: ['api-extensions'], generation: true } as const

export const ADMISSION_REGISTRATION_GROUP: ResourceGroup = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resources: [
    {
      ...EXTENSION,
      resource: 'mutatingadmissionpolicies',
      ...NOT_EVALUATED,
      singular: 'mutatingadmissionpolicy',
      kind: 'MutatingAdmissionPolicy',
      defaults: setAdmissionPolicyDefaults,
      table: policyTable,
    },
    {
      ...EXTENSION,
      resource: 'mutatingadmissionpolicybindings',
      ...NOT_EVALUATED,
      kind: 'MutatingAdmissionPolicyBinding',
      table: policyBindingTable,
    },
    {
      ...EXTENSION,
      resource: 'mutatingwebhookconfigurations',
      ...NOT_CALLED,
      kind: 'MutatingWebhookConfiguration',
      defaults: setMutatingWebhookConfigurationDefaults,
      table: webhookConfigurationTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingadmissionpolicies',
      ...NOT_EVALUATED,
      singular: 'validatingadmissionpolicy',
      kind: 'ValidatingAdmissionPolicy',
      status: true,
      defaults: setAdmissionPolicyDefaults,
      table: policyTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingadmissionpolicybindings',
      ...NOT_EVALUATED,
      kind: 'ValidatingAdmissionPolicyBinding',
      table: policyBindingTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingwebhookconfigurations',
      ...NOT_CALLED,
      kind: 'ValidatingWebhookConfiguration',
      defaults: setValidatingWebhookConfigurationDefaults,
      table: webhookConfigurationTable,
    },
  ],
}
