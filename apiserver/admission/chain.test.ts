import { describe, expect, it } from 'vitest'
import type { LimitRange, Namespace, Pod, ServiceAccount } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'
import { StatusError } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { admissionChain } from './chain.ts'
import type { AdmissionDeps } from './deps.ts'
import type { AdmissionAttributes, AdmissionOperation } from './interfaces.ts'
import { createResourceQuota } from './resource-quota/plugin.ts'

const namespaces = new Map<string, Namespace>([
  ['ns', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' }, spec: {}, status: { phase: 'Active' } }],
  [
    'going',
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' }, spec: {}, status: { phase: 'Terminating' } },
  ],
])
const account: ServiceAccount = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default', namespace: 'ns' },
  imagePullSecrets: [{ name: 'pull' }],
}
const high: PriorityClass = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: 'high' },
  value: 1000,
}

function makeDeps(overrides: Partial<AdmissionDeps> = {}): AdmissionDeps {
  return {
    namespace: (name) => namespaces.get(name),
    serviceAccount: (_namespace, name) => (name === 'default' ? account : undefined),
    limitRanges: () => [],
    priorityClass: (name) => (name === 'high' ? high : undefined),
    priorityClasses: () => [high],
    storageClasses: () => [],
    ingressClasses: () => [],
    peek: () => undefined,
    authorizer: { authorize: () => ({ decision: 'NoOpinion', reason: '' }) },
    random: systemRandom,
    clock: systemClock,
    ...overrides,
  }
}

function makeAttributes(
  operation: AdmissionOperation,
  object: KubeObject | undefined,
  more: Partial<AdmissionAttributes> = {},
): AdmissionAttributes {
  return {
    operation,
    kind: { group: '', version: 'v1', kind: 'Pod' },
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: '',
    namespace: 'ns',
    name: object?.metadata.name ?? '',
    user: { name: 'u', uid: '', groups: [], extra: new Map() },
    isDryRun: false,
    object,
    oldObject: undefined,
    options: {},
    warn() {},
    ...more,
  }
}

async function admit(attributes: AdmissionAttributes, deps = makeDeps()): Promise<void> {
  const plugins = admissionChain(deps).filter((plugin) => plugin.handles(attributes.operation))
  for (const plugin of plugins) await plugin.admit?.(attributes)
  for (const plugin of plugins) await plugin.validate?.(attributes)
}

async function refusal(attributes: AdmissionAttributes, deps = makeDeps()): Promise<StatusError['status'] | undefined> {
  try {
    await admit(attributes, deps)
    return undefined
  } catch (err) {
    if (err instanceof StatusError) return err.status
    throw err
  }
}

const makePod = (spec: Partial<Pod['spec']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: [{ name: 'c', image: 'a:1' }], ...spec },
})

describe('NamespaceLifecycle', () => {
  it('answers NotFound for a namespace that is not there', async () => {
    expect(await refusal(makeAttributes('CREATE', makePod(), { namespace: 'nope' }))).toMatchObject({
      reason: 'NotFound',
      message: 'namespaces "nope" not found',
    })
  })

  it('creates nothing in a namespace that is going, but lets things be changed there', async () => {
    const status = await refusal(makeAttributes('CREATE', makePod(), { namespace: 'going' }))
    expect(status?.message).toBe(
      'pods "p" is forbidden: unable to create new content in namespace going because it is being terminated',
    )
    expect(status?.details?.causes).toEqual([
      { reason: 'NamespaceTerminating', message: 'namespace going is being terminated', field: 'metadata.namespace' },
    ])
    expect(
      await refusal(makeAttributes('UPDATE', makePod(), { namespace: 'going', oldObject: makePod() })),
    ).toBeUndefined()
  })

  it.each([
    ['kube-system', 'namespaces "kube-system" is forbidden: this namespace may not be deleted'],
    ['mine', undefined],
  ])('deleting %s: %s', async (name, message) => {
    const attributes = makeAttributes('DELETE', undefined, { resource: 'namespaces', namespace: name, name })
    expect((await refusal(attributes))?.message).toBe(message)
  })
})

describe('pods get', () => {
  it('their account, token, pull secrets, priority and tolerations', async () => {
    const pod = makePod({ initContainers: [{ name: 'i', image: 'a:1' }] })
    await admit(makeAttributes('CREATE', pod))
    const [volume] = pod.spec.volumes ?? []
    expect(volume?.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    expect(volume?.projected?.sources).toHaveLength(3)
    const mount = { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
    expect(pod.spec.containers[0]?.volumeMounts).toEqual([mount])
    expect(pod.spec.initContainers?.[0]?.volumeMounts).toEqual([mount])
    expect(pod.spec).toMatchObject({
      serviceAccountName: 'default',
      serviceAccount: 'default',
      imagePullSecrets: [{ name: 'pull' }],
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    })
    expect(pod.spec.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds])).toEqual([
      ['node.kubernetes.io/not-ready', 300],
      ['node.kubernetes.io/unreachable', 300],
    ])
  })

  it('no token when they do not want one', async () => {
    const pod = makePod({ automountServiceAccountToken: false })
    await admit(makeAttributes('CREATE', pod))
    expect(pod.spec.volumes).toBeUndefined()
  })

  it('refused with the account that is missing', async () => {
    const status = await refusal(makeAttributes('CREATE', makePod({ serviceAccountName: 'robot' })))
    expect(status?.message).toBe(
      'pods "p" is forbidden: error looking up service account ns/robot: serviceaccount "robot" not found',
    )
  })

  it('their default account as soon as it appears', async () => {
    let asked = 0
    const deps = makeDeps({
      serviceAccount: () => (asked++ === 0 ? undefined : account),
      clock: { ...systemClock, setTimeout: (callback) => systemClock.setTimeout(callback, 0) },
    })
    const pod = makePod()
    await admit(makeAttributes('CREATE', pod), deps)
    expect(pod.spec.volumes).toHaveLength(1)
  })

  it.each<[string, Partial<Pod['spec']>, number | string]>([
    ['a class', { priorityClassName: 'high' }, 1000],
    ['a system class before it exists', { priorityClassName: 'system-node-critical' }, 2_000_001_000],
    ['no such class', { priorityClassName: 'low' }, 'pods "p" is forbidden: no PriorityClass with name low was found'],
  ])('a priority from %s', async (_name, spec, expected) => {
    const pod = makePod(spec)
    const status = await refusal(makeAttributes('CREATE', pod))
    expect(status?.message ?? pod.spec.priority).toBe(expected)
  })
})

describe('LimitRanger', () => {
  const range: LimitRange = {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'l' },
    spec: {
      limits: [
        {
          type: 'Container',
          default: { cpu: '500m' },
          defaultRequest: { cpu: '100m' },
          max: { cpu: '1' },
          min: { cpu: '50m' },
        },
      ],
    },
  }
  const deps = makeDeps({ limitRanges: () => [range] })

  it('fills requests and limits and says so', async () => {
    const pod = makePod()
    await admit(makeAttributes('CREATE', pod), deps)
    expect(pod.spec.containers[0]?.resources).toEqual({ requests: { cpu: '100m' }, limits: { cpu: '500m' } })
    expect(pod.metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
    })
  })

  it('reports every bound that is broken', async () => {
    const resources = { requests: { cpu: '10m' }, limits: { cpu: '2' } }
    const pod = makePod({ containers: [{ name: 'c', image: 'a:1', resources }] })
    expect((await refusal(makeAttributes('CREATE', pod), deps))?.message).toBe(
      'pods "p" is forbidden: [minimum cpu usage per Container is 50m, but request is 10m, maximum cpu usage per Container is 1, but limit is 2]',
    )
  })
})

describe('ResourceQuota', () => {
  const quotaOf = (hard: Record<string, string>): AdmissionDeps => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard } }
    const done = { ...makePod(), status: { phase: 'Succeeded' } }
    return makeDeps({ resourceQuotas: () => [quota], objects: () => [makePod(), done] })
  }

  it.each([
    [{ pods: '2' }, undefined],
    [{ pods: '1' }, 'pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'],
    [
      { 'count/pods': '2' },
      'pods "p" is forbidden: exceeded quota: q, requested: count/pods=1, used: count/pods=2, limited: count/pods=2',
    ],
    [{ 'limits.cpu': '1' }, 'pods "p" is forbidden: failed quota: q: must specify limits.cpu for: c'],
  ])('%j: %s', async (hard, message) => {
    expect((await refusal(makeAttributes('CREATE', makePod()), quotaOf(hard as Record<string, string>)))?.message).toBe(
      message,
    )
  })
})

describe('ResourceQuota and creates in flight', () => {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { pods: '2' } } }
  const named = (name: string): Pod => ({ ...makePod(), metadata: { name, namespace: 'ns' } })

  function start() {
    const stored: Pod[] = []
    const clock = new FakeClock()
    const plugin = createResourceQuota(makeDeps({ resourceQuotas: () => [quota], objects: () => stored, clock }))
    const isAllowed = (pod: Pod, more: Partial<AdmissionAttributes> = {}): boolean => {
      try {
        const outcome = plugin.validate?.(makeAttributes('CREATE', pod, more))
        return !(outcome instanceof Promise)
      } catch {
        return false
      }
    }
    return { stored, clock, isAllowed }
  }

  it('lets no more through than there are places, though none is stored yet', () => {
    const { isAllowed } = start()
    expect(['a', 'b', 'c', 'd'].map((name) => isAllowed(named(name)))).toEqual([true, true, false, false])
  })

  it('counts an object once when it is stored', () => {
    const { stored, isAllowed } = start()
    isAllowed(named('a'))
    stored.push(named('a'))
    expect([isAllowed(named('b')), isAllowed(named('c'))]).toEqual([true, false])
  })

  it('keeps no place for dry runs, nor for long for a create that failed', () => {
    const { clock, isAllowed } = start()
    expect(['a', 'b', 'c'].map((name) => isAllowed(named(name), { isDryRun: true }))).toEqual([true, true, true])
    expect(['d', 'e', 'f'].map((name) => isAllowed(named(name)))).toEqual([true, true, false])
    clock.advance(10_000)
    expect(isAllowed(named('g'))).toBe(true)
  })
})

describe('defaults of classes', () => {
  it('picks the youngest default storage class', async () => {
    const marked = (name: string, creationTimestamp: string) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name, creationTimestamp, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'x',
    })
    const classes = [marked('old', '2024-01-01T00:00:00Z'), marked('new', '2025-01-01T00:00:00Z')]
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, spec: {} }
    const deps = makeDeps({ storageClasses: () => classes })
    await admit(makeAttributes('CREATE', claim, { resource: 'persistentvolumeclaims' }), deps)
    expect(claim.spec).toEqual({ storageClassName: 'new' })
    expect(claim.metadata).toHaveProperty('finalizers', ['kubernetes.io/pvc-protection'])
  })

  it('is in upstream order', () => {
    expect(admissionChain(makeDeps()).map(({ name }) => name)).toEqual([
      'NamespaceLifecycle',
      'LimitRanger',
      'ServiceAccount',
      'NodeRestriction',
      'TaintNodesByCondition',
      'PodSecurity',
      'Priority',
      'DefaultTolerationSeconds',
      'DefaultStorageClass',
      'StorageObjectInUseProtection',
      'PersistentVolumeClaimResize',
      'RuntimeClass',
      'CertificateApproval',
      'CertificateSigning',
      'CertificateSubjectRestriction',
      'DefaultIngressClass',
      'PodTopologyLabels',
      'PodResizeValidator',
      'MutatingAdmissionWebhook',
      'ValidatingAdmissionWebhook',
      'ResourceQuota',
    ])
  })
})

describe('PodSecurity', () => {
  const labelled = (labels: Record<string, string>): Namespace => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: 'ns',
      labels: Object.fromEntries(
        Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]),
      ),
    },
    spec: {},
    status: { phase: 'Active' },
  })
  const privileged = { containers: [{ name: 'c', image: 'a:1', securityContext: { privileged: true } }] }

  async function outcome(attributes: AdmissionAttributes, deps: AdmissionDeps) {
    const warnings: string[] = []
    const status = await refusal({ ...attributes, warn: (message) => warnings.push(message) }, deps)
    return { message: status?.message, warnings }
  }

  it('refuses what is enforced and warns of the rest', async () => {
    const enforced = makeDeps({ namespace: () => labelled({ enforce: 'baseline', 'enforce-version': 'v1.30' }) })
    expect(await outcome(makeAttributes('CREATE', makePod(privileged)), enforced)).toEqual({
      message:
        'pods "p" is forbidden: violates PodSecurity "baseline:v1.30": privileged (container "c" must not set securityContext.privileged=true)',
      warnings: [],
    })
    const warned = makeDeps({ namespace: () => labelled({ warn: 'baseline' }) })
    expect(await outcome(makeAttributes('CREATE', makePod(privileged)), warned)).toEqual({
      message: undefined,
      warnings: [
        'would violate PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
      ],
    })
  })

  it('only warns about the templates of controllers', async () => {
    const deps = makeDeps({ namespace: () => labelled({ enforce: 'baseline' }) })
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { template: { spec: privileged } },
    }
    const { message, warnings } = await outcome(
      makeAttributes('CREATE', object, { group: 'apps', resource: 'deployments' }),
      deps,
    )
    expect(message).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining('would violate PodSecurity "baseline:latest": privileged')])
  })

  it('lets updates through that change nothing it looks at', async () => {
    const deps = makeDeps({ namespace: () => labelled({ enforce: 'baseline' }) })
    const update = (image: string) => {
      const pod = makePod({ containers: [{ name: 'c', image, securityContext: { privileged: true } }] })
      return outcome(makeAttributes('UPDATE', pod, { oldObject: makePod(privileged) }), deps)
    }
    expect((await update('a:1')).message).toBeUndefined()
    expect((await update('a:2')).message).toContain('violates PodSecurity')
  })

  it('tells a namespace that gets stricter about its pods', async () => {
    const named = (name: string, uid?: string): Pod => {
      const pod = makePod(privileged)
      const owner = { apiVersion: 'v1', kind: 'X', name: 'x', uid: uid ?? '', controller: true }
      return { ...pod, metadata: { name, namespace: 'ns', ...(uid === undefined ? {} : { ownerReferences: [owner] }) } }
    }
    const hosted: Pod = { ...makePod({ hostNetwork: true }), metadata: { name: 'h', namespace: 'ns' } }
    const objects = () => [named('z'), named('b', 'u'), named('a', 'u'), hosted, makePod()]
    const attributes = makeAttributes('UPDATE', labelled({ enforce: 'baseline' }), {
      resource: 'namespaces',
      name: 'ns',
      oldObject: labelled({}),
    })
    expect((await outcome(attributes, makeDeps({ objects }))).warnings).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 2 other pods): privileged',
      'h: host namespaces',
    ])
  })

  it('takes no labels it cannot read', async () => {
    const wrong = labelled({ enforce: 'strict' })
    const create = makeAttributes('CREATE', wrong, { resource: 'namespaces', name: 'ns' })
    expect((await outcome(create, makeDeps())).message).toBe(
      'Namespace "ns" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
    )
    const unchanged = makeAttributes('UPDATE', wrong, { resource: 'namespaces', name: 'ns', oldObject: wrong })
    expect((await outcome(unchanged, makeDeps())).message).toBeUndefined()
  })
})

describe('RuntimeClass', () => {
  const runtimeClass = {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: 'kata' },
    handler: 'kata',
    overhead: { podFixed: { memory: '120Mi' } },
    scheduling: {
      nodeSelector: { runtime: 'kata' },
      tolerations: [
        { key: 'kata', operator: 'Exists' },
        { key: 'kata', operator: 'Equal', value: 'x' },
      ],
    },
  }
  const deps = makeDeps({ peek: (_group, _resource, _namespace, name) => (name === 'kata' ? runtimeClass : undefined) })

  it('adds overhead, node selector and tolerations', async () => {
    const pod = makePod({ runtimeClassName: 'kata', nodeSelector: { zone: 'a' } })
    await admit(makeAttributes('CREATE', pod), deps)
    expect(pod.spec.overhead).toEqual({ memory: '120Mi' })
    expect(pod.spec.nodeSelector).toEqual({ zone: 'a', runtime: 'kata' })
    expect(pod.spec.tolerations?.filter(({ key }) => key === 'kata')).toEqual([{ key: 'kata', operator: 'Exists' }])
  })

  it.each<[Partial<Pod['spec']>, string]>([
    [{ runtimeClassName: 'none' }, 'pod rejected: RuntimeClass "none" not found'],
    [
      { runtimeClassName: 'kata', overhead: { memory: '1Mi' } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [
      { overhead: { memory: '1Mi' } },
      'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    ],
    [
      { runtimeClassName: 'kata', nodeSelector: { runtime: 'runc' } },
      'conflict: runtimeClass.scheduling.nodeSelector[runtime] = kata; pod.spec.nodeSelector[runtime] = runc',
    ],
  ])('refuses %j', async (spec, why) => {
    expect((await refusal(makeAttributes('CREATE', makePod(spec)), deps))?.message).toBe(
      `pods "p" is forbidden: ${why}`,
    )
  })
})

describe('PersistentVolumeClaimResize', () => {
  const storageClass = (name: string, allowVolumeExpansion: boolean) => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'x',
    allowVolumeExpansion,
  })
  const deps = makeDeps({ storageClasses: () => [storageClass('grows', true), storageClass('fixed', false)] })
  const claim = (storageClassName: string, storage: string, phase = 'Bound') => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c' },
    spec: { storageClassName, resources: { requests: { storage } } },
    status: { phase },
  })

  it.each([
    ['grows', '2Gi', 'Bound', undefined],
    ['fixed', '1Gi', 'Bound', undefined],
    ['fixed', '2Gi', 'Bound', 'only dynamically provisioned pvc can be resized'],
    ['grows', '2Gi', 'Pending', 'Only bound persistent volume claims can be expanded'],
  ])('class %s to %s while %s: %s', async (className, size, phase, why) => {
    const oldObject = claim(className, '1Gi', phase)
    const attributes = makeAttributes('UPDATE', claim(className, size, phase), {
      resource: 'persistentvolumeclaims',
      oldObject,
    })
    const message = (await refusal(attributes, deps))?.message
    if (why === undefined) expect(message).toBeUndefined()
    else expect(message).toContain(why)
  })
})

describe('Pods that are replaced by what was once written', () => {
  it('keep their priority and tolerations', async () => {
    const created = makePod({ priorityClassName: 'high' })
    await admit(makeAttributes('CREATE', created))
    const again = makePod({ priorityClassName: 'high' })
    await admit(makeAttributes('UPDATE', again, { oldObject: created }))
    const { priority, preemptionPolicy, tolerations } = again.spec
    expect({ priority, preemptionPolicy, tolerations }).toEqual({
      priority: 1000,
      preemptionPolicy: 'PreemptLowerPriority',
      tolerations: created.spec.tolerations,
    })
  })
})

describe('ServiceAccount and what Pods refer to', () => {
  const strict: ServiceAccount = {
    ...account,
    metadata: { name: 'default', namespace: 'ns', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
    secrets: [{ name: 'listed' }],
  }
  const mirror = { 'kubernetes.io/config.mirror': 'x' }
  const env = (name: string) => [{ name: 'E', valueFrom: { secretKeyRef: { name, key: 'k' } } }]
  const isNot = 'is not allowed because service account default does not reference that'
  const asPod = (spec: Partial<Pod['spec']>, annotations?: Record<string, string>): Pod => {
    const pod = makePod(spec)
    return annotations === undefined ? pod : { ...pod, metadata: { ...pod.metadata, annotations } }
  }
  it.each<[string, Pod, string | undefined]>([
    ['a mirror pod', asPod({}, mirror), undefined],
    [
      'a mirror pod with an account',
      asPod({ serviceAccountName: 'default' }, mirror),
      'a mirror pod may not reference service accounts',
    ],
    [
      'a mirror pod with a Secret',
      asPod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, mirror),
      'a mirror pod may not reference secrets',
    ],
    [
      'a mirror pod with a token',
      asPod({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }, mirror),
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
    ['a listed Secret', asPod({ volumes: [{ name: 'v', secret: { secretName: 'listed' } }] }), undefined],
    [
      'another Secret in a volume',
      asPod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }),
      `volume with secret.secretName="s" ${isNot} secret`,
    ],
    [
      'another Secret in a variable',
      asPod({ containers: [{ name: 'c', image: 'a:1', env: env('s') }] }),
      `container c with envVar E referencing secret.secretName="s" ${isNot} secret`,
    ],
    [
      'another Secret as variables of an init container',
      asPod({ initContainers: [{ name: 'i', image: 'a:1', envFrom: [{ secretRef: { name: 's' } }] }] }),
      `init container i with envFrom referencing secret.secretName="s" ${isNot} secret`,
    ],
    [
      'another Secret to pull with',
      asPod({ imagePullSecrets: [{ name: 's' }] }),
      `imagePullSecrets[0].name="s" ${isNot} imagePullSecret`,
    ],
  ])('%s', async (_name, pod, why) => {
    const status = await refusal(makeAttributes('CREATE', pod), makeDeps({ serviceAccount: () => strict }))
    expect(status?.message).toBe(why === undefined ? undefined : `pods "p" is forbidden: ${why}`)
  })

  it('looks at ephemeral containers when they come', async () => {
    const pod = asPod({
      serviceAccountName: 'default',
      ephemeralContainers: [{ name: 'e', image: 'a:1', env: env('s') }],
    })
    const attributes = makeAttributes('UPDATE', pod, { subresource: 'ephemeralcontainers', oldObject: makePod() })
    const status = await refusal(attributes, makeDeps({ serviceAccount: () => strict }))
    const what = 'ephemeral container e with envVar E referencing secret.secretName="s"'
    expect(status?.message).toBe(`pods "p" is forbidden: ${what} ${isNot} secret`)
  })
})

describe('PodResizeValidator', () => {
  const node = (platform: string) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', labels: { 'kubernetes.io/os': platform } },
    status: { allocatable: { cpu: '2', memory: '1Gi' } },
  })
  const sized = (cpu: string, memory: string, nodeName = 'n') =>
    makePod({ nodeName, containers: [{ name: 'c', image: 'a:1', resources: { requests: { cpu, memory } } }] })
  it.each<[string, Pod, string, string | undefined, string | undefined]>([
    ['what fits', sized('2', '1Gi'), 'linux', undefined, undefined],
    ['no change', sized('1', '1Mi'), 'windows', undefined, undefined],
    ['a Pod without a node', sized('9', '1Mi', ''), 'linux', undefined, undefined],
    [
      'more than the node has',
      sized('2500m', '2Gi'),
      'linux',
      "node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824",
      'NodeCapacity',
    ],
    [
      'another platform',
      sized('2', '1Mi'),
      'windows',
      'pod resize is only supported on linux nodes, node "n" is "windows"',
      'UnsupportedPlatform',
    ],
  ])('%s', async (_name, pod, platform, why, reason) => {
    const attributes = makeAttributes('UPDATE', pod, { subresource: 'resize', oldObject: sized('1', '1Mi') })
    const status = await refusal(attributes, makeDeps({ peek: () => node(platform) }))
    expect(status?.message).toBe(why === undefined ? undefined : `pods "p" is forbidden: ${why}`)
    expect(status?.details?.causes?.[0]?.reason).toBe(reason)
  })
})

describe('NodeRestriction', () => {
  const user = { name: 'system:node:n', uid: '', groups: ['system:nodes'], extra: new Map<string, readonly string[]>() }
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'u' } }
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u', controller: true }
  const deps = makeDeps({ peek: () => node })
  const mirror = (spec: Partial<Pod['spec']>): Pod => {
    const pod = makePod({ nodeName: 'n', ...spec })
    const annotations = { 'kubernetes.io/config.mirror': 'x' }
    return { ...pod, metadata: { ...pod.metadata, annotations, ownerReferences: [owner] } }
  }
  const template = { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } }
  const projected = (source: object) => ({ volumes: [{ name: 'v', projected: { sources: [source] } }] })
  it.each<[string | undefined, Partial<Pod['spec']>]>([
    [undefined, { volumes: [{ name: 'v', emptyDir: {} }] }],
    ['configmaps', { volumes: [{ name: 'v', configMap: { name: 'm' } }] }],
    ['resourceclaims', { resourceClaims: [{ name: 'r', resourceClaimName: 'c' }] }],
    ['csidrivers (via CSI volumes)', { volumes: [{ name: 'v', csi: { driver: 'a.com' } }] }],
    ['endpoints (via glusterFS volumes)', { volumes: [{ name: 'v', glusterfs: { endpoints: 'e', path: 'p' } }] }],
    ['persistentvolumeclaims', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }],
    ['persistentvolumeclaims (via ephemeral volumes)', { volumes: [{ name: 'v', ephemeral: template }] }],
    ['clustertrustbundles', projected({ clusterTrustBundle: { path: 'p' } })],
    ['podcertificates', projected({ podCertificate: { keyType: 'ED25519', signerName: 'a/b' } })],
  ])('lets a node make no mirror pod that refers to %s', async (what, spec) => {
    const status = await refusal(makeAttributes('CREATE', mirror(spec), { user }), deps)
    const why = `pods "p" is forbidden: node "n" can not create pods that reference ${what}`
    expect(status?.message).toBe(what === undefined ? undefined : why)
  })

  it('lets a node not say whose it is', async () => {
    const changed = { ...node, metadata: { ...node.metadata, ownerReferences: [owner] } }
    const more = { resource: 'nodes', namespace: '', name: 'n', user, oldObject: node }
    const status = await refusal(makeAttributes('UPDATE', changed, more), deps)
    expect(status?.message).toBe('nodes "n" is forbidden: node "n" is not allowed to modify ownerReferences')
  })
})
