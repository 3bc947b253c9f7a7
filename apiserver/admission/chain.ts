/** The built-in plugins in upstream's order. Upstream: pkg/kubeapiserver/options/plugins.go AllOrderedPlugins. */
import {
  createCertificateApproval,
  createCertificateSigning,
  createCertificateSubjectRestriction,
} from './certificates/plugins.ts'
import { createDefaultIngressClass } from './default-ingress-class/plugin.ts'
import { createDefaultStorageClass } from './default-storage-class/plugin.ts'
import { createDefaultTolerationSeconds } from './default-toleration-seconds/plugin.ts'
import type { AdmissionDeps } from './deps.ts'
import type { AdmissionPlugin } from './interfaces.ts'
import { createLimitRanger } from './limit-ranger/plugin.ts'
import { createNamespaceLifecycle } from './namespace-lifecycle/plugin.ts'
import { createNodeRestriction } from './node-restriction/plugin.ts'
import { createPersistentVolumeClaimResize } from './persistent-volume-claim-resize/plugin.ts'
import { createPodResizeValidator } from './pod-resize/plugin.ts'
import { createPodSecurity } from './pod-security/plugin.ts'
import { createPodTopologyLabels } from './pod-topology-labels/plugin.ts'
import { createPriority } from './priority/plugin.ts'
import { createResourceQuota } from './resource-quota/plugin.ts'
import { createRuntimeClass } from './runtime-class/plugin.ts'
import { createServiceAccount } from './service-account/plugin.ts'
import { createStorageObjectInUseProtection } from './storage-object-in-use-protection/plugin.ts'
import { createTaintNodesByCondition } from './taint-nodes-by-condition/plugin.ts'
import { createMutatingWebhook } from './webhook/mutating.ts'
import { createValidatingWebhook } from './webhook/validating.ts'

const FACTORIES: readonly ((deps: AdmissionDeps) => AdmissionPlugin)[] = [
  createNamespaceLifecycle,
  createLimitRanger,
  createServiceAccount,
  createNodeRestriction,
  createTaintNodesByCondition,
  createPodSecurity,
  createPriority,
  createDefaultTolerationSeconds,
  createDefaultStorageClass,
  createStorageObjectInUseProtection,
  createPersistentVolumeClaimResize,
  createRuntimeClass,
  createCertificateApproval,
  createCertificateSigning,
  createCertificateSubjectRestriction,
  createDefaultIngressClass,
  createPodTopologyLabels,
  createPodResizeValidator,
  createMutatingWebhook,
  createValidatingWebhook,
  createResourceQuota,
]

/** Upstream's plugin names, as in --disable-admission-plugins; every other one is on. */
export interface AdmissionSelection {
  readonly disabled: ReadonlySet<string>
}

const NOTHING_SAID: AdmissionSelection = { disabled: new Set() }

export function admissionChain(deps: AdmissionDeps, selection: AdmissionSelection = NOTHING_SAID): AdmissionPlugin[] {
  const { disabled } = selection
  return FACTORIES.map((create) => create(deps)).filter(({ name }) => !disabled.has(name))
}
