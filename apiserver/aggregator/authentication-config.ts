/**
 * The ConfigMap from which aggregated API servers learn whose client certificates and whose front-proxy headers to believe.
 * Upstream: pkg/controlplane/controller/clusterauthenticationtrust.
 */
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'

const KEY = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const

export interface AuthenticationTrust {
  /** PEM. */
  readonly clientCa: string
  readonly requestHeaderCa: string
  readonly allowedNames: readonly string[]
}

/** Where somebody has deleted it. What is there may be of another server. */
export async function restoreAuthenticationTrust(
  client: Client,
  trust: AuthenticationTrust,
  signal: AbortSignal,
): Promise<void> {
  const existing = await client.get(CONFIG_MAPS, KEY, { signal }).catch(undefinedIfNotFound)
  if (existing === undefined) await publishAuthenticationTrust(client, trust, signal)
}

export async function publishAuthenticationTrust(
  client: Client,
  { clientCa, requestHeaderCa, allowedNames }: AuthenticationTrust,
  signal: AbortSignal,
): Promise<void> {
  const data = {
    'client-ca-file': clientCa,
    'requestheader-client-ca-file': requestHeaderCa,
    'requestheader-allowed-names': JSON.stringify(allowedNames),
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  }
  const existing = await client.get(CONFIG_MAPS, KEY, { signal }).catch(undefinedIfNotFound)
  if (existing === undefined) {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...KEY }, data }
    await client.create(CONFIG_MAPS, object, { signal })
  } else if (Object.entries(data).some(([name, value]) => existing.data?.[name] !== value)) {
    await client.patch(CONFIG_MAPS, KEY, { type: 'merge', body: { data } }, { signal })
  }
}
