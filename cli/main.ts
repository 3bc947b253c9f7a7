#!/usr/bin/env node
/**
 * The `knarr` command: reads argv and the environment, runs one subcommand, sets the exit status. Commands are imported
 * when they are called, so that `knarr version` does not pay for the server.
 */
import { Command, CommanderError, Option } from 'commander'
import type { FlagSpec } from './config/flags.ts'
import { SERVER_FLAGS } from './config/flags.ts'
import { CliError } from './errors.ts'

const USAGE_STATUS = 2

function program(): Command {
  const root = new Command('knarr')
    .description('A Kubernetes control plane in one Node.js process')
    .exitOverride()
    .showSuggestionAfterError()
  root.addCommand(serverCommand())
  root.addCommand(helmCommand())
  root.addCommand(simulateCommand())
  root
    .command('version')
    .description('print the version')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (options: { output: string }) => (await import('./commands/version.ts')).printVersion(options.output))
  return root
}

function serverCommand(): Command {
  const command = new Command('server').description('run the control plane').exitOverride()
  for (const spec of SERVER_FLAGS) command.addOption(optionOf(spec))
  return command.action(async (_options: unknown, invoked: Command) => {
    const given: Record<string, unknown> = {}
    for (const option of invoked.options) {
      const attribute = option.attributeName()
      if (invoked.getOptionValueSource(attribute) === 'cli') given[option.name()] = invoked.getOptionValue(attribute)
    }
    const { runServer } = await import('./commands/server.ts')
    await runServer({ commandLine: given, environment: process.env })
  })
}

function optionOf(spec: FlagSpec): Option {
  const value = spec.kind === 'boolean' ? ' [true|false]' : spec.kind === 'list' ? ' <value>' : ' <value>'
  const flags = `${spec.short === undefined ? '' : `-${spec.short}, `}--${spec.name}${value}`
  const option = new Option(
    flags,
    spec.env === undefined ? spec.description : `${spec.description} [$KNARR_${spec.env}]`,
  )
  if (spec.kind === 'boolean') option.preset('true')
  if (spec.kind === 'list')
    option.argParser((item: string, earlier: string[] | undefined) => [...(earlier ?? []), item])
  return spec.hidden === true ? option.hideHelp() : option
}

function helmCommand(): Command {
  const helm = new Command('helm').description('render charts and read releases').exitOverride()
  const collect = (item: string, earlier: string[]): string[] => [...earlier, item]
  helm
    .command('template <name> <chart>')
    .description('render a chart (folder, .tgz or URL) and print the manifests')
    .option('-n, --namespace <namespace>', 'namespace of the release', 'default')
    .option('-f, --values <file>', 'YAML file of values, repeatable', collect, [])
    .option('--set <assignment>', 'key=value, repeatable', collect, [])
    .option('--set-string <assignment>', 'key=value, always a string; repeatable', collect, [])
    .option('--repo <url>', 'chart repository')
    .option('--version <version>', 'chart version or constraint', '')
    .option('--kube-version <version>', 'Kubernetes version to render for')
    .option('-a, --api-versions <version>', 'API version to assume, repeatable', collect, [])
    .option('--include-crds', 'print the definitions of the crds folder as well', false)
    .option('--skip-tests', 'leave test hooks out', false)
    .option('--is-upgrade', 'set .Release.IsUpgrade instead of .Release.IsInstall', false)
    .action(async (name: string, chart: string, options) =>
      (await import('./commands/helm.ts')).printTemplate(name, chart, options),
    )
  helm
    .command('list')
    .description('list releases')
    .option('-n, --namespace <namespace>', 'namespace', 'default')
    .option('-A, --all-namespaces', 'all namespaces', false)
    .option('-o, --output <format>', 'table or json', 'table')
    .option('--kubeconfig <file>', 'kubeconfig to use')
    .action(async (options) => (await import('./commands/helm.ts')).printReleases(options))
  helm
    .command('get <what> <name>')
    .description('print a part of a release: manifest, values, notes, hooks or all')
    .option('-n, --namespace <namespace>', 'namespace', 'default')
    .option('--revision <number>', 'revision; default: the newest')
    .option('--kubeconfig <file>', 'kubeconfig to use')
    .action(async (what: string, name: string, options) =>
      (await import('./commands/helm.ts')).printRelease(what, name, options),
    )
  return helm
}

function simulateCommand(): Command {
  const collect = (item: string, earlier: string[]): string[] => [...earlier, item]
  return new Command('simulate')
    .description('give a cluster nodes that run nothing and say pods run')
    .exitOverride()
    .option('--nodes <number>', 'how many', '1')
    .option('--node-name-prefix <prefix>', 'nodes are named <prefix>-0, <prefix>-1 …', 'simulated')
    .option('--cpu <quantity>', 'CPU of each node', '32')
    .option('--memory <quantity>', 'memory of each node', '256Gi')
    .option('--pods <number>', 'pods each node takes', '110')
    .option('--labels <key=value>', 'labels of the nodes, comma separated; repeatable', collect, [])
    .option('--stages <file>', 'YAML of kwok Stages to play instead of the built-in behaviour; repeatable', collect, [])
    .option('--kubeconfig <file>', 'kubeconfig to use')
    .option('--log-format <format>', 'auto (text on a terminal, JSON otherwise), text or json', 'auto')
    .option('--debug', 'log debug messages', false)
    .action(async (options) => (await import('./commands/simulate.ts')).simulate(options))
}

async function main(): Promise<void> {
  try {
    await program().parseAsync(process.argv)
  } catch (err: unknown) {
    const status = report(err)
    // A server that failed half-way has threads and timers that would keep the process.
    if (status !== 0) process.exit(status)
  }
}

/** Prints what went wrong and returns the exit status. */
function report(err: unknown): number {
  if (err instanceof CommanderError) return err.exitCode === 0 ? 0 : USAGE_STATUS // Commander has printed it.
  if (err instanceof CliError) {
    process.stderr.write(`knarr: ${err.message}\n`)
    return err.exitStatus
  }
  process.stderr.write(`knarr: unexpected error: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}\n`)
  return 1
}

await main()
