/** Upstream: pkg/apis/resource/v1/defaults.go. */
import type {
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimSpec,
  ResourceClaimTemplate,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'

export function setResourceClaimDefaults(claim: ResourceClaim): void {
  setSpecDefaults(claim.spec)
  for (const { tolerations } of claim.status?.allocation?.devices?.results ?? []) setOperators(tolerations)
}

export function setResourceClaimTemplateDefaults(template: ResourceClaimTemplate): void {
  setSpecDefaults(template.spec?.spec)
}

function setSpecDefaults(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    if (exactly !== undefined) setRequestDefaults(exactly)
    for (const alternative of firstAvailable) setRequestDefaults(alternative)
  }
}

function setRequestDefaults(request: ExactDeviceRequest | DeviceSubRequest): void {
  request.allocationMode ||= 'ExactCount'
  if (request.allocationMode === 'ExactCount') request.count ||= 1
  setOperators(request.tolerations)
}

function setOperators(tolerations: DeviceToleration[] | undefined): void {
  for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal'
}

export function setResourceSliceDefaults({ spec }: ResourceSlice): void {
  for (const { nodeAllocatableResourceMappings: mappings } of spec?.devices ?? []) {
    for (const mapping of Object.values(mappings ?? {})) mapping.allocationMultiplier ??= '1'
  }
}
