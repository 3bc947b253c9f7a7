import { describe, expect, it } from 'vitest'
import type { WatchEvent } from '#machinery/api/meta/v1.ts'
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '#machinery/api/rbac/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createUser } from '../../authentication/user.ts'
import { groupSubject, serviceAccountSubject, userSubject } from '../bootstrap/builders.ts'
import { createAuthorizer } from '../chain.ts'
import type { AuthorizationAttributes } from '../interfaces.ts'
import { createRbacAuthorizer, type RbacAuthorizer } from './authorizer.ts'

type RbacObject = ClusterRole | ClusterRoleBinding | Role | RoleBinding

/** Lists what it is given; its watches deliver what `emit` is called with. */
class ListingClient {
  readonly #objects: readonly RbacObject[]
  readonly #waiting = new Map<string, (event: WatchEvent) => void>()

  constructor(objects: readonly RbacObject[]) {
    this.#objects = objects
  }

  emit(type: WatchEvent['type'], object: RbacObject): void {
    this.#waiting.get(object.kind)?.({ type, object })
  }

  asClient(): Client {
    const client: Partial<Client> = {
      list: async ({ kind }) => ({
        apiVersion: 'v1',
        kind: `${kind}List`,
        metadata: { resourceVersion: '1' },
        items: this.#objects.filter((object) => object.kind === kind) as never[],
      }),
      watch: ({ kind }, options) => this.#watch(kind, options?.signal) as never,
    }
    return client as Client
  }

  async *#watch(kind: string, signal: AbortSignal | undefined): AsyncGenerator<WatchEvent> {
    while (signal?.aborted !== true) {
      yield await new Promise<WatchEvent>((resolve, reject) => {
        this.#waiting.set(kind, resolve)
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
    }
  }
}

const apiVersion = 'rbac.authorization.k8s.io/v1'
const clusterRole = (name: string, ...rules: PolicyRule[]): ClusterRole => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name },
  rules,
})
const role = (namespace: string, name: string, ...rules: PolicyRule[]): Role => ({
  apiVersion,
  kind: 'Role',
  metadata: { namespace, name },
  rules,
})
const ref = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
const clusterBinding = (name: string, roleName: string, ...subjects: Subject[]): ClusterRoleBinding => ({
  apiVersion,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: ref('ClusterRole', roleName),
  subjects,
})
const binding = (
  namespace: string,
  name: string,
  roleRef: RoleBinding['roleRef'],
  ...subjects: Subject[]
): RoleBinding => ({
  apiVersion,
  kind: 'RoleBinding',
  metadata: { namespace, name },
  roleRef,
  subjects,
})

async function authorizerOf(
  ...objects: RbacObject[]
): Promise<{ authorizer: RbacAuthorizer; client: ListingClient; stop: () => void }> {
  const authorizer = createRbacAuthorizer({ clock: new FakeClock(), random: systemRandom, logger: discardLogger })
  const client = new ListingClient(objects)
  const abort = new AbortController()
  authorizer.start(client.asClient(), abort.signal)
  await authorizer.ready
  return { authorizer, client, stop: () => abort.abort() }
}

/** `list pods.apps/status:name @ns` or `get /path`. */
function attributes(action: string, user = createUser('jane', { groups: ['dev'] })): AuthorizationAttributes {
  const [verb = '', target = '', at = ''] = action.split(/ @?/)
  const isResourceRequest = !target.startsWith('/')
  const [, resource = '', apiGroup = '', subresource = '', name = ''] =
    /^([^./:]*)(?:\.([^/:]*))?(?:\/([^:]*))?(?::(.*))?$/.exec(isResourceRequest ? target : '') ?? []
  const base = { user, verb, isResourceRequest, apiVersion: 'v1', namespace: at }
  return { ...base, apiGroup, resource, subresource, name, path: isResourceRequest ? '' : target }
}

describe('rules', () => {
  const table: [rule: PolicyRule, allowed: string[], refused: string[]][] = [
    [
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] },
      ['get pods @a', 'list pods', 'get pods:x @a'],
      ['watch pods', 'get pods/log @a', 'get pods.apps', 'get secrets', 'get /pods', 'GET pods'],
    ],
    [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      ['delete pods @a', 'get deployments.apps/scale @b', 'escalate clusterroles.rbac.authorization.k8s.io'],
      ['get /healthz'],
    ],
    [
      { verbs: ['get'], apiGroups: [''], resources: ['pods/log'] },
      ['get pods/log:x @a'],
      ['get pods @a', 'get pods/exec @a', 'get services/log @a'],
    ],
    [
      { verbs: ['update'], apiGroups: ['*'], resources: ['*/scale'] },
      ['update deployments.apps/scale @a', 'update replicationcontrollers/scale'],
      ['update deployments.apps @a', 'update deployments.apps/status', 'update scale'],
    ],
    [{ verbs: ['get'], apiGroups: [''], resources: ['pods/*'] }, [], ['get pods/log', 'get pods', 'get pods/exec']],
    [
      { verbs: ['get', 'create', 'list'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['one', 'two'] },
      ['get configmaps:one @a', 'get configmaps:two'],
      ['get configmaps:three', 'list configmaps', 'create configmaps'],
    ],
    [
      { verbs: ['get'], nonResourceURLs: ['/healthz', '/apis/*', '/logs*'] },
      ['get /healthz', 'get /apis/', 'get /apis/apps/v1', 'get /logs', 'get /logs/x'],
      ['get /healthz/etcd', 'get /apis', 'post /healthz', 'get pods'],
    ],
    [{ verbs: ['get'], nonResourceURLs: ['*'] }, ['get /', 'get /metrics'], ['get pods', 'put /']],
    [{ verbs: [], apiGroups: [''], resources: ['pods'] }, [], ['get pods']],
  ]

  it.each(table)('%j', async (rule, allowed, refused) => {
    const { authorizer, stop } = await authorizerOf(
      clusterRole('r', rule),
      clusterBinding('b', 'r', userSubject('jane')),
    )
    for (const action of allowed) expect(authorizer.authorize(attributes(action)).decision, action).toBe('Allow')
    for (const action of refused) expect(authorizer.authorize(attributes(action)).decision, action).toBe('NoOpinion')
    stop()
  })
})

describe('bindings', () => {
  const readPods = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
  const robot = createUser('system:serviceaccount:dev:robot', { groups: ['system:serviceaccounts'] })

  it.each([
    [userSubject('jane'), createUser('jane'), true],
    [userSubject('jane'), createUser('Jane'), false],
    [userSubject('dev'), createUser('x', { groups: ['dev'] }), false],
    [groupSubject('dev'), createUser('x', { groups: ['ops', 'dev'] }), true],
    [groupSubject('jane'), createUser('jane'), false],
    [serviceAccountSubject('robot', 'dev'), robot, true],
    [serviceAccountSubject('robot', 'prod'), robot, false],
    [userSubject('system:serviceaccount:dev:robot'), robot, true],
    [{ kind: 'Robot', name: 'jane' }, createUser('jane'), false],
  ])('%j to %j: %s', async (subject, user, isAllowed) => {
    const { authorizer, stop } = await authorizerOf(clusterRole('r', readPods), clusterBinding('b', 'r', subject))
    expect(authorizer.authorize(attributes('get pods', user)).decision === 'Allow').toBe(isAllowed)
    stop()
  })

  it('in a namespace grant there only, whichever kind of role they refer to', async () => {
    const { authorizer, stop } = await authorizerOf(
      clusterRole('r', readPods),
      role('a', 'local', { verbs: ['list'], apiGroups: [''], resources: ['pods'] }),
      binding('a', 'b', ref('ClusterRole', 'r'), userSubject('jane')),
      binding('a', 'c', ref('Role', 'local'), userSubject('jane')),
      binding('b', 'c', ref('Role', 'local'), userSubject('jane')),
    )
    const decide = (action: string) => authorizer.authorize(attributes(action))
    expect(decide('get pods @a').decision).toBe('Allow')
    expect(decide('list pods @a').decision).toBe('Allow')
    expect(decide('get pods @b').decision).toBe('NoOpinion')
    expect(decide('get pods').decision).toBe('NoOpinion')
    expect(decide('list pods @b')).toEqual({
      decision: 'NoOpinion',
      reason: 'RBAC: role.rbac.authorization.k8s.io "local" not found',
    })
    stop()
  })

  it('are named in the reason', async () => {
    const { authorizer, stop } = await authorizerOf(
      clusterRole('r', readPods),
      clusterBinding('b', 'r', groupSubject('dev')),
      binding('a', 'b', ref('ClusterRole', 'r'), serviceAccountSubject('robot', 'dev')),
    )
    expect(authorizer.authorize(attributes('get pods')).reason).toBe(
      'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "dev"',
    )
    expect(authorizer.authorize(attributes('get pods @a', robot)).reason).toBe(
      'RBAC: allowed by RoleBinding "b/a" of ClusterRole "r" to ServiceAccount "robot/dev"',
    )
    stop()
  })

  it('follow the watch', async () => {
    const { authorizer, client, stop } = await authorizerOf(clusterRole('r', readPods))
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    const isAllowed = (action: string): boolean => authorizer.authorize(attributes(action)).decision === 'Allow'
    await settle()
    client.emit('ADDED', clusterBinding('b', 'r', userSubject('jane')))
    await settle()
    expect(isAllowed('get pods')).toBe(true)
    client.emit('MODIFIED', clusterRole('r', { verbs: ['list'], apiGroups: [''], resources: ['pods'] }))
    await settle()
    expect([isAllowed('get pods'), isAllowed('list pods')]).toEqual([false, true])
    client.emit('MODIFIED', clusterBinding('b', 'r', userSubject('joe')))
    await settle()
    expect(isAllowed('list pods')).toBe(false)
    client.emit('MODIFIED', clusterBinding('b', 'r', userSubject('jane'), userSubject('jane')))
    await settle()
    expect(isAllowed('list pods')).toBe(true)
    client.emit('DELETED', clusterBinding('b', 'r'))
    await settle()
    expect(isAllowed('list pods')).toBe(false)
    stop()
  })

  it('are resolved to rules, with what is missing', async () => {
    const { authorizer, stop } = await authorizerOf(
      clusterRole('r', readPods),
      clusterBinding('b', 'r', groupSubject('dev')),
      binding('a', 'c', ref('Role', 'gone'), userSubject('jane')),
    )
    expect(authorizer.rulesFor(createUser('jane', { groups: ['dev'] }), 'a')).toEqual({
      rules: [readPods],
      errors: ['role.rbac.authorization.k8s.io "gone" not found'],
    })
    expect(() => authorizer.rulesOf(ref('Role', 'gone'), 'a')).toThrow('not found')
    stop()
  })
})

describe('the whole authorizer', () => {
  const anonymous = createUser('system:anonymous', { groups: ['system:unauthenticated'] })

  it('lets masters do everything before any cache is filled', () => {
    const rbac = createRbacAuthorizer({ clock: new FakeClock(), random: systemRandom, logger: discardLogger })
    const master = createUser('system:admin', { groups: ['system:masters'] })
    const authorizer = createAuthorizer(rbac)
    expect(authorizer.authorize(attributes('delete namespaces:x', master)).decision).toBe('Allow')
    expect(authorizer.authorize(attributes('delete namespaces:x')).decision).toBe('NoOpinion')
  })

  it('limits anonymous to health and version, whatever is bound to it', async () => {
    const { authorizer: rbac, stop } = await authorizerOf(
      clusterRole(
        'all',
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ),
      clusterBinding('b', 'all', groupSubject('system:unauthenticated'), userSubject('system:anonymous')),
    )
    const authorizer = createAuthorizer(rbac)
    for (const path of ['/healthz', '/livez', '/readyz', '/version']) {
      expect(authorizer.authorize(attributes(`get ${path}`, anonymous)).decision, path).toBe('Allow')
    }
    for (const action of ['get /metrics', 'post /healthz', 'get /api', 'list pods', 'get secrets:x @kube-system']) {
      expect(authorizer.authorize(attributes(action, anonymous)).decision, action).toBe('Deny')
    }
    stop()
  })
})
