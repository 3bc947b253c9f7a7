/**
 * Where a HelmChart's archive comes from, with the credentials its spec names. Upstream: helm-controller pkg/controllers/chart, klipper-helm entry.
 */
import { CONFIG_MAPS, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import type { HelmChart, HelmChartSpec } from '#machinery/api/helm/v1/types.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ChartFetchOptions, ChartSource } from '#charts/repo/resolve.ts'
import { resolveChart } from '#charts/repo/resolve.ts'

export interface ChartSourceDependencies {
  readonly client: Client
  /** host:port of the API server, for `%{KUBERNETES_API}%` in chart URLs. */
  readonly apiAddress: string
}

export async function chartSource(
  dependencies: ChartSourceDependencies,
  chart: DeepReadonly<HelmChart>,
  signal: AbortSignal,
): Promise<ChartSource> {
  const spec = chart.spec ?? {}
  if (spec.chartContent !== undefined && spec.chartContent !== '') {
    return { type: 'archive', bytes: Buffer.from(spec.chartContent, 'base64') }
  }
  if (spec.chart === undefined || spec.chart === '')
    throw new Error('spec.chart is empty and spec.chartContent is not set')
  const reference = {
    chart: spec.chart.replaceAll('%{KUBERNETES_API}%', dependencies.apiAddress),
    ...(spec.repo !== undefined && { repo: spec.repo }),
    version: spec.version ?? '',
    allowLocal: true,
  }
  return resolveChart(reference, await fetchOptions(dependencies.client, chart.metadata.namespace ?? '', spec, signal))
}

async function fetchOptions(
  client: Client,
  namespace: string,
  spec: DeepReadonly<HelmChartSpec>,
  signal: AbortSignal,
): Promise<ChartFetchOptions> {
  const ca = [spec.repoCA, await repoCaConfigMap(client, namespace, spec.repoCAConfigMap?.name, signal)]
    .filter((pem) => pem !== undefined && pem !== '')
    .join('\n')
  return {
    signal,
    ...(ca !== '' && { ca }),
    ...(spec.insecureSkipTLSVerify === true && { insecureSkipTlsVerify: true }),
    ...(spec.authPassCredentials === true && { passCredentialsAll: true }),
    ...(await credentials(client, namespace, spec.authSecret?.name, signal)),
  }
}

async function repoCaConfigMap(
  client: Client,
  namespace: string,
  name: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (name === undefined || name === '') return undefined
  const configMap = await client.get(CONFIG_MAPS, { namespace, name }, { signal })
  return Object.values(configMap.data ?? {}).join('\n')
}

async function credentials(
  client: Client,
  namespace: string,
  name: string | undefined,
  signal: AbortSignal,
): Promise<Pick<ChartFetchOptions, 'basicAuth' | 'clientCertificate'>> {
  if (name === undefined || name === '') return {}
  const secret = await client.get(SECRETS, { namespace, name }, { signal })
  const value = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
  const [cert, key] = [value('tls.crt'), value('tls.key')]
  if (cert !== '' && key !== '') return { clientCertificate: { cert, key } }
  return { basicAuth: { username: value('username'), password: value('password') } }
}
