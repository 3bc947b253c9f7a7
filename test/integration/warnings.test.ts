/**
 * The Warning headers of writes of built-in kinds, through the whole server.
 * Upstream: WarningsOnCreate and WarningsOnUpdate of pkg/registry/<group>/<kind>/strategy.go, pkg/api/<kind>/warnings.go.
 */
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ResourceDefinition } from '#apiserver/registry/generic/interfaces.ts'
import { builtInResources } from '#apiserver/registry/install.ts'
import { createStoredObjects } from '#apiserver/server/stored-objects.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { resourcePath } from '#machinery/meta/resource.ts'
import { makeCertificates, startTestServer } from '#test/contract/resource-server.ts'
import { type Answer, dispatch } from '#test/support/dispatch.ts'
import { keyOf, minimalObject } from '#test/support/minimal-objects.ts'
import { EVERY_API } from '#test/support/registry-config.ts'

const objects = createStoredObjects()
const definitions = builtInResources({ objects, config: EVERY_API })
const { server, resources } = startTestServer({ resources: definitions })
objects.bind(resources)

const send = (method: string, path: string, body?: object, type = 'application/json'): Promise<Answer> =>
  dispatch(server, method, path, body, { 'content-type': type })

function definitionOf(key: string): ResourceDefinition {
  const definition = definitions.find((one) => keyOf(one) === key)
  if (definition === undefined) throw new Error(`no ${key}`)
  return definition
}

const listOf = (definition: ResourceDefinition): string =>
  resourcePath(
    { ...definition, version: definition.storageVersion },
    definition.namespaced ? { namespace: 'contract' } : {},
  )

let counter = 0

/** Of a new object with these members besides the least, and of the same object annotated. */
async function warningsOf(
  key: string,
  members: object,
  change: object,
  name = `object-${++counter}`,
): Promise<{ readonly onCreate: readonly string[]; readonly onUpdate: readonly string[] }> {
  const definition = definitionOf(key)
  const draft = minimalObject(definition, name) as KubeObject & { spec?: object }
  const { metadata = {}, spec, ...rest } = members as { metadata?: object; spec?: object }
  Object.assign(draft, rest)
  Object.assign(draft.metadata, metadata)
  if (spec !== undefined) draft.spec = { ...draft.spec, ...spec }
  const created = await send('POST', listOf(definition), draft)
  expect(created).toMatchObject({ status: 201 })
  const updated = await send('PATCH', `${listOf(definition)}/${name}`, change, 'application/merge-patch+json')
  expect(updated).toMatchObject({ status: 200 })
  return { onCreate: created.warnings, onUpdate: updated.warnings }
}

const ANNOTATED = { metadata: { annotations: { changed: 'yes' } } }
const LABELLED = { metadata: { labels: { changed: 'yes' } } }
const INDEXED = { completionMode: 'Indexed', completions: 100_001, parallelism: 10_001 }
const TOO_MANY =
  'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail'
const TOKENS =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'
const MAPPED = 'FD00::1'
const CANONICAL = 'IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")'
const OLD_ENDPOINTS = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'
const STATIC =
  'metadata.name: names ending with ".static.k8s.io" are reserved for static manifest-based configurations and cannot be managed via the API'
const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets'
const UPPER = 'spec.driver: driver names should be lowercase; "Gpu.example.com" contains uppercase characters'
const EMPTY_PAIR = 'tls: failed to find any PEM data in certificate input'
const podsOf = (use: string): string =>
  `metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]`
const POD_NAMES = podsOf('Pod names and hostnames')
const oldPod = {
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image: 'i' }], nodeSelector: { 'beta.kubernetes.io/os': 'linux' } },
}
const OLD_OS = 'nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'

describe('warnings', () => {
  it.each<[string, string, object, object, readonly string[], readonly string[]]>([
    [
      'a quota whose requests exceed limits',
      'resourcequotas',
      { spec: { hard: { cpu: '2', 'limits.cpu': '1' } } },
      LABELLED,
      ['ResourceQuota cpu (2) should be less than limits.cpu (1)'],
      [],
    ],
    [
      'a TLS secret without certificates',
      'secrets',
      { type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } },
      LABELLED,
      [EMPTY_PAIR],
      [EMPTY_PAIR],
    ],
    [
      'endpoints',
      'endpoints',
      { subsets: [{ addresses: [{ ip: MAPPED }] }] },
      LABELLED,
      [OLD_ENDPOINTS, `subsets[0].addresses[0].ip: ${CANONICAL}`],
      [OLD_ENDPOINTS, `subsets[0].addresses[0].ip: ${CANONICAL}`],
    ],
    [
      'mountable secrets, whatever the value',
      'serviceaccounts',
      { metadata: { annotations: { [MOUNTABLE]: 'no' } } },
      LABELLED,
      [
        `metadata.annotations[${MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
      ],
      [],
    ],
    [
      'a job of many indexes',
      'batch/jobs',
      { spec: INDEXED },
      { spec: { suspend: true } },
      [`spec: ${TOO_MANY}`],
      [`spec: ${TOO_MANY}`],
    ],
    ['a job that does not change', 'batch/jobs', { spec: INDEXED }, LABELLED, [`spec: ${TOO_MANY}`], []],
    [
      'tokens of a CSI driver',
      'storage.k8s.io/csidrivers',
      { spec: { tokenRequests: [{ audience: 'a' }] } },
      LABELLED,
      [TOKENS],
      [],
    ],
    [
      'a driver name in capitals',
      'resource.k8s.io/resourceslices',
      { spec: { driver: 'Gpu.example.com' } },
      LABELLED,
      [UPPER],
      [UPPER],
    ],
    [
      'an ingress class as an annotation',
      'networking.k8s.io/ingresses',
      { metadata: { annotations: { 'kubernetes.io/ingress.class': 'c' } } },
      LABELLED,
      [`annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`],
      [],
    ],
    [
      'the template that a replication controller had',
      'replicationcontrollers',
      { spec: { template: oldPod } },
      { spec: { template: { spec: { nodeSelector: null } } } },
      [`spec.template.spec.${OLD_OS}`],
      [`spec.template.spec.${OLD_OS}`],
    ],
    [
      'a pod template that does not change',
      'podtemplates',
      { template: oldPod },
      LABELLED,
      [`template.spec.${OLD_OS}`],
      [],
    ],
    [
      'a daemon set whose template does not change',
      'apps/daemonsets',
      { spec: { template: oldPod } },
      { spec: { minReadySeconds: 3 } },
      [`spec.template.spec.${OLD_OS}`],
      [],
    ],
    [
      'a deployment that is annotated',
      'apps/deployments',
      { spec: { template: oldPod } },
      ANNOTATED,
      [`spec.template.spec.${OLD_OS}`],
      [`spec.template.spec.${OLD_OS}`],
    ],
  ])('of %s', async (_, key, members, change, onCreate, onUpdate) => {
    expect(await warningsOf(key, members, change)).toEqual({ onCreate, onUpdate })
  })

  it.each([
    ['pods', podsOf("the Pod's hostname")],
    ['replicationcontrollers', POD_NAMES],
    ['apps/deployments', POD_NAMES],
    ['apps/replicasets', POD_NAMES],
    ['batch/jobs', POD_NAMES],
    ['batch/cronjobs', POD_NAMES],
  ])('of %s whose name is no label, when they are made', async (key, warning) => {
    expect(await warningsOf(key, {}, LABELLED, `a.${++counter}`)).toEqual({ onCreate: [warning], onUpdate: [] })
  })

  it.each(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'])(
    'of names kept for manifests: %s',
    async (resource) => {
      const found = await warningsOf(`admissionregistration.k8s.io/${resource}`, {}, LABELLED, 'a.static.k8s.io')
      expect(found).toEqual({ onCreate: [STATIC], onUpdate: [STATIC] })
    },
  )

  it.each(['services', 'networking.k8s.io/ingresses'])('of addresses in the status of %s', async (key) => {
    const definition = definitionOf(key)
    const name = `object-${++counter}`
    await send('POST', listOf(definition), {
      ...minimalObject(definition, name),
      ...(key === 'services'
        ? {
            spec: {
              type: 'LoadBalancer',
              ports: [{ port: 80, nodePort: 30_000 + counter }],
              clusterIP: `10.43.7.${counter}`,
            },
          }
        : {}),
    })
    const patch = { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { ip: MAPPED }] } } }
    const { status, warnings } = await send(
      'PATCH',
      `${listOf(definition)}/${name}/status`,
      patch,
      'application/merge-patch+json',
    )
    expect({ status, warnings }).toEqual({ status: 200, warnings: [`status.loadBalancer.ingress[1]: ${CANONICAL}`] })
  })

  it('of a job deleted without saying what becomes of its pods', async () => {
    const jobs = definitionOf('batch/jobs')
    const kept =
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning'
    for (const [options, expected] of [
      [undefined, [kept]],
      [{ propagationPolicy: 'Background' }, []],
      [{ orphanDependents: true }, []],
    ] as const) {
      const name = `object-${++counter}`
      await send('POST', listOf(jobs), minimalObject(jobs, name))
      expect((await send('DELETE', `${listOf(jobs)}/${name}`, options)).warnings).toEqual(expected)
    }
  })
})

describe('owners', () => {
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u-1' }
  const other = { ...owner, uid: 'u-2' }
  const duplicates = (when: string): string =>
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: u-1`

  it('named twice are named once, with a warning', async () => {
    const maps = definitionOf('configmaps')
    const draft = minimalObject(maps, 'owned')
    draft.metadata.ownerReferences = [owner, other, { ...owner }]
    const created = await send('POST', listOf(maps), draft)
    expect(created).toMatchObject({ status: 201, warnings: [duplicates('')] })
    expect(created.body.metadata.ownerReferences).toEqual([owner, other])
    const own = `${listOf(maps)}/owned`
    const updated = await send('PUT', own, {
      ...created.body,
      metadata: { ...created.body.metadata, ownerReferences: [owner, owner] },
    })
    expect(updated).toMatchObject({ warnings: [duplicates('')], body: { metadata: { ownerReferences: [owner] } } })
    const patch = { metadata: { ownerReferences: [owner, owner, other] } }
    const patched = await send('PATCH', own, patch, 'application/merge-patch+json')
    expect(patched.warnings).toEqual([duplicates(' after mutating admission happens')])
    expect(patched.body.metadata.ownerReferences).toEqual([owner, other])
  })
})

describe('AppArmor annotations of a pod', () => {
  const KEY = 'container.apparmor.security.beta.kubernetes.io/c'
  const WARNING = `metadata.annotations[${KEY}]: deprecated since v1.30; use the "appArmorProfile" field instead`
  it.each<[string, string, object | undefined, object | undefined, readonly string[]]>([
    ['become the field', 'localhost/p', undefined, { type: 'Localhost', localhostProfile: 'p' }, [WARNING]],
    ['that say what the pod says are left', 'runtime/default', { type: 'RuntimeDefault' }, undefined, []],
    ['that are no profile are warned of', 'localhost/', undefined, undefined, [WARNING]],
  ])('%s', async (_, annotation, ofPod, profile, warnings) => {
    const pods = definitionOf('pods')
    const draft = minimalObject(pods, `object-${++counter}`) as KubeObject & { spec: object }
    draft.metadata.annotations = { [KEY]: annotation }
    if (ofPod !== undefined) draft.spec = { ...draft.spec, securityContext: { appArmorProfile: ofPod } }
    const created = await send('POST', listOf(pods), draft)
    expect(created).toMatchObject({ status: 201, warnings })
    const [container] = (created.body as unknown as { spec: { containers: { securityContext?: object }[] } }).spec
      .containers
    expect(container?.securityContext).toEqual(profile === undefined ? undefined : { appArmorProfile: profile })
  })
})

describe('TLS secrets', () => {
  const { server: pair, ca } = makeCertificates()
  const otherKey = (type: 'ec' | 'rsa'): string => {
    const made =
      type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
    return made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const SWITCHED =
    'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'

  it.each<[string, string, string, readonly string[]]>([
    ['a pair', pair.certificate, pair.key, []],
    ['a chain', pair.certificate + ca, pair.key, []],
    ['no key', pair.certificate, '', ['tls: failed to find any PEM data in key input']],
    ['both switched', pair.key, pair.certificate, [SWITCHED]],
    [
      'a certificate as the key',
      pair.certificate,
      ca,
      ['tls: found a certificate rather than a key in the PEM for the private key'],
    ],
    ['the key of another', pair.certificate, otherKey('ec'), ['tls: private key does not match public key']],
    [
      'a key of another type',
      pair.certificate,
      otherKey('rsa'),
      ['tls: private key type does not match public key type'],
    ],
  ])('with %s', async (_, certificate, key, warnings) => {
    const secrets = definitionOf('secrets')
    const data = { 'tls.crt': base64(certificate), 'tls.key': base64(key) }
    const draft = { ...minimalObject(secrets, `object-${++counter}`), type: 'kubernetes.io/tls', data }
    expect(await send('POST', listOf(secrets), draft)).toMatchObject({ status: 201, warnings })
  })
})
