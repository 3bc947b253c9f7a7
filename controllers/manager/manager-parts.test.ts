/** The manager's pure parts: expectations, selection, derived RBAC. */
import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { ttlAfterFinishedController } from '../ttl-after-finished/reconciler.ts'
import { Expectations } from './expectations.ts'
import { controllerIdentity, controllerPolicy } from './policy.ts'
import { isControllerEnabled, unknownControllers } from './selection.ts'
import { CONTROLLER_NAMES, currentName, MISSING_CONTROLLERS } from './upstream-names.ts'

describe('Expectations', () => {
  it('is satisfied when every create has been seen', () => {
    const expectations = new Expectations(new FakeClock())
    expectations.expectCreations('a', 2)
    expectations.creationObserved('a')
    expect(expectations.waitMs('a')).toBeGreaterThan(0)
    expectations.creationObserved('a')
    expect(expectations.waitMs('a')).toBeUndefined()
  })

  it('counts a delete once however often it is seen', () => {
    const expectations = new Expectations(new FakeClock())
    expectations.expectDeletions('a', ['u1', 'u2'])
    expectations.deletionObserved('a', 'u1')
    expectations.deletionObserved('a', 'u1')
    expect(expectations.waitMs('a')).toBeGreaterThan(0)
    expectations.deletionObserved('a', 'u2')
    expect(expectations.waitMs('a')).toBeUndefined()
  })

  it('gives up waiting after five minutes', () => {
    const clock = new FakeClock()
    const expectations = new Expectations(clock)
    expectations.expectCreations('a', 1)
    expect(expectations.waitMs('a')).toBe(300_001)
    clock.advance(300_000)
    expect(expectations.waitMs('a')).toBeGreaterThan(0)
    expect(expectations.waitMs('a')).toBe(1)
    clock.advance(1)
    expect(expectations.waitMs('a')).toBeUndefined()
  })
})

describe('controller selection', () => {
  it.each([
    ['all', ['*'], true],
    ['all but it', ['*', '-foo'], false],
    ['only it', ['foo'], true],
    ['only another', ['bar'], false],
    ['none', [], false],
  ])('%s', (_name, selection, expected) => {
    expect(isControllerEnabled('foo', selection)).toBe(expected)
  })

  it('starts what is off by default only by name', () => {
    expect(isControllerEnabled('foo', ['*'], true)).toBe(false)
    expect(isControllerEnabled('foo', ['*', 'foo'], true)).toBe(true)
  })

  it('names entries that no controller has', () => {
    expect(unknownControllers(['*', '-foo', 'bar', '-typo'], ['foo', 'bar'])).toEqual(['-typo'])
  })
})

describe('the names of kube-controller-manager', () => {
  it.each([
    ['csrsigning', 'certificatesigningrequest-signing-controller'],
    ['-podgc', '-pod-garbage-collector-controller'],
    ['service', 'service-lb-controller'],
    ['storage-version-gc', 'storageversion-garbage-collector-controller'],
    ['endpointslicemirroring-controller', 'endpointslice-mirroring-controller'],
    ['deployment-controller', 'deployment-controller'],
    ['*', '*'],
    ['-typo', '-typo'],
  ])('%s is %s', (entry, expected) => {
    expect(currentName(entry)).toBe(expected)
  })

  it('are all taken, those without a controller too', () => {
    const names = ['replicaset', 'selinux-warning-controller', 'route', 'cloud-node-lifecycle'].map(currentName)
    expect(unknownControllers(names, CONTROLLER_NAMES)).toEqual([])
    expect(names.filter((name) => MISSING_CONTROLLERS.includes(name))).toEqual([
      'selinux-warning-controller',
      'node-route-controller',
      'cloud-node-lifecycle-controller',
    ])
  })
})

describe('controllerPolicy', () => {
  it('gives each controller a role of its permissions plus events, bound to its service account', () => {
    const [role, binding] = controllerPolicy([ttlAfterFinishedController])
    expect(role).toMatchObject({
      kind: 'ClusterRole',
      metadata: { name: 'system:controller:ttl-after-finished-controller' },
      rules: [
        { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'delete'] },
        { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
      ],
    })
    expect(binding).toMatchObject({
      kind: 'ClusterRoleBinding',
      subjects: [{ kind: 'ServiceAccount', namespace: 'kube-system', name: 'ttl-after-finished-controller' }],
    })
    expect(controllerIdentity('x').name).toBe('system:serviceaccount:kube-system:x')
  })
})
