/** A real control plane in this process, without a socket: memory storage, frozen caches, own instance per test. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Registry } from 'prom-client'
import { parseStaticTokens } from '#apiserver/authentication/static-token.ts'
import { DEFAULT_REGISTRY_CONFIG } from '#apiserver/registry/deps.ts'
import type { ApiServer } from '#apiserver/server/interfaces.ts'
import type { Storage } from '#apiserver/storage/interface.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import type { ControllerTools, ControlPlaneOptions } from '#cli/server/control-plane.ts'
import { startControlPlane } from '#cli/server/control-plane.ts'
import { RuntimeConfig } from '#cli/server/runtime-config.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { systemClock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { AnyControllerDefinition } from '#sdk'

export interface TestControlPlaneOptions {
  /** Controllers to run; default none. */
  readonly controllers?:
    | readonly AnyControllerDefinition[]
    | ((tools: ControllerTools) => readonly AnyControllerDefinition[])
  /** As --controllers: which of them run; the others still get their roles. */
  readonly controllerSelection?: readonly string[]
  readonly random?: Random
  /** As --service-cidr. */
  readonly serviceCidr?: string
  /** As --feature-gates: those that are on. */
  readonly featureGates?: readonly string[]
  /** As --runtime-config. */
  readonly runtimeConfig?: readonly string[]
  readonly clock?: Clock
  readonly storage?: Storage
  readonly logger?: Logger
  /** Where nodes and pods really are. */
  readonly kubelets?: ControlPlaneOptions['kubelets']
  readonly frontProxy?: ControlPlaneOptions['frontProxy']
  /** Of this machine; absent: the API server has no identity Lease. */
  readonly hostname?: string
  /** As --advertise-address and --https-listen-port; absent: the server is no endpoint of the Service `kubernetes`. */
  readonly advertise?: ControlPlaneOptions['advertise']
  readonly audit?: ControlPlaneOptions['audit']
}

export interface TestControlPlane {
  readonly server: ApiServer
  /** system:masters. */
  readonly client: Client
  readonly storage: Storage
  readonly metrics: Registry
  /** A bearer token of system:masters, for clients that come over a socket. */
  readonly adminToken: string
  stop(): Promise<void>
}

const ADMIN_TOKEN = 'admin-token'

let serviceAccountKey: KeyObject | undefined

export async function startTestControlPlane(options: TestControlPlaneOptions = {}): Promise<TestControlPlane> {
  const { clock = systemClock, controllers = [], logger = discardLogger } = options
  const storage = options.storage ?? new MemoryStorage({ clock })
  const metrics = new Registry()
  serviceAccountKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const plane = await startControlPlane({
    storage,
    clock,
    random: options.random ?? systemRandom,
    logger,
    metrics,
    serviceAccountKey,
    clusterDomain: 'cluster.local',
    registry: {
      ...DEFAULT_REGISTRY_CONFIG,
      serviceCidr: options.serviceCidr ?? DEFAULT_REGISTRY_CONFIG.serviceCidr,
      isGateEnabled: (name) => options.featureGates?.includes(name) ?? false,
      isApiEnabled: new RuntimeConfig(options.runtimeConfig ?? []).isApiEnabled,
    },
    advertise: options.advertise ?? { advertiseAddress: undefined, port: 6443 },
    authenticators: [],
    tokens: [parseStaticTokens(`${ADMIN_TOKEN},admin,,"system:masters"`, 'test')],
    freeze: true,
    controllers: typeof controllers === 'function' ? controllers : () => controllers,
    controllerSelection: options.controllerSelection ?? ['*'],
    isGateEnabled: (name) => options.featureGates?.includes(name) ?? false,
    ...(options.kubelets === undefined ? {} : { kubelets: options.kubelets }),
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
    ...(options.frontProxy === undefined ? {} : { frontProxy: options.frontProxy }),
    ...(options.audit === undefined ? {} : { audit: options.audit }),
  })
  return {
    server: plane.server,
    client: plane.server.loopbackClient,
    storage,
    metrics,
    adminToken: ADMIN_TOKEN,
    async stop() {
      await plane.close(1_000)
      if (options.storage === undefined) await storage.close()
    },
  }
}
