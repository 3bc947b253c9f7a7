/** admissionregistration.k8s.io/v1. Upstream: pkg/registry/admissionregistration. */
import {
  setAdmissionPolicyDefaults,
  setMutatingWebhookConfigurationDefaults,
  setValidatingWebhookConfigurationDefaults,
} from '#apiserver/apis/admissionregistration/defaults.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { policyBindingTable, policyTable, webhookConfigurationTable } from './tables.ts'

const EXTENSION = { namespaced: false, categories: ['api-extensions'], generation: true } as const

export const ADMISSION_REGISTRATION_GROUP: ResourceGroup = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resources: [
    {
      ...EXTENSION,
      resource: 'mutatingadmissionpolicies',
      singular: 'mutatingadmissionpolicy',
      kind: 'MutatingAdmissionPolicy',
      defaults: setAdmissionPolicyDefaults,
      table: policyTable,
    },
    {
      ...EXTENSION,
      resource: 'mutatingadmissionpolicybindings',
      kind: 'MutatingAdmissionPolicyBinding',
      table: policyBindingTable,
    },
    {
      ...EXTENSION,
      resource: 'mutatingwebhookconfigurations',
      kind: 'MutatingWebhookConfiguration',
      defaults: setMutatingWebhookConfigurationDefaults,
      table: webhookConfigurationTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingadmissionpolicies',
      singular: 'validatingadmissionpolicy',
      kind: 'ValidatingAdmissionPolicy',
      status: true,
      defaults: setAdmissionPolicyDefaults,
      table: policyTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingadmissionpolicybindings',
      kind: 'ValidatingAdmissionPolicyBinding',
      table: policyBindingTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingwebhookconfigurations',
      kind: 'ValidatingWebhookConfiguration',
      defaults: setValidatingWebhookConfigurationDefaults,
      table: webhookConfigurationTable,
    },
  ],
}
