/**
 * The composition root: storage, watch cache, API server, custom resources, controllers, in starting order. Nothing here
 * decides behaviour; it hands each part what it needs. `knarr server` and the tests start the same thing.
 */
import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { Registry } from 'prom-client'
import { type AdmissionSelection, admissionChain } from '#apiserver/admission/chain.ts'
import { createWebhookMetrics } from '#apiserver/admission/webhook/metrics.ts'
import { Aggregator } from '#apiserver/aggregator/aggregator.ts'
import type { AuthenticationTrust } from '#apiserver/aggregator/authentication-config.ts'
import { publishAuthenticationTrust, restoreAuthenticationTrust } from '#apiserver/aggregator/authentication-config.ts'
import type { FrontProxyIdentity } from '#apiserver/aggregator/target.ts'
import type { TokenAuthenticator } from '#apiserver/authentication/bearer-token.ts'
import { createBearerTokenAuthenticator, TokenUnion } from '#apiserver/authentication/bearer-token.ts'
import { createBootstrapTokenAuthenticator } from '#apiserver/authentication/bootstrap-token.ts'
import { createAuthenticatorChain } from '#apiserver/authentication/chain.ts'
import type { Authenticator } from '#apiserver/authentication/interfaces.ts'
import { ServiceAccountAuthenticator } from '#apiserver/authentication/serviceaccount/authenticator.ts'
import { createServiceAccountDiscovery } from '#apiserver/authentication/serviceaccount/discovery.ts'
import { LegacyTokenTracker } from '#apiserver/authentication/serviceaccount/legacy-token-tracking.ts'
import type { TokenIssuer } from '#apiserver/authentication/serviceaccount/token-issuer.ts'
import { createTokenIssuer } from '#apiserver/authentication/serviceaccount/token-issuer.ts'
import { nodeRules } from '#apiserver/authorization/bootstrap/cluster-roles.ts'
import { reconcileBootstrapPolicy } from '#apiserver/authorization/bootstrap-policy.ts'
import { createAuthorizer } from '#apiserver/authorization/chain.ts'
import { createNodeAuthorizer } from '#apiserver/authorization/node/authorizer.ts'
import { createRbacAuthorizer, type RbacAuthorizer } from '#apiserver/authorization/rbac/authorizer.ts'
import { collectIdentityLeases } from '#apiserver/controlplane/identity-lease-collector.ts'
import { KubernetesService } from '#apiserver/controlplane/kubernetes-service.ts'
import { MasterLeases } from '#apiserver/controlplane/master-leases.ts'
import { keepIdentityLease, serverName } from '#apiserver/controlplane/server-identity.ts'
import { keepSystemObjects } from '#apiserver/controlplane/system-objects.ts'
import { jsonResponse } from '#apiserver/endpoints/responses.ts'
import {
  createConversionMetrics,
  createExtensions,
  customResourceDefinitionResource,
} from '#apiserver/extensions/index.ts'
import type { Handler } from '#apiserver/filters/interfaces.ts'
import { createConnector } from '#apiserver/proxy/connector.ts'
import type { DialerOptions } from '#apiserver/proxy/dialer.ts'
import { createBackendDialer } from '#apiserver/proxy/dialer.ts'
import { authenticationResources } from '#apiserver/registry/authentication/install.ts'
import { serviceAccountTokenSubresource } from '#apiserver/registry/authentication/service-account-token.ts'
import { authorizationResources } from '#apiserver/registry/authorization/install.ts'
import { bootstrapObjects } from '#apiserver/registry/bootstrap.ts'
import type { RegistryConfig, RegistryDeps } from '#apiserver/registry/deps.ts'
import { builtInResources } from '#apiserver/registry/install.ts'
import { rbacResources } from '#apiserver/registry/rbac/install.ts'
import type { BuiltInResource } from '#apiserver/registry/resource-row.ts'
import type { ApiServerOptions } from '#apiserver/server/api-server.ts'
import { createApiServer } from '#apiserver/server/api-server.ts'
import type { ApiServer } from '#apiserver/server/interfaces.ts'
import { StorageVersionRecorder } from '#apiserver/server/storage-versions.ts'
import { createStoredObjects } from '#apiserver/server/stored-objects.ts'
import { createCacher } from '#apiserver/storage/cacher/cacher.ts'
import type { Storage } from '#apiserver/storage/interface.ts'
import { createWebhookClient } from '#apiserver/webhooks/client.ts'
import { createControllerManager } from '#controllers/manager/manager.ts'
import { controllerPolicy } from '#controllers/manager/policy.ts'
import { installOwnCrds } from '#crds/index.ts'
import type { Pod, Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import { newOpenApiBuilder, type OpenApiOptions } from '#machinery/schema/openapi/builder.ts'
import { clientNodeDescriptions } from '#machinery/schema/openapi/descriptions.ts'
import { openApiV2ToProtobuf } from '#machinery/schema/openapi/proto.ts'
import { assert } from '#machinery/util/assert.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AnyControllerDefinition } from '#sdk'
import { VERSION_INFO } from '../version.ts'
import { createAdmissionDeps } from './admission-deps.ts'
import { firstServiceIp } from './network.ts'
import { addHealthChecks } from './start-up.ts'

export interface ControlPlaneOptions {
  /** Closed by the caller after `close`. */
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Registry
  /** EC P-256 private key that signs service-account tokens. */
  readonly serviceAccountKey: KeyObject
  readonly clusterDomain: string
  readonly registry: RegistryConfig
  /** Upstream's defaults where absent. */
  readonly limits?: Pick<ApiServerOptions, 'requestTimeoutMs' | 'maxReadOnlyInFlight' | 'maxMutatingInFlight'>
  /** Where the API server can be reached: the endpoints of the `kubernetes` service. */
  readonly advertise: { readonly advertiseAddress: string | undefined; readonly port: number }
  /** Client certificates, front proxy, static tokens: whatever the caller accepts besides service accounts. */
  readonly authenticators: readonly Authenticator[]
  readonly tokens: readonly TokenAuthenticator[]
  /** --enable-admission-plugins, --disable-admission-plugins. */
  readonly admissionPlugins?: AdmissionSelection
  /** Absent: nothing is audited. */
  readonly audit?: ApiServerOptions['audit']
  /** How kubelets are reached; absent: dialled directly, without a client certificate and without verifying theirs. */
  readonly kubelets?: Pick<DialerOptions, 'kubeletTls' | 'tunnels'>
  /** Who this server is to aggregated API servers. */
  readonly frontProxy?: () => FrontProxyIdentity | undefined
  /** What they may believe; absent: they are not told. */
  readonly authenticationTrust?: AuthenticationTrust
  /** Deep-freezes cached objects: tests. */
  readonly freeze?: boolean
  /** Made when the API server exists and before anything starts. */
  controllers(tools: ControllerTools): readonly AnyControllerDefinition[]
  readonly controllerSelection: readonly string[]
  /** Feature gates by upstream's names; absent: all off, but controllers behind one run. */
  isGateEnabled?(name: string): boolean
  /** The name of this machine, which the identity Lease of the API server is made of; absent: there is no such Lease. */
  readonly hostname?: string
  /** Who this server is among several on one datastore; absent: it is alone. */
  readonly leaderElection?: { readonly identity: string }
}

export interface ControllerTools {
  readonly server: ApiServer
  readonly tokenIssuer: TokenIssuer
}

export interface ControlPlane {
  readonly server: ApiServer
  /** Resolves when the APIServices of the built-in versions are there: nothing else keeps `/readyz` from being ok. */
  readonly ready: Promise<void>
  /** Rejects when a part that cannot be restarted fails. */
  readonly stopped: Promise<void>
  /** Stops controllers, then the server; waits at most `graceMs` for requests in flight. */
  close(graceMs: number): Promise<void>
}

/** Resolves when the API answers, the bootstrap objects and our CRDs are there, and the controllers are running. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { storage, clock, random, logger } = options
  const stop = new AbortController()
  // Every informer, queue and request of the process listens to it.
  setMaxListeners(0, stop.signal)
  const rbac = createRbacAuthorizer({ clock, random, logger: logger.child({ component: 'rbac' }) })
  const debug: { manager?: ReturnType<typeof createControllerManager> } = {}
  const { server, aggregator, tokenIssuer, closeCache, isBuiltIn, webhooks, bootstrap, legacyTokens, resources } =
    createServer(options, rbac, () => debug.manager?.debug() ?? {})
  const client = server.loopbackClient
  const extensions = createExtensions({
    server,
    client,
    webhooks,
    conversionMetrics: createConversionMetrics(options.metrics),
    clock,
    random,
    logger: logger.child({ component: 'apiextensions' }),
    isBuiltIn,
  })
  const definitions = options.controllers({ server, tokenIssuer })
  const manager = createControllerManager({
    definitions,
    selection: options.controllerSelection,
    ...(options.isGateEnabled === undefined ? {} : { isGateEnabled: options.isGateEnabled }),
    isServed: ({ group, resource }) => isBuiltIn(group, resource),
    ...(options.leaderElection === undefined ? {} : { leaderElection: options.leaderElection }),
    clientFor: (identity) => server.clientFor(identity),
    clock,
    random,
    logger: logger.child({ component: 'controllers' }),
    registry: options.metrics,
  })
  debug.manager = manager
  const hasIdentity = options.hostname !== undefined && options.isGateEnabled?.('APIServerIdentity') !== false
  const controllers = () => manager.health()
  const started = addHealthChecks(server, { storage, aggregator, controllers, hasIdentity })

  const { signal } = stop
  const background: Promise<void>[] = [extensions.start(signal)]
  await extensions.ready
  started('extensions')
  await bootstrapObjects(client, { serviceCidr: options.registry.serviceCidr }, signal)
  started('objects')
  const kubernetes = kubernetesService(options, client)
  const trust = options.authenticationTrust
  await Promise.all([
    ...(trust === undefined ? [] : [publishAuthenticationTrust(client, trust, signal)]),
    reconcileBootstrapPolicy(client, signal, controllerPolicy(definitions)),
    installOwnCrds(client, signal),
    legacyTokens.start(client, signal),
    kubernetes.start(signal),
  ])
  bootstrap.isDone = true
  started('policy')
  rbac.start(client, signal)
  await rbac.ready
  started('authorization')
  background.push(aggregator.start(client, signal), manager.start(signal), systemObjects(options, client, signal))
  if (hasIdentity) background.push(...identity(options, resources, client, signal))
  started('background')
  await manager.ready
  started('controllers')
  return {
    server,
    ready: aggregator.registered,
    stopped: Promise.all(background).then(() => undefined),
    async close(graceMs) {
      server.beginShutdown()
      // Nobody new comes here while requests in flight get their answers.
      await kubernetes.stop()
      stop.abort(new Error('the server is shutting down'))
      // A reconcile that does not heed its signal must not keep the process from ending.
      const deadline = sleep(clock, graceMs)
      await Promise.race([Promise.allSettled(background), deadline])
      await server.close(graceMs)
      webhooks.close()
      closeCache()
    },
  }
}

function systemObjects(options: ControlPlaneOptions, client: Client, signal: AbortSignal): Promise<void> {
  const { clock, logger, registry, authenticationTrust: trust } = options
  const ensure = (ensuring: AbortSignal): Promise<unknown> =>
    Promise.all([
      bootstrapObjects(client, { serviceCidr: registry.serviceCidr }, ensuring),
      ...(trust === undefined ? [] : [restoreAuthenticationTrust(client, trust, ensuring)]),
    ])
  return keepSystemObjects({ clock, logger: logger.child({ component: 'system-objects' }), ensure }, signal)
}

function kubernetesService(options: ControlPlaneOptions, client: Client): KubernetesService {
  const { storage, clock, logger, advertise, registry } = options
  return new KubernetesService({
    ...advertise,
    client,
    leases: new MasterLeases(storage),
    clusterIp: firstServiceIp(registry.serviceCidr),
    clock,
    logger: logger.child({ component: 'kubernetes-service' }),
  })
}

/** The identity Lease of this API server, those of others once they have expired, and what is recorded under the name. */
function identity(
  options: ControlPlaneOptions,
  resources: readonly BuiltInResource[],
  client: Client,
  signal: AbortSignal,
): Promise<void>[] {
  const { hostname = '', clock, random, isGateEnabled } = options
  const logger = options.logger.child({ component: 'identity' })
  const parts = { client, hostname, clock, random, logger }
  const leases = [keepIdentityLease(parts, signal), collectIdentityLeases(parts, signal)]
  if (isGateEnabled?.('StorageVersionAPI') === false) return leases
  const recorder = new StorageVersionRecorder({ apiServerId: serverName(hostname), resources, clock, logger })
  return [...leases, recorder.start(client, signal)]
}

function createServer(options: ControlPlaneOptions, rbac: RbacAuthorizer, debugControllers: () => object) {
  const { clock, random, logger, clusterDomain, serviceAccountKey } = options
  const issuer = `https://kubernetes.default.svc.${clusterDomain}`
  const apiAudiences = [issuer, 'knarr']
  const tokenIssuer = createTokenIssuer({ signingKey: serviceAccountKey, issuer, clock, random })
  const objects = createStoredObjects()
  const node = createNodeAuthorizer({
    peek: (group, resource, namespace, name) => objects.peek(group, resource, namespace, name),
    podsOn: (nodeName) => objects.withField('', 'pods', 'spec.nodeName', nodeName) as readonly DeepReadonly<Pod>[],
    rules: nodeRules(),
  })
  const authorizer = createAuthorizer(node, rbac)
  const legacyTokens = new LegacyTokenTracker({ clock, logger: logger.child({ component: 'legacy-tokens' }) })
  const serviceAccounts = new ServiceAccountAuthenticator({
    publicKeys: [createPublicKey(serviceAccountKey)],
    issuers: [issuer],
    apiAudiences,
    lookup: (resource, namespace, name) => objects.peek('', resource, namespace, name),
    clock,
    legacyTokenUsed: (secret) => legacyTokens.used(secret),
  })
  const bootstrapTokens = createBootstrapTokenAuthenticator({
    lookup: (name) => objects.peek('', 'secrets', 'kube-system', name) as DeepReadonly<Secret> | undefined,
    clock,
  })
  const tokens = new TokenUnion([...options.tokens, serviceAccounts, bootstrapTokens])
  const deps: RegistryDeps = { objects, config: options.registry, authorizer }
  const crdSchema = builtInSchema('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition')
  assert(crdSchema !== undefined, 'the schema facts hold CustomResourceDefinition')
  const resources = builtInResources({
    ...deps,
    otherResources: [
      customResourceDefinitionResource({ schema: crdSchema }),
      ...authenticationResources(deps, { tokens, apiAudiences }),
      ...authorizationResources(deps, { authorizer, resolver: rbac }),
      ...rbacResources(deps, {
        authorizer,
        resolver: rbac,
        rulesOf: (roleRef, namespace) => rbac.rulesOf(roleRef, namespace),
      }),
    ],
    extraSubresources: (group, resource) =>
      group === '' && resource === 'serviceaccounts'
        ? [serviceAccountTokenSubresource({ objects, issuer: tokenIssuer, apiAudiences })]
        : [],
  })
  const webhooks = createWebhookClient({ objects, clock, random })
  const bootstrap = { isDone: false }
  const cacher = createCacher(options.storage, clock, {
    logger: logger.child({ component: 'cacher' }),
    freeze: options.freeze ?? false,
  })
  const dialer = createBackendDialer({ clock, ...(options.kubelets ?? DIRECT) })
  const tools = { dialer, clock, random }
  const aggregator = new Aggregator({
    objects,
    tools,
    identity: options.frontProxy ?? (() => undefined),
    builtIn: resources.flatMap(({ group, versions }) =>
      versions.filter(({ served }) => served).map(({ version }) => ({ group, version })),
    ),
    random,
    logger: logger.child({ component: 'aggregator' }),
  })
  const parts = createApiServer({
    ...options.limits,
    cacher,
    resources,
    authenticator: createAuthenticatorChain({
      authenticators: [...options.authenticators, createBearerTokenAuthenticator(tokens)],
      anonymous: true,
    }),
    authorizer,
    ...(options.audit === undefined ? {} : { audit: options.audit }),
    admission: admissionChain(
      createAdmissionDeps(objects, authorizer, clock, random, {
        client: webhooks,
        metrics: createWebhookMetrics(options.metrics),
        logger: logger.child({ component: 'admission' }),
        isCalled: () => bootstrap.isDone,
      }),
      options.admissionPlugins,
    ),
    openApi: newOpenApiBuilder({ version: VERSION_INFO.gitVersion, ...explainTexts() }),
    openApiV2ToProtobuf,
    version: VERSION_INFO,
    routes: new Map([
      ...discoveryRoutes(options, issuer),
      ['/debug/controllers', () => jsonResponse(200, debugControllers())],
    ]),
    connector: createConnector(tools),
    aggregator,
    clock,
    random,
    logger: logger.child({ component: 'apiserver' }),
    metricsRegistry: options.metrics,
  })
  objects.bind(parts.resources)
  const builtIn = new Set(resources.map(({ group, resource }) => `${group}/${resource}`))
  return {
    server: parts.server,
    aggregator,
    tokenIssuer,
    webhooks,
    bootstrap,
    legacyTokens,
    resources,
    closeCache: () => cacher.close(),
    isBuiltIn: (group: string, resource: string) => builtIn.has(`${group}/${resource}`),
  }
}

const DIRECT: NonNullable<ControlPlaneOptions['kubelets']> = {
  kubeletTls: () => undefined,
  tunnels: { find: () => undefined },
}

/** kubectl explain has texts where @kubernetes/client-node is installed: they are its comments, not ours to ship. */
function explainTexts(): Pick<OpenApiOptions, 'describe'> {
  const describe = clientNodeDescriptions()
  return describe === undefined ? {} : { describe }
}

/** How others verify our service-account tokens: /.well-known/openid-configuration and the key set. */
function discoveryRoutes(
  { serviceAccountKey, advertise }: ControlPlaneOptions,
  issuer: string,
): ReadonlyMap<string, Handler> {
  const documents = createServiceAccountDiscovery({
    issuer,
    publicKeys: [createPublicKey(serviceAccountKey)],
    externalUrl: `https://${advertise.advertiseAddress ?? '127.0.0.1'}:${advertise.port}`,
  })
  return new Map(
    [...documents].map(([path, { contentType, body }]) => [
      path,
      () => jsonResponse(200, body, { 'content-type': contentType }),
    ]),
  )
}
