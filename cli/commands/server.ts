/** `knarr server`: configuration to a running control plane, and a clean way out of it. */
import { createHash, createPublicKey } from 'node:crypto'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Registry } from 'prom-client'
import type { PackagedAddon } from '#addons/interfaces.ts'
import { localStorageAddon } from '#addons/local-storage.ts'
import { parseSigningRequest } from '#apiserver/authentication/pki/csr.ts'
import { writeKubeconfig } from '#apiserver/authentication/pki/kubeconfig.ts'
import type { Pki } from '#apiserver/authentication/pki/pki.ts'
import { loadOrCreatePki } from '#apiserver/authentication/pki/pki.ts'
import { createRequestHeaderAuthenticator } from '#apiserver/authentication/request-header.ts'
import { parseStaticTokens } from '#apiserver/authentication/static-token.ts'
import { createX509Authenticator } from '#apiserver/authentication/x509.ts'
import type { Storage } from '#apiserver/storage/interface.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { ManifestDirectory } from '#controllers/deploy/manifest-directory.ts'
import { unknownControllers } from '#controllers/manager/selection.ts'
import { CONTROLLER_NAMES, currentName, MISSING_CONTROLLERS } from '#controllers/manager/upstream-names.ts'
import { sleep, systemClock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { ServerConfig } from '../config/flags.ts'
import type { ConfigSources } from '../config/load.ts'
import { loadServerConfig } from '../config/load.ts'
import { CliError } from '../errors.ts'
import { createLogger } from '../logging.ts'
import { advertiseAddress } from '../server/advertise-address.ts'
import { admissionSelection } from '../server/admission-plugins.ts'
import type { ControlPlane } from '../server/control-plane.ts'
import { startControlPlane } from '../server/control-plane.ts'
import { openAudit } from '../server/audit.ts'
import { builtInControllers } from '../server/controllers.ts'
import { FeatureGates } from '../server/feature-gates.ts'
import { allHostAddresses, firstServiceIp, freePort, hostAddresses } from '../server/network.ts'
import { stageAddons } from '../server/packaged-addons.ts'
import { nodeNetworks } from '../server/node-networks.ts'
import { collectProcessMetrics, measureStorageSize, sqliteObserver } from '../server/process-metrics.ts'
import { simulatedNodeNames, type SimulatedNodesComponentOptions } from '../server/simulated-nodes.ts'
import { loadStages } from '../server/stages.ts'
import { RuntimeConfig } from '../server/runtime-config.ts'
import { schedulerOptions } from '../server/scheduler.ts'
import { KNARR_VERSION } from '../version.ts'

const GRACE_MS = 10_000
const READY_WAIT_MS = 2_000
const FRONT_PROXY_NAME = 'system:auth-proxy'
const LOOPBACK = '127.0.0.1'
/** Certificates are issued anew long before they end; looking twice a day is plenty. */
const RENEWAL_CHECK_MS = 12 * 60 * 60 * 1000

export async function runServer(sources: ConfigSources): Promise<void> {
  const config = loadServerConfig(sources)
  const gates = new FeatureGates(config['feature-gates'])
  const apis = new RuntimeConfig(config['runtime-config'])
  const admissionPlugins = admissionSelection(config['enable-admission-plugins'], config['disable-admission-plugins'])
  const selection = config.controllers.map(currentName)
  const nodes = simulatedNodes(config)
  const logger = createLogger({ format: config['log-format'], isDebug: config.debug, isTerminal: process.stdout.isTTY })
  logger.info({ version: KNARR_VERSION, node: process.version, dataDir: config['data-dir'] }, 'starting knarr')
  const advertised = endpointAddress(config, logger)
  const metrics = new Registry()
  collectProcessMetrics(metrics)
  gates.logSettings(logger)
  gates.measure(metrics)
  apis.logSettings(logger, (name) => gates.isEnabled(name))
  const scheduler = await schedulerOptions(config, metrics)
  const audit = await openAudit(config, metrics, logger)
  const [pki, storage, tokens] = await Promise.all([
    openPki(config),
    openStorage(config, logger, metrics),
    staticTokens(config),
  ])
  measureStorageSize(metrics, storage)
  const stop = new AbortController()
  const current = { pki }
  const manifests = new ManifestDirectory({
    path: join(config['data-dir'], 'server', 'manifests'),
    disabled: config.disable,
    clock: systemClock,
    logger: logger.child({ component: 'deploy' }),
  })
  const port = config['https-listen-port'] === 0 ? await freePort() : config['https-listen-port']
  const plane = await startControlPlane({
    storage,
    clock: systemClock,
    random: systemRandom,
    logger,
    metrics,
    serviceAccountKey: pki.serviceAccountKey,
    clusterDomain: config['cluster-domain'],
    registry: {
      ...registryConfig(config),
      isGateEnabled: (name) => gates.isEnabled(name),
      isApiEnabled: apis.isApiEnabled,
    },
    limits: {
      requestTimeoutMs: config['request-timeout'],
      maxReadOnlyInFlight: config['max-requests-inflight'],
      maxMutatingInFlight: config['max-mutating-requests-inflight'],
    },
    advertise: { advertiseAddress: advertised, port },
    authenticators: [
      createRequestHeaderAuthenticator({
        requestHeaderCa: pki.requestHeaderCa.certificate,
        allowedNames: [FRONT_PROXY_NAME],
        clock: systemClock,
      }),
      createX509Authenticator({ clientCa: pki.clientCa.certificate, clock: systemClock }),
    ],
    tokens,
    admissionPlugins,
    ...(audit === undefined ? {} : { audit }),
    kubelets: { kubeletTls: () => kubeletTls(current.pki), tunnels: { find: () => undefined } },
    frontProxy: () => current.pki.frontProxyClient,
    authenticationTrust: {
      clientCa: pki.clientCa.certificate,
      requestHeaderCa: pki.requestHeaderCa.certificate,
      allowedNames: [FRONT_PROXY_NAME],
    },
    controllerSelection: selection,
    isGateEnabled: (name) => gates.isEnabled(name),
    hostname: hostname(),
    ...(config['leader-elect'] ? { leaderElection: { identity: serverIdentity(config, pki) } } : {}),
    controllers: (tools) => {
      const definitions = builtInControllers({
        ...tools,
        rootCa: pki.serverCa.certificate,
        certificates: { parse: parseSigningRequest, sign: (pem, how) => pki.signCsr(pem, how) },
        honoursMaxUnavailable: gates.isEnabled('MaxUnavailableStatefulSet'),
        nodeNetworks: nodeNetworks(config),
        terminatedPodThreshold: config['terminated-pod-gc-threshold'],
        generatesTokenForEveryAccount: !gates.isEnabled('LegacyServiceAccountTokenNoAutoGeneration'),
        scheduler,
        manifests: { directory: manifests, prunePolicy: config['manifests-prune'], nodeName: hostname().toLowerCase() },
        balancesServices: !config.disable.includes('servicelb'),
        helm: config['disable-helm-controller'] ? undefined : { apiAddress: `${LOOPBACK}:${port}` },
        simulatedNodes: nodes,
      })
      checkControllers(
        selection,
        definitions.map(({ name }) => name),
        logger,
      )
      return definitions
    },
  })
  await listen(plane, config['bind-address'], port, pki)
  await stageAddons(manifests.path, packagedAddons(config), config.disable)
  await manifests.start(stop.signal)
  const kubeconfig = await writeAdminKubeconfig(config, pki, port)
  // An APIService that somebody else took over may never be available: the server serves all the same.
  await Promise.race([plane.ready, sleep(systemClock, READY_WAIT_MS)])
  const readyMs = Math.round(process.uptime() * 1000)
  logger.info(
    { kubeconfig, address: `https://${LOOPBACK}:${port}`, manifests: manifests.path, readyMs },
    'knarr is ready',
  )
  const renewal = systemClock.setInterval(
    () => void renewCertificates(plane, config, port, logger, current),
    RENEWAL_CHECK_MS,
  )
  await untilStopped(plane, logger)
  renewal.cancel()
  stop.abort()
  await plane.close(GRACE_MS)
  // A log that takes nothing must not keep the process from ending.
  await Promise.race([audit?.close(), sleep(systemClock, GRACE_MS)])
  await storage.close()
  logger.info({}, 'knarr has stopped')
}

/**
 * The same after a restart, so that a server which crashed need not wait for its own lease; another one for another data
 * folder or machine.
 */
function serverIdentity(config: ServerConfig, { serviceAccountKey }: Pki): string {
  const key = createPublicKey(serviceAccountKey).export({ type: 'spki', format: 'der' })
  const digest = createHash('sha256').update(key).update(config['data-dir']).digest('hex')
  return `${hostname().toLowerCase()}_${digest.slice(0, 16)}`
}

function simulatedNodes(config: ServerConfig): SimulatedNodesComponentOptions | undefined {
  const count = config['simulated-nodes']
  const stages = loadStages('--simulated-stages', config['simulated-stages'])
  if (config.node === 'simulated') {
    const names = simulatedNodeNames(hostname().toLowerCase(), count ?? 1)
    return { nodes: names.map((name) => ({ name })), stages }
  }
  if (count === undefined && stages === undefined) return undefined
  const flag = count === undefined ? '--simulated-stages' : '--simulated-nodes'
  throw new CliError('FLAG_INVALID', `${flag} without --node=simulated`, 'Give both, or neither.')
}

/** Files of the manifests folder that come with this version. */
function packagedAddons(config: ServerConfig): PackagedAddon[] {
  const localPath = config['default-local-storage-path'] ?? join(config['data-dir'], 'storage')
  return [localStorageAddon({ localPath: resolve(localPath) })]
}

/** By today's names. What upstream has and this server does not is named in the log, anything else is refused. */
function checkControllers(selection: readonly string[], known: readonly string[], logger: Logger): void {
  const [unknown] = unknownControllers(selection, [...known, ...CONTROLLER_NAMES])
  if (unknown !== undefined) {
    const problem = `--controllers: there is no controller "${unknown.replace(/^-/, '')}"`
    throw new CliError('FLAG_INVALID', problem, `Known: ${known.join(', ')}.`)
  }
  const missing = selection.filter((name) => MISSING_CONTROLLERS.includes(name))
  if (missing.length > 0)
    logger.warn({ controllers: missing }, 'knarr does not have these controllers of Kubernetes: nobody does their work')
}

async function openPki(config: ServerConfig): Promise<Pki> {
  const names = [hostname().toLowerCase(), ...config['tls-san'].filter((name) => !isAddress(name))]
  const given = [config['advertise-address'], config['bind-address'], ...hostAddresses(), ...config['tls-san']]
  const addresses = given.filter(isSpecificAddress)
  const directory = join(config['data-dir'], 'server', 'tls')
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return await loadOrCreatePki({
      directory,
      clock: systemClock,
      random: systemRandom,
      sans: { dns: [...new Set(names)], ips: [...new Set(addresses)] },
      clusterDomain: config['cluster-domain'],
      serviceIp: firstServiceIp(config['service-cidr']),
    })
  } catch (err: unknown) {
    throw new CliError('DATA_DIR', `cannot prepare ${directory}: ${withCause(err)}`, pkiRemedy(err), err)
  }
}

/** The files' own errors name the file; what was wrong with it is their cause. */
const causeOf = (err: unknown): unknown => (err instanceof Error ? err.cause : undefined)
const withCause = (err: unknown): string =>
  causeOf(err) === undefined ? errorMessage(err) : `${errorMessage(err)}: ${errorMessage(causeOf(err))}`

function pkiRemedy(err: unknown): string {
  switch (((causeOf(err) ?? err) as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EROFS':
      return 'Run as root, or choose another folder with --data-dir.'
    case 'ENOSPC':
      return 'The disk is full: free some space.'
    default:
      return 'Remove or repair the named file; missing ones are made anew.'
  }
}

const isAddress = (text: string): boolean => /^[\d.]+$|:/.test(text)
const isSpecificAddress = (text: string | undefined): text is string =>
  text !== undefined && isAddress(text) && text !== '0.0.0.0' && text !== '::'

async function openStorage(config: ServerConfig, logger: Logger, metrics: Registry): Promise<Storage> {
  if (config['datastore-endpoint'] === 'memory') return new MemoryStorage({ clock: systemClock })
  const directory = join(config['data-dir'], 'server', 'db')
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((err: unknown) => {
    throw new CliError('DATA_DIR', `cannot prepare ${directory}: ${errorMessage(err)}`, pkiRemedy(err), err)
  })
  try {
    return await openSqliteStorage({
      path: join(directory, 'state.db'),
      clock: systemClock,
      logger: logger.child({ component: 'storage' }),
      metrics: sqliteObserver(metrics),
    })
  } catch (err: unknown) {
    throw new CliError('STORAGE', errorMessage(err), 'The server has not started and has changed nothing.', err)
  }
}

async function staticTokens(config: ServerConfig) {
  const file = config['token-auth-file']
  if (file === undefined) return []
  try {
    return [parseStaticTokens(await readFile(file, 'utf8'), file)]
  } catch (err: unknown) {
    throw new CliError(
      'CONFIG_INVALID',
      `--token-auth-file ${file}: ${errorMessage(err)}`,
      'Each line is token,user,uid,"group1,group2".',
      err,
    )
  }
}

/** What the `kubernetes` Service points at. */
function endpointAddress(config: ServerConfig, logger: Logger): string | undefined {
  const { address, warning } = advertiseAddress({
    given: config['advertise-address'],
    bound: config['bind-address'],
    serviceCidr: config['service-cidr'],
    host: allHostAddresses(),
  })
  if (warning !== undefined) logger.warn({ reason: warning }, 'this server is no endpoint of the kubernetes Service')
  return address
}

function registryConfig(config: ServerConfig) {
  const { from, to } = config['service-node-port-range']
  // Upstream's leases are in whole seconds, and none is shorter than one.
  const eventTtlSeconds = Math.max(1, Math.floor(config['event-ttl'] / 1000))
  return {
    serviceCidr: config['service-cidr'],
    nodePortRange: { first: from, last: to },
    eventTtlSeconds,
    kubeletAddressTypes: config['kubelet-preferred-address-types'],
  }
}

async function listen(plane: ControlPlane, host: string, port: number, pki: Pki): Promise<void> {
  try {
    await plane.server.listen({ host, port, tls: tlsOf(pki) })
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw err
    throw new CliError(
      'ADDRESS_IN_USE',
      `${host}:${port} is in use`,
      'Stop the other server or choose another --https-listen-port.',
      err,
    )
  }
}

const tlsOf = (pki: Pki) => ({
  certificate: pki.serving.certificate,
  key: pki.serving.key,
  clientCa: `${pki.clientCa.certificate}\n${pki.requestHeaderCa.certificate}`,
})

const kubeletTls = (pki: Pki) => ({ ca: pki.serverCa.certificate, ...pki.kubeletClient })

/** New connections get the new certificate, and the kubeconfig the new client certificate. */
async function renewCertificates(
  plane: ControlPlane,
  config: ServerConfig,
  port: number,
  logger: Logger,
  current: { pki: Pki },
): Promise<void> {
  try {
    const pki = await openPki(config)
    current.pki = pki
    plane.server.updateTls(tlsOf(pki))
    await writeAdminKubeconfig(config, pki, port)
  } catch (err: unknown) {
    logger.error({ err }, 'cannot renew certificates, trying again in 12 hours')
  }
}

async function writeAdminKubeconfig(config: ServerConfig, pki: Pki, port: number): Promise<string> {
  const path = config['write-kubeconfig']
  const server = `https://${LOOPBACK}:${port}`
  try {
    await writeKubeconfig(
      path,
      { server, certificateAuthority: pki.serverCa.certificate, client: pki.admin },
      systemRandom,
    )
    await chmod(path, config['write-kubeconfig-mode'])
    return path
  } catch (err: unknown) {
    throw new CliError(
      'DATA_DIR',
      `cannot write the kubeconfig ${path}: ${errorMessage(err)}`,
      'Choose another place with --write-kubeconfig.',
      err,
    )
  }
}

/** Resolves on SIGTERM or SIGINT; a second signal ends the process at once. */
async function untilStopped(plane: ControlPlane, logger: Logger): Promise<void> {
  const signalled = new Promise<void>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        logger.info({ signal: name }, 'stopping')
        process.once(name, () => process.exit(1))
        resolve()
      })
    }
  })
  await Promise.race([signalled, plane.stopped])
}
