/** `knarr simulate`: nodes that run nothing, for any cluster a kubeconfig leads to; until it is stopped. */
import { SimulatedNodes } from '#agent/simulated/index.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { SharedInformerFactory } from '#machinery/informers/factory.ts'
import { parseQuantity } from '#machinery/quantity/quantity.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { ApiEventRecorder } from '#sdk'
import { CliError } from '../errors.ts'
import { clientFromKubeconfig } from '../kubeconfig.ts'
import { createLogger } from '../logging.ts'
import { kubeletVersion, REPORTING_NODES_MAX, simulatedNodeNames } from '../server/simulated-nodes.ts'
import { loadStages } from '../server/stages.ts'

export interface SimulateOptions {
  readonly nodes: string
  readonly nodeNamePrefix: string
  readonly cpu: string
  readonly memory: string
  readonly pods: string
  readonly labels: readonly string[]
  readonly stages: readonly string[]
  readonly kubeconfig?: string
  readonly logFormat: string
  readonly debug: boolean
}

const NODES_MAX = 5_000
const EVENT_SOURCE = 'kubelet'

export async function simulate(options: SimulateOptions): Promise<void> {
  const specs = nodeSpecs(options)
  const stages = loadStages('--stages', options.stages)
  const client = clientFromKubeconfig(options.kubeconfig)
  const logger = createLogger({
    format: logFormat(options.logFormat),
    isDebug: options.debug,
    isTerminal: process.stdout.isTTY,
  })
  await client.raw({ method: 'GET', path: '/version' }).catch((err: unknown) => {
    throw new CliError(
      'CLUSTER_UNREACHABLE',
      errorMessage(err),
      'Start the cluster, or name another --kubeconfig.',
      err,
    )
  })
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      logger.info({ signal: name }, 'stopping; the simulated nodes stay, and become NotReady')
      process.once(name, () => process.exit(1))
      stop.abort(new Error('knarr simulate is stopping'))
    })
  }
  const { signal } = stop
  const tools = { client, clock: systemClock, random: systemRandom, logger }
  const informers = new SharedInformerFactory(tools)
  const [only] = specs
  const selection = specs.length === 1 && only !== undefined ? { fieldSelector: `spec.nodeName=${only.name}` } : {}
  const simulated = new SimulatedNodes(
    {
      ...tools,
      events: new ApiEventRecorder({ ...tools, component: EVENT_SOURCE }, signal),
      pods: informers.informer(PODS, selection),
      nodes: informers.informer(NODES),
    },
    {
      nodes: specs,
      version: kubeletVersion(),
      reportsStarts: specs.length <= REPORTING_NODES_MAX,
      ...(stages === undefined ? {} : { stages }),
    },
  )
  // While the cluster is away there is nothing else that would keep the process.
  const alive = setInterval(() => undefined, 2 ** 30)
  informers.start(signal)
  await simulated.run(signal, () => logger.info({ nodes: specs.length }, 'knarr simulate is ready'))
  await informers.stopped()
  clearInterval(alive)
}

function nodeSpecs({ nodes, nodeNamePrefix, cpu, memory, pods, labels }: SimulateOptions) {
  const count = Number(nodes)
  if (!Number.isInteger(count) || count < 1 || count > NODES_MAX)
    throw new CliError('FLAG_INVALID', `--nodes: "${nodes}" is no number of nodes`, `Give 1 to ${NODES_MAX}.`)
  if (!/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(nodeNamePrefix))
    throw new CliError(
      'FLAG_INVALID',
      `--node-name-prefix: "${nodeNamePrefix}" cannot begin the name of a node`,
      'Use lower case letters, digits and dashes.',
    )
  const capacity = {
    cpu: quantity('--cpu', cpu),
    memory: quantity('--memory', memory),
    pods: quantity('--pods', pods),
  }
  const own = Object.fromEntries(labels.flatMap((text) => text.split(',')).map(label))
  // Several, even if one: a second `knarr simulate --nodes 2` finds node 0 again.
  return simulatedNodeNames(nodeNamePrefix, Math.max(count, 2))
    .slice(0, count)
    .map((name) => ({ name, capacity, labels: own }))
}

function quantity(flag: string, text: string): string {
  try {
    return parseQuantity(text).toString()
  } catch (err: unknown) {
    throw new CliError(
      'FLAG_INVALID',
      `${flag}: "${text}": ${errorMessage(err)}`,
      'Write it as in a manifest: 4, 500m, 16Gi.',
    )
  }
}

function label(text: string): [key: string, value: string] {
  const [key = '', value, ...rest] = text.split('=')
  if (key === '' || value === undefined || rest.length > 0)
    throw new CliError(
      'FLAG_INVALID',
      `--labels: "${text}" is no key=value`,
      'Example: --labels topology.kubernetes.io/zone=a.',
    )
  return [key, value]
}

function logFormat(text: string): 'auto' | 'text' | 'json' {
  if (text === 'auto' || text === 'text' || text === 'json') return text
  throw new CliError('FLAG_INVALID', `--log-format: "${text}"`, 'Use auto, text or json.')
}
