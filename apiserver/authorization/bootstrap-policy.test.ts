import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ClusterRole, ClusterRoleBinding } from '#machinery/api/rbac/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { newAlreadyExists, newConflict, newNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { bootstrapPolicy, reconcileBootstrapPolicy } from './bootstrap-policy.ts'

/** Enough of an API: objects by resource and key, writes counted. */
class StoringClient {
  readonly objects = new Map<string, KubeObject>()
  readonly writes: string[] = []
  concurrent = 0
  concurrentMax = 0

  keyOf(
    { resource }: Resource,
    { metadata }: { readonly metadata: { readonly namespace?: string; readonly name?: string } },
  ): string {
    return `${resource}/${metadata.namespace ?? ''}/${metadata.name}`
  }

  async #write(verb: string, key: string, apply: () => void): Promise<void> {
    this.concurrentMax = Math.max(this.concurrentMax, ++this.concurrent)
    await new Promise((resolve) => setImmediate(resolve))
    this.concurrent--
    this.writes.push(`${verb} ${key}`)
    apply()
  }

  asClient(): Client {
    const client: Partial<Client> = {
      list: async (resource) => {
        const items = [...this.objects]
          .filter(([key]) => key.startsWith(`${resource.resource}/`))
          .map(([, object]) => object)
        return { apiVersion: 'v1', kind: 'List', metadata: {}, items } as never
      },
      get: async (resource, { namespace, name }) => {
        const found = this.objects.get(
          this.keyOf(resource, { metadata: { ...(namespace === undefined ? {} : { namespace }), name } }),
        )
        if (found === undefined) throw newNotFound(resource, name)
        return found as never
      },
      create: async (resource, object) => {
        const key = this.keyOf(resource, object)
        await this.#write('create', key, () => {
          if (this.objects.has(key)) throw newAlreadyExists(resource, key)
          this.objects.set(key, deepCopy(object) as KubeObject)
        })
        return object as never
      },
      update: async (resource, object) => {
        const key = this.keyOf(resource, object)
        await this.#write('update', key, () => this.objects.set(key, deepCopy(object) as KubeObject))
        return object as never
      },
      delete: async (resource, { name }) => {
        const key = this.keyOf(resource, { metadata: { name } })
        await this.#write('delete', key, () => this.objects.delete(key))
        return {} as never
      },
    }
    return client as Client
  }
}

const signal = new AbortController().signal

async function started(): Promise<StoringClient> {
  const client = new StoringClient()
  await reconcileBootstrapPolicy(client.asClient(), signal)
  return client
}

function clusterRoleOf(client: StoringClient, name: string): ClusterRole {
  return client.objects.get(`clusterroles//${name}`) as ClusterRole
}

describe('the policy', () => {
  const policy = bootstrapPolicy()

  it('has the roles people rely on', () => {
    const names = policy.clusterRoles.map(({ metadata }) => metadata.name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(
      expect.arrayContaining([
        ...['cluster-admin', 'admin', 'edit', 'view', 'system:basic-user', 'system:discovery', 'system:node'],
        ...[
          'system:public-info-viewer',
          'system:kube-scheduler',
          'system:kube-controller-manager',
          'system:monitoring',
        ],
        ...['system:volume-scheduler', 'system:auth-delegator', 'system:heapster', 'system:node-proxier'],
        ...['system:service-account-issuer-discovery', 'system:controller:job-controller'],
      ]),
    )
    expect(names.filter((name) => name?.startsWith('system:controller:')).length).toBeGreaterThanOrEqual(35)
  })

  it('binds only roles it defines, and every controller to its account', () => {
    const names = new Set(policy.clusterRoles.map(({ metadata }) => metadata.name))
    for (const { roleRef } of policy.clusterRoleBindings) expect(names).toContain(roleRef.name)
    const local = new Set(policy.roles.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))
    for (const { metadata, roleRef } of policy.roleBindings)
      expect(local).toContain(`${metadata.namespace}/${roleRef.name}`)
    const jobs = policy.clusterRoleBindings.find(({ metadata }) => metadata.name === 'system:controller:job-controller')
    expect(jobs?.subjects).toEqual([{ kind: 'ServiceAccount', name: 'job-controller', namespace: 'kube-system' }])
  })

  it('marks everything for later updates', () => {
    for (const { metadata } of [
      ...policy.clusterRoles,
      ...policy.clusterRoleBindings,
      ...policy.roles,
      ...policy.roleBindings,
    ]) {
      expect(metadata.labels?.['kubernetes.io/bootstrapping']).toBe('rbac-defaults')
      expect(metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate']).toBe('true')
    }
  })

  it.each([
    ['system:monitoring', ['/flagz', '/statusz']],
    [
      'system:kubelet-api-admin',
      ['nodes/configz nodes/healthz nodes/pods', 'nodes/log nodes/metrics nodes/proxy nodes/stats'],
    ],
    ['system:kube-scheduler', ['leasecandidates', 'resourceclaims/binding', 'volumeattachments']],
    ['system:controller:resource-claim-controller', ['resourceclaims/binding']],
  ])('has rules of their own in %s, as upstream writes them', (name, rules) => {
    const role = policy.clusterRoles.find(({ metadata }) => metadata.name === name)
    expect(role?.rules?.map(({ resources, nonResourceURLs }) => (resources ?? nonResourceURLs)?.join(' '))).toEqual(
      expect.arrayContaining(rules),
    )
  })

  it.each(['leader-locking-kube-controller-manager', 'leader-locking-kube-scheduler'])(
    'lets %s hold leases only',
    (name) => {
      const role = policy.roles.find(({ metadata }) => metadata.name === `system::${name}`)
      expect(role?.rules).toEqual(
        ['leases', 'leasecandidates'].map((resource) => ({
          verbs: ['create', 'get', 'list', 'update', 'watch'],
          apiGroups: ['coordination.k8s.io'],
          resources: [resource],
        })),
      )
    },
  )

  it('leaves out what only gates off by default ask for', () => {
    const names = policy.clusterRoles.map(({ metadata }) => metadata.name)
    expect(names).not.toContain('system:controller:storage-version-migrator-controller')
    expect(JSON.stringify(policy)).not.toMatch(/devicetaintrules|clustertrustbundles|podcertificaterequests/)
  })

  it('keeps secrets and escalation out of view', () => {
    const view = policy.clusterRoles.find(({ metadata }) => metadata.name === 'system:aggregate-to-view')
    const resources = view?.rules?.flatMap((rule) => rule.resources ?? []) ?? []
    expect(resources).toContain('pods/log')
    expect(resources).not.toContain('secrets')
    expect(view?.rules?.every((rule) => rule.verbs.join() === 'get,list,watch')).toBe(true)
  })

  it('adds what the own controllers need', () => {
    const extra: (ClusterRole | ClusterRoleBinding)[] = [
      {
        apiVersion: 'v1',
        kind: 'ClusterRole',
        metadata: { name: 'own' },
        rules: [{ verbs: ['get'], apiGroups: ['x'], resources: ['y'] }],
      },
      {
        apiVersion: 'v1',
        kind: 'ClusterRole',
        metadata: { name: 'system:controller:namespace-controller' },
        rules: [{ verbs: ['bend'], apiGroups: ['x'], resources: ['y'] }],
      },
    ]
    const roles = bootstrapPolicy(extra).clusterRoles
    expect(roles.some(({ metadata }) => metadata.name === 'own')).toBe(true)
    const merged = roles.find(({ metadata }) => metadata.name === 'system:controller:namespace-controller')
    expect(merged?.rules?.map(({ verbs }) => verbs.join())).toContain('bend')
    expect(merged?.rules?.length).toBe(4)
  })
})

describe('reconciliation', () => {
  it('creates everything once, many at a time, and nothing the second time', async () => {
    const client = await started()
    const policy = bootstrapPolicy()
    const count = Object.values(policy).flat().length + 2
    expect(client.writes).toHaveLength(count)
    expect(client.objects.has('namespaces//kube-system')).toBe(true)
    expect(client.concurrentMax).toBeGreaterThan(10)
    expect(client.concurrentMax).toBeLessThanOrEqual(64)
    client.writes.length = 0
    await reconcileBootstrapPolicy(client.asClient(), signal)
    expect(client.writes).toEqual([])
  })

  it('puts back what was taken away and keeps what was added', async () => {
    const client = await started()
    const role = clusterRoleOf(client, 'system:basic-user')
    const own = { verbs: ['get'], apiGroups: ['own'], resources: ['x'] }
    role.rules = [own]
    role.metadata.labels = { mine: 'yes', 'kubernetes.io/bootstrapping': 'changed' }
    const binding = client.objects.get('clusterrolebindings//system:discovery') as ClusterRoleBinding
    binding.subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }]
    client.writes.length = 0
    await reconcileBootstrapPolicy(client.asClient(), signal)
    expect(client.writes.sort()).toEqual([
      'update clusterrolebindings//system:discovery',
      'update clusterroles//system:basic-user',
    ])
    const after = clusterRoleOf(client, 'system:basic-user')
    expect(after.rules?.[0]).toEqual(own)
    expect(after.rules?.flatMap(({ resources }) => resources)).toContain('selfsubjectreviews')
    expect(after.metadata.labels).toEqual({ mine: 'yes', 'kubernetes.io/bootstrapping': 'changed' })
    const subjects = (client.objects.get('clusterrolebindings//system:discovery') as ClusterRoleBinding).subjects
    expect(subjects?.map(({ name }) => name)).toEqual(['jane', 'system:authenticated'])
  })

  it('leaves alone what says so', async () => {
    const client = await started()
    const role = clusterRoleOf(client, 'system:discovery')
    role.rules = []
    role.metadata.annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' }
    client.writes.length = 0
    await reconcileBootstrapPolicy(client.asClient(), signal)
    expect(client.writes).toEqual([])
  })

  it('does not fight the aggregation controller over rules', async () => {
    const client = await started()
    clusterRoleOf(client, 'view').rules = [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }]
    client.writes.length = 0
    await reconcileBootstrapPolicy(client.asClient(), signal)
    expect(client.writes).toEqual([])
    delete clusterRoleOf(client, 'view').aggregationRule
    await reconcileBootstrapPolicy(client.asClient(), signal)
    expect(clusterRoleOf(client, 'view').aggregationRule?.clusterRoleSelectors).toHaveLength(1)
  })

  it('makes a binding anew when it refers to another role', async () => {
    const client = await started()
    const binding = client.objects.get('clusterrolebindings//system:basic-user') as ClusterRoleBinding
    binding.roleRef = { ...binding.roleRef, name: 'cluster-admin' }
    client.writes.length = 0
    await reconcileBootstrapPolicy(client.asClient(), signal)
    expect(client.writes).toEqual([
      'delete clusterrolebindings//system:basic-user',
      'create clusterrolebindings//system:basic-user',
    ])
  })

  it('tries again after a conflict and gives up in the end', async () => {
    const client = await started()
    clusterRoleOf(client, 'system:basic-user').rules = []
    const real = client.asClient()
    let failures = 2
    const flaky: Client = {
      ...real,
      update: async (resource, object) => {
        if (failures-- > 0) throw newConflict(resource, 'x', 'changed')
        return real.update(resource, object)
      },
    }
    await reconcileBootstrapPolicy(flaky, signal)
    expect(clusterRoleOf(client, 'system:basic-user').rules).not.toEqual([])
    clusterRoleOf(client, 'system:basic-user').rules = []
    failures = 1000
    await expect(reconcileBootstrapPolicy(flaky, signal)).rejects.toThrow('changed')
  })
})
