/** The smallest server that serves custom resources: memory storage, everybody may do everything. */
import { Registry } from 'prom-client'
import { vi } from 'vitest'
import type { Extensions } from '#apiserver/extensions/index.ts'
import {
  createConversionMetrics,
  createExtensions,
  customResourceDefinitionResource,
} from '#apiserver/extensions/index.ts'
import { createApiServer } from '#apiserver/server/api-server.ts'
import type { ApiServer } from '#apiserver/server/interfaces.ts'
import { createCacher } from '#apiserver/storage/cacher/cacher.ts'
import type { Storage } from '#apiserver/storage/interface.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { createWebhookClient } from '#apiserver/webhooks/client.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import { newOpenApiBuilder } from '#machinery/schema/openapi/builder.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface Thing extends KubeObject {
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
}

/** The resource that tests of versions define. */
export const things = (version: string): Resource<Thing> => ({
  group: 'example.com',
  version,
  resource: 'things',
  kind: 'Thing',
  namespaced: true,
})

export interface CrdServer {
  readonly server: ApiServer
  readonly client: Client
  readonly storage: Storage
  readonly extensions: Extensions
  readonly metrics: Registry
  stop(): Promise<void>
}

interface CrdServerOptions {
  /** What another server left behind. */
  readonly storage?: Storage
  readonly isBuiltIn?: (group: string, resource: string) => boolean
}

export async function startCrdServer(options: CrdServerOptions = {}): Promise<CrdServer> {
  const { storage = new MemoryStorage({ clock: systemClock }), isBuiltIn = () => false } = options
  const schema = builtInSchema('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition')
  if (schema === undefined) throw new Error('the schema facts lack CustomResourceDefinition')
  const metrics = new Registry()
  const { server } = createApiServer({
    cacher: createCacher(storage, systemClock),
    resources: [customResourceDefinitionResource({ schema })],
    authenticator: { authenticate: () => undefined },
    authorizer: { authorize: () => ({ decision: 'Allow', reason: '' }) },
    admission: [],
    openApi: newOpenApiBuilder({ version: 'v1.36.0' }),
    openApiV2ToProtobuf: () => Buffer.alloc(0),
    version: {
      major: '1',
      minor: '36',
      gitVersion: 'v1.36.0',
      gitCommit: '',
      gitTreeState: '',
      buildDate: '',
      goVersion: '',
      compiler: '',
      platform: '',
    },
    clock: systemClock,
    random: systemRandom,
    logger: discardLogger,
    metricsRegistry: metrics,
  })
  const client = server.loopbackClient
  const abort = new AbortController()
  const objects = { peek: () => undefined, list: () => [] }
  const webhooks = createWebhookClient({ objects, clock: systemClock, random: systemRandom })
  const extensions = createExtensions({
    server,
    client,
    webhooks,
    conversionMetrics: createConversionMetrics(metrics),
    clock: systemClock,
    random: systemRandom,
    logger: discardLogger,
    isBuiltIn,
  })
  await extensions.start(abort.signal)
  return {
    server,
    client,
    storage,
    extensions,
    metrics,
    async stop() {
      abort.abort()
      await server.close(0)
      webhooks.close()
    },
  }
}

interface CrdOptions {
  readonly kind?: string
  readonly scope?: 'Cluster' | 'Namespaced'
  readonly names?: object
  readonly versions?: readonly object[]
  readonly schema?: object
  readonly version?: object
}

/** A CRD of group example.com; `version` is merged into the one version v1. */
export function makeCrd(options: CrdOptions = {}): CustomResourceDefinition {
  const { kind = 'Thing', scope = 'Namespaced' } = options
  const plural = `${kind.toLowerCase()}s`
  const schema = options.schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...options.version }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope,
      names: { plural, kind, ...options.names },
      versions: options.versions ?? [version],
    },
  } as CustomResourceDefinition
}

export async function isEstablished(client: Client, name: string): Promise<boolean> {
  const crd = await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name })
  return crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true
}

export async function createEstablished(
  client: Client,
  crd: CustomResourceDefinition,
): Promise<DeepReadonly<CustomResourceDefinition>> {
  await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
  const name = crd.metadata.name ?? ''
  await eventually(async () => {
    if (!(await isEstablished(client, name))) throw new Error(`${name} is not established`)
  })
  return client.get(CUSTOM_RESOURCE_DEFINITIONS, { name })
}

export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 5_000, interval: 5 })
}
