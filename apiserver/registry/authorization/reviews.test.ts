import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isInvalid, StatusError } from '#machinery/meta/errors.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createUser } from '../../authentication/user.ts'
import type { AuthorizationAttributes, Authorizer } from '../../authorization/interfaces.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { reviewLocalSubject, reviewSelf, reviewSubject } from './access-review.ts'
import { reviewSelfRules } from './rules-review.ts'

const asked: AuthorizationAttributes[] = []
/** Allows verb get, denies delete, knows nothing of the rest. */
const authorizer: Authorizer = {
  authorize(attributes) {
    asked.push(attributes)
    if (attributes.verb === 'get') return { decision: 'Allow', reason: 'because' }
    return { decision: attributes.verb === 'delete' ? 'Deny' : 'NoOpinion', reason: '' }
  },
}

const context: RequestContext = {
  user: createUser('jane', { groups: ['dev'] }),
  namespace: 'a',
  isDryRun: false,
  clock: new FakeClock(),
  random: systemRandom,
  signal: new AbortController().signal,
  warn() {},
}

const review = (spec: object, metadata: object = {}): KubeObject =>
  ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata, spec }) as KubeObject
const pods = (verb: string, namespace = 'a') => ({
  resourceAttributes: { verb, namespace, group: '', resource: 'pods', name: 'x' },
})
const statusOf = (object: KubeObject): unknown => (object as KubeObject & { status?: unknown }).status

describe('access reviews', () => {
  it.each([
    ['get', { allowed: true, reason: 'because' }],
    ['delete', { allowed: false, denied: true }],
    ['list', { allowed: false }],
  ])('answer for somebody: %s', async (verb, status) => {
    const answer = await reviewSubject(authorizer)(
      review({ ...pods(verb), user: 'joe', groups: ['ops'], extra: { K: ['v'] } }),
      context,
    )
    expect(statusOf(answer)).toEqual(status)
    expect(asked.at(-1)).toMatchObject({ isResourceRequest: true, resource: 'pods', namespace: 'a', name: 'x', verb })
    expect(asked.at(-1)?.user).toMatchObject({ name: 'joe', groups: ['ops'] })
    expect(asked.at(-1)?.user.extra.get('k')).toEqual(['v'])
  })

  it('answer for the caller, also about paths', async () => {
    const answer = await reviewSelf(authorizer)(
      review({ nonResourceAttributes: { verb: 'get', path: '/metrics' } }),
      context,
    )
    expect(statusOf(answer)).toMatchObject({ allowed: true })
    expect(asked.at(-1)).toMatchObject({ isResourceRequest: false, path: '/metrics', user: context.user })
  })

  it('of one namespace stay in it', async () => {
    const answer = await reviewLocalSubject(authorizer)(
      review({ ...pods('get'), user: 'joe' }, { namespace: 'a' }),
      context,
    )
    expect(statusOf(answer)).toMatchObject({ allowed: true })
    await expect(reviewLocalSubject(authorizer)(review({ ...pods('get', 'b'), user: 'joe' }), context)).rejects.toThrow(
      'spec.resourceAttributes.namespace must match namespace: a',
    )
  })

  it.each([
    ['nothing asked', { user: 'joe' }, {}],
    ['two things asked', { ...pods('get'), nonResourceAttributes: { path: '/', verb: 'get' }, user: 'joe' }, {}],
    ['nobody named', pods('get'), {}],
    ['a name', { ...pods('get'), user: 'joe' }, { name: 'x' }],
  ])('refuse %s', async (_, spec, metadata) => {
    const err = await reviewSubject(authorizer)(review(spec, metadata), context).catch((thrown: unknown) => thrown)
    expect(isInvalid(err)).toBe(true)
  })
})

describe('rules reviews', () => {
  const resolver = {
    rulesFor: () => ({
      rules: [
        { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['x'] },
        { verbs: ['get'], nonResourceURLs: ['/healthz'] },
      ],
      errors: ['role "gone" not found'],
    }),
  }

  it('list what the caller may do', () => {
    expect(statusOf(reviewSelfRules(resolver)(review({ namespace: 'a' }), context))).toEqual({
      resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['x'] }],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }],
      incomplete: true,
      evaluationError: 'role "gone" not found',
    })
  })

  it('need a namespace', () => {
    expect(() => reviewSelfRules(resolver)(review({}), context)).toThrow(StatusError)
  })
})
