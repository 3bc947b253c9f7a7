import { describe, expect, it } from 'vitest'
import type { ClusterRole } from '#machinery/api/rbac/v1/types.gen.ts'
import { aggregatedRules } from './reconciler.ts'

const role = (name: string, labels: Record<string, string>, ...resources: string[]): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules: resources.map((resource) => ({ verbs: ['get'], apiGroups: [''], resources: [resource] })),
})
const aggregated = (name: string, ...selectors: Record<string, string>[]): ClusterRole => ({
  ...role(name, { to: 'x' }),
  aggregationRule: { clusterRoleSelectors: selectors.map((matchLabels) => ({ matchLabels })) },
})
const resourcesOf = (target: ClusterRole, roles: ClusterRole[]): string[] =>
  aggregatedRules(target, roles).flatMap(({ resources = [] }) => [...resources])

describe('aggregatedRules', () => {
  const roles = [
    role('b', { to: 'x' }, 'pods', 'secrets'),
    role('a', { to: 'x', also: 'y' }, 'pods', 'nodes'),
    role('c', { to: 'z' }, 'events'),
  ]

  it('collects matching roles by name, each rule once', () => {
    expect(resourcesOf(aggregated('all', { to: 'x' }), roles)).toEqual(['pods', 'nodes', 'secrets'])
  })

  it('takes selectors in their order and joins them', () => {
    expect(resourcesOf(aggregated('all', { to: 'z' }, { also: 'y' }), roles)).toEqual(['events', 'pods', 'nodes'])
  })

  it('never contains itself, and nothing without selectors', () => {
    const self = { ...aggregated('all', { to: 'x' }), rules: role('x', {}, 'self').rules ?? [] }
    expect(resourcesOf(self, [self])).toEqual([])
    expect(resourcesOf(aggregated('none'), roles)).toEqual([])
  })

  it('gives the same list whatever the order of the cache', () => {
    const target = aggregated('all', { to: 'x' })
    expect(aggregatedRules(target, [...roles].reverse())).toEqual(aggregatedRules(target, roles))
  })
})
