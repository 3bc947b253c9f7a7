/** Upstream's feature gates and API versions, as the registry asks for them. */

/** Whether the gate of upstream's name is on. */
export type IsGateEnabled = (name: string) => boolean

export const ALL_GATES_OFF: IsGateEnabled = () => false

/** Whether a resource is served in this version, as far as --runtime-config has a say. */
export type IsApiEnabled = (group: string, version: string, resource: string) => boolean

const STABLE = /^v\d+$/

/** Alpha and beta versions are off unless they are asked for. */
export const STABLE_APIS_ON: IsApiEnabled = (_group, version) => STABLE.test(version)
