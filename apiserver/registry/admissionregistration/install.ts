/** admissionregistration.k8s.io/v1. Upstream: pkg/registry/admissionregistration. */

import {
  setAdmissionBindingDefaults,
  setAdmissionPolicyDefaults,
  setMutatingWebhookConfigurationDefaults,
  setValidatingWebhookConfigurationDefaults,
} from '#apiserver/apis/admissionregistration/defaults.ts'
import {
  validateMutatingBinding,
  validateMutatingPolicy,
  validateValidatingBinding,
  validateValidatingPolicy,
  validateValidatingPolicyStatus,
} from '#apiserver/apis/admissionregistration/policy-validation.ts'
import { staticNameWarnings } from '#apiserver/apis/admissionregistration/static-names.ts'
import type { WebhookConfiguration } from '#apiserver/apis/admissionregistration/webhook-validation.ts'
import {
  validateWebhookConfiguration,
  validateWebhookConfigurationUpdate,
} from '#apiserver/apis/admissionregistration/webhook-validation.ts'
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from '../generic/interfaces.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { withStoredMetadata } from '../strategy.ts'
import { mutatingPolicyTable, policyBindingTable, validatingPolicyTable, webhookConfigurationTable } from './tables.ts'

/** Honest about what is not there yet: a policy that is not enforced must not look as if it were. */
const NOT_EVALUATED: Strategy = {
  warnings: ({ metadata }) => [
    ...staticNameWarnings(metadata),
    'admission policies are stored but not called by this version of knarr: nothing is enforced',
  ],
}

const webhooks: Strategy = {
  warnings: ({ metadata }) => staticNameWarnings(metadata),
  allowUnconditionalUpdate: false,
  validate: (object) => validateWebhookConfiguration(object as WebhookConfiguration),
  validateUpdate: (object, old) =>
    validateWebhookConfigurationUpdate(object as WebhookConfiguration, old as WebhookConfiguration),
}

const validatingPolicies: Strategy = {
  ...NOT_EVALUATED,
  allowUnconditionalUpdate: false,
  validate: (object) => validateValidatingPolicy(object as DeepReadonly<ValidatingAdmissionPolicy>),
  validateUpdate: (object, old) =>
    validateValidatingPolicy(
      object as DeepReadonly<ValidatingAdmissionPolicy>,
      old as DeepReadonly<ValidatingAdmissionPolicy>,
    ),
}

const mutatingPolicies: Strategy = {
  ...NOT_EVALUATED,
  allowUnconditionalUpdate: false,
  validate: (object) => validateMutatingPolicy(object as DeepReadonly<MutatingAdmissionPolicy>),
  validateUpdate: (object, old) =>
    validateMutatingPolicy(
      object as DeepReadonly<MutatingAdmissionPolicy>,
      old as DeepReadonly<MutatingAdmissionPolicy>,
    ),
}

const validatingBindings: Strategy = {
  ...NOT_EVALUATED,
  allowUnconditionalUpdate: false,
  validate: (object) => validateValidatingBinding(object as DeepReadonly<ValidatingAdmissionPolicyBinding>),
  validateUpdate: (object) => validateValidatingBinding(object as DeepReadonly<ValidatingAdmissionPolicyBinding>),
}

const mutatingBindings: Strategy = {
  ...NOT_EVALUATED,
  allowUnconditionalUpdate: false,
  validate: (object) => validateMutatingBinding(object as DeepReadonly<MutatingAdmissionPolicyBinding>),
  validateUpdate: (object) => validateMutatingBinding(object as DeepReadonly<MutatingAdmissionPolicyBinding>),
}

const EXTENSION = { namespaced: false, categories: ['api-extensions'], generation: true } as const

export const ADMISSION_REGISTRATION_GROUP: ResourceGroup = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resources: [
    {
      ...EXTENSION,
      resource: 'mutatingadmissionpolicies',
      strategy: mutatingPolicies,
      singular: 'mutatingadmissionpolicy',
      kind: 'MutatingAdmissionPolicy',
      defaults: setAdmissionPolicyDefaults,
      table: mutatingPolicyTable,
    },
    {
      ...EXTENSION,
      resource: 'mutatingadmissionpolicybindings',
      strategy: mutatingBindings,
      defaults: setAdmissionBindingDefaults,
      kind: 'MutatingAdmissionPolicyBinding',
      table: policyBindingTable,
    },
    {
      ...EXTENSION,
      resource: 'mutatingwebhookconfigurations',
      strategy: webhooks,
      kind: 'MutatingWebhookConfiguration',
      defaults: setMutatingWebhookConfigurationDefaults,
      table: webhookConfigurationTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingadmissionpolicies',
      strategy: validatingPolicies,
      singular: 'validatingadmissionpolicy',
      kind: 'ValidatingAdmissionPolicy',
      status: withStoredMetadata({
        validateUpdate: (object) => validateValidatingPolicyStatus(object as DeepReadonly<ValidatingAdmissionPolicy>),
      }),
      defaults: setAdmissionPolicyDefaults,
      table: validatingPolicyTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingadmissionpolicybindings',
      strategy: validatingBindings,
      defaults: setAdmissionBindingDefaults,
      kind: 'ValidatingAdmissionPolicyBinding',
      table: policyBindingTable,
    },
    {
      ...EXTENSION,
      resource: 'validatingwebhookconfigurations',
      strategy: webhooks,
      kind: 'ValidatingWebhookConfiguration',
      defaults: setValidatingWebhookConfigurationDefaults,
      table: webhookConfigurationTable,
    },
  ],
}
