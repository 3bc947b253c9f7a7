/** k3s.cattle.io/v1: the resources as clients name them. */
import type { Resource } from '#machinery/meta/resource.ts'
import type { Addon } from './types.ts'

export const ADDONS: Resource<Addon> = {
  group: 'k3s.cattle.io',
  version: 'v1',
  resource: 'addons',
  kind: 'Addon',
  namespaced: true,
}
