/** Reads a kubeconfig for the commands that talk to a running server: current context, client certificate or token. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Client } from '#machinery/client/client.ts'
import { createHttpTransport } from '#machinery/client/http-transport.ts'
import { createClient } from '#machinery/client/rest-client.ts'
import { isObject } from '#machinery/util/json.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { defaultKubeconfig } from './config/flags.ts'
import { CliError } from './errors.ts'

/** `explicit` (--kubeconfig), $KUBECONFIG, knarr's own, ~/.kube/config: the first that exists. */
export function clientFromKubeconfig(explicit: string | undefined): Client {
  const file = kubeconfigFile(explicit)
  const config = parseConfig(file)
  const context = named(config, 'contexts', String(config['current-context'] ?? ''), 'context', file)
  const cluster = named(config, 'clusters', String(context['cluster'] ?? ''), 'cluster', file)
  const user = named(config, 'users', String(context['user'] ?? ''), 'user', file)
  const text = (holder: Record<string, unknown>, field: string): string | undefined => {
    const data = holder[`${field}-data`]
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8')
    const path = holder[field]
    return typeof path === 'string' ? readFileSync(resolve(dirname(file), path), 'utf8') : undefined
  }
  const [ca, cert, key] = [
    text(cluster, 'certificate-authority'),
    text(user, 'client-certificate'),
    text(user, 'client-key'),
  ]
  const token = user['token']
  return createClient(
    createHttpTransport({
      server: String(cluster['server'] ?? ''),
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(typeof token === 'string' && { token }),
    }),
  )
}

function kubeconfigFile(explicit: string | undefined): string {
  const candidates =
    explicit === undefined
      ? [process.env['KUBECONFIG'], defaultKubeconfig(), join(homedir(), '.kube/config')]
      : [explicit]
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue
    try {
      readFileSync(candidate)
      return candidate
    } catch {
      // Try the next one.
    }
  }
  throw new CliError(
    'CONFIG_UNREADABLE',
    `no kubeconfig found (looked at ${candidates.filter(Boolean).join(', ')})`,
    'Name one with --kubeconfig.',
  )
}

function parseConfig(file: string): Record<string, unknown> {
  const value = parseYamlDocuments(readFileSync(file, 'utf8'))[0]?.value
  if (!isObject(value))
    throw new CliError('CONFIG_INVALID', `${file} is no kubeconfig`, 'Name another one with --kubeconfig.')
  return value
}

function named(
  config: Record<string, unknown>,
  list: string,
  name: string,
  member: string,
  file: string,
): Record<string, unknown> {
  const items = Array.isArray(config[list]) ? config[list].filter(isObject) : []
  const found = items.find((item) => item['name'] === name)?.[member]
  if (isObject(found)) return found
  throw new CliError(
    'CONFIG_INVALID',
    `${file}: ${list} has no "${name}"`,
    'Correct the kubeconfig or name another one with --kubeconfig.',
  )
}
