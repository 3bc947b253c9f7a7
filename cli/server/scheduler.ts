/** The scheduler of `knarr server`: --disable-scheduler, and --kube-scheduler-arg=config=<file> with what that file names. */
import { readFile } from 'node:fs/promises'
import type { Registry } from 'prom-client'
import type { ExtenderConfiguration, SchedulerConfiguration } from '#controllers/scheduler/config/configuration.ts'
import { DEFAULT_CONFIGURATION } from '#controllers/scheduler/config/configuration.ts'
import { parseSchedulerConfiguration } from '#controllers/scheduler/config/parse.ts'
import type { ExtenderTlsMaterial } from '#controllers/scheduler/extender/http-extender.ts'
import { createHttpExtender } from '#controllers/scheduler/extender/http-extender.ts'
import { SchedulerMetrics } from '#controllers/scheduler/metrics.ts'
import { createProfile } from '#controllers/scheduler/runtime/create-profile.ts'
import type { SchedulerOptions } from '#controllers/scheduler/scheduler.ts'
import type { PluginHandle } from '#controllers/scheduler/framework/interfaces.ts'
import { createClient } from '#machinery/client/rest-client.ts'
import { SharedInformerFactory } from '#machinery/informers/factory.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { ServerConfig } from '../config/flags.ts'
import { CliError } from '../errors.ts'

const FLAG = '--kube-scheduler-arg'

/** Undefined: no scheduler. */
export async function schedulerOptions(
  config: Pick<ServerConfig, 'disable-scheduler' | 'kube-scheduler-arg'>,
  registry: Registry,
): Promise<SchedulerOptions | undefined> {
  const path = configPath(config['kube-scheduler-arg'])
  if (config['disable-scheduler']) return undefined
  const configuration = path === undefined ? DEFAULT_CONFIGURATION : await readConfiguration(path)
  const extenders = await Promise.all(
    configuration.extenders.map(async (extender) => createHttpExtender(extender, await tlsOf(extender), systemClock)),
  )
  return { configuration, extenders, metrics: new SchedulerMetrics(registry) }
}

function configPath(args: readonly string[]): string | undefined {
  let path: string | undefined
  for (const arg of args) {
    const [, name = arg, value = ''] = /^(?:--)?([\w-]+)=(.*)$/s.exec(arg) ?? []
    if (name !== 'config' || value === '')
      throw new CliError('FLAG_INVALID', `${FLAG}: "${arg}" is not supported`, 'Give config=<file>, or leave it out.')
    path = value
  }
  return path
}

async function readConfiguration(path: string): Promise<SchedulerConfiguration> {
  const text = await readText(path)
  try {
    const configuration = parseSchedulerConfiguration(text)
    for (const profile of configuration.profiles) createProfile(profile, unconnectedHandle())
    return configuration
  } catch (err: unknown) {
    throw new CliError(
      'CONFIG_INVALID',
      `${path}: ${errorMessage(err)}`,
      'Correct the file; see docs/scheduler.md.',
      err,
    )
  }
}

/** Enough to make plugins with, so that a mistake the plugins find is told at start; nothing is asked or watched. */
function unconnectedHandle(): PluginHandle {
  const refuse = (): Promise<never> => Promise.reject(new Error('not connected'))
  const client = createClient({ request: refuse, watch: refuse })
  const tools = { client, clock: systemClock, random: systemRandom, logger: discardLogger }
  const informers = new SharedInformerFactory(tools)
  return {
    ...tools,
    events: { record: () => undefined },
    isGateEnabled: () => false,
    extenders: [],
    waitingPod: () => undefined,
    waitingPods: () => [],
    podInPreBind: () => undefined,
    informer: (resource, selection) => informers.informer(resource, selection),
    lister: (resource, selection) => informers.lister(resource, selection),
    namespaceLabels: () => undefined,
    notify: () => undefined,
    shared: (_name, create) => create(),
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (err: unknown) {
    throw new CliError('CONFIG_UNREADABLE', `${path}: ${errorMessage(err)}`, 'Give the path of a readable file.', err)
  }
}

/** As upstream: HTTPS without a CA is not verified. */
async function tlsOf({ tls, enableHttps }: ExtenderConfiguration): Promise<ExtenderTlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    materialOf(tls?.caData, tls?.caFile),
    materialOf(tls?.certData, tls?.certFile),
    materialOf(tls?.keyData, tls?.keyFile),
  ])
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls?.serverName === undefined || tls.serverName === '' ? {} : { serverName: tls.serverName }),
    insecureSkipTlsVerify: tls?.insecure === true || (enableHttps && ca === undefined),
  }
}

async function materialOf(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8')
  return file === undefined || file === '' ? undefined : readText(file)
}
