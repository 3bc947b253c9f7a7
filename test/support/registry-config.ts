/** The registry with every API that --runtime-config and feature gates can turn on. */
import type { RegistryConfig } from '#apiserver/registry/deps.ts'
import { DEFAULT_REGISTRY_CONFIG } from '#apiserver/registry/deps.ts'
import { optionalApis } from '#apiserver/registry/install.ts'

const API_GATES = new Set(optionalApis().map(({ featureGate }) => featureGate))

export const EVERY_API: RegistryConfig = {
  ...DEFAULT_REGISTRY_CONFIG,
  isGateEnabled: (name) => API_GATES.has(name),
  isApiEnabled: () => true,
}
