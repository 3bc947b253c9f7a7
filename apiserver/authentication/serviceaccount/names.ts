/** How service accounts appear as users. Upstream: apiserver pkg/authentication/serviceaccount/util.go. */

const USER_PREFIX = 'system:serviceaccount:'
const GROUP_ALL = 'system:serviceaccounts'

export const EXTRA_POD_NAME = 'authentication.kubernetes.io/pod-name'
export const EXTRA_POD_UID = 'authentication.kubernetes.io/pod-uid'
export const EXTRA_NODE_NAME = 'authentication.kubernetes.io/node-name'
export const EXTRA_NODE_UID = 'authentication.kubernetes.io/node-uid'

export function serviceAccountUserName(namespace: string, name: string): string {
  return `${USER_PREFIX}${namespace}:${name}`
}

export function serviceAccountGroups(namespace: string): string[] {
  return [GROUP_ALL, `${GROUP_ALL}:${namespace}`]
}
