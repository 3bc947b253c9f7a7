/** The built-in plugins in upstream's order. Upstream: pkg/kubeapiserver/options/plugins.go AllOrderedPlugins. */
import { createDefaultIngressClass } from './default-ingress-class/plugin.ts'
import { createDefaultStorageClass } from './default-storage-class/plugin.ts'
import { createDefaultTolerationSeconds } from './default-toleration-seconds/plugin.ts'
import type { AdmissionDeps } from './deps.ts'
import type { AdmissionPlugin } from './interfaces.ts'
import { createLimitRanger } from './limit-ranger/plugin.ts'
import { createNamespaceLifecycle } from './namespace-lifecycle/plugin.ts'
import { createPriority } from './priority/plugin.ts'
import { createResourceQuota } from './resource-quota/plugin.ts'
import { createServiceAccount } from './service-account/plugin.ts'
import { createStorageObjectInUseProtection } from './storage-object-in-use-protection/plugin.ts'
import { createTaintNodesByCondition } from './taint-nodes-by-condition/plugin.ts'

const FACTORIES: readonly ((deps: AdmissionDeps) => AdmissionPlugin)[] = [
  createNamespaceLifecycle,
  createLimitRanger,
  createServiceAccount,
  createTaintNodesByCondition,
  createPriority,
  createDefaultTolerationSeconds,
  createDefaultStorageClass,
  createStorageObjectInUseProtection,
  createDefaultIngressClass,
  createResourceQuota,
]

/**
 * On by default upstream, but they leave finalizers and taints that only the volume protection and node lifecycle
 * controllers remove: off until those run, or claims could never be deleted.
 */
const NEED_CONTROLLERS: ReadonlySet<string> = new Set(['StorageObjectInUseProtection', 'TaintNodesByCondition'])

/** `disabled`: upstream's plugin names, as in --disable-admission-plugins. */
export function admissionChain(
  deps: AdmissionDeps,
  disabled: ReadonlySet<string> = NEED_CONTROLLERS,
): AdmissionPlugin[] {
  return FACTORIES.map((create) => create(deps)).filter(({ name }) => !disabled.has(name))
}
