/** Device classes, slices, claims and templates for tests of dynamic resource allocation. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type {
  Device,
  DeviceClass,
  DeviceRequest,
  ResourceClaim,
  ResourceClaimSpec,
  ResourceClaimTemplate,
  ResourceSlice,
  ResourceSliceSpec,
} from '#machinery/api/resource/v1/types.gen.ts'

export const DRIVER = 'gpu.example.com'
const DEVICE_CLASS = 'gpu'

export const makeDeviceClass = (name = DEVICE_CLASS, spec: DeviceClass['spec'] = {}): DeviceClass => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name },
  spec,
})

/** Of the pool named like the node, which it fills alone; `spec` changes that. */
export function makeSlice(
  node: string,
  devices: readonly (string | Device)[],
  spec: Partial<ResourceSliceSpec> = {},
  name = `${node}-slice`,
): ResourceSlice {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name, uid: `uid-${name}` },
    spec: {
      driver: DRIVER,
      pool: { name: node, generation: 1, resourceSliceCount: 1 },
      nodeName: node,
      devices: devices.map((device) => (typeof device === 'string' ? { name: device } : device)),
      ...spec,
    },
  }
}

/** One device of the class by default. */
export const makeRequest = (
  name = 'r0',
  exactly: Partial<NonNullable<DeviceRequest['exactly']>> = {},
): DeviceRequest => ({
  name,
  exactly: { deviceClassName: DEVICE_CLASS, allocationMode: 'ExactCount', count: 1, ...exactly },
})

export function makeResourceClaim(
  name: string,
  devices: ResourceClaimSpec['devices'] = { requests: [makeRequest()] },
): ResourceClaim {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: { devices },
  }
}

export const makeClaimTemplate = (
  name: string,
  devices: ResourceClaimSpec['devices'] = { requests: [makeRequest()] },
): ResourceClaimTemplate => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name, namespace: 'default' },
  spec: { metadata: { labels: { from: name }, annotations: { note: 'kept' } }, spec: { devices } },
})

/** A Pod whose one container uses all its claims. */
export function makePodWithClaims(
  name: string,
  claims: NonNullable<Pod['spec']['resourceClaims']>,
  spec: Partial<Pod['spec']> = {},
): Pod {
  const resources = { claims: claims.map((claim) => ({ name: claim.name })) }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i', resources }], resourceClaims: claims, ...spec },
  }
}
