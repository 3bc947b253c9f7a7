/**
 * Signs kube-public/cluster-info with every bootstrap token that may, so that who has a token can trust the file before
 * it trusts the server.
 *
 * Reads: token Secrets and that ConfigMap from the cache.  Writes: the ConfigMap, where somebody has created it.
 * Upstream: pkg/controller/bootstrap/bootstrapsigner.go, k8s.io/cluster-bootstrap/token/jws.
 */
import { createHmac } from 'node:crypto'
import { CONFIG_MAPS, NAMESPACES, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { ObjectKey, Result } from '#sdk'
import { DONE, defineController, watching } from '#sdk'
import { BOOTSTRAP_SIGNER_CONTROLLER } from '../manager/names.ts'
import type { SigningToken } from './token-secret.ts'
import { BOOTSTRAP_TOKENS, signingToken, TOKENS_NAMESPACE } from './token-secret.ts'

const PUBLIC_NAMESPACE = 'kube-public'
const NAME = 'cluster-info'
const ONLY_OURS = { fieldSelector: `metadata.name=${NAME}` }
const SIGNATURE_PREFIX = 'jws-kubeconfig-'

export const bootstrapSignerController = defineController({
  name: BOOTSTRAP_SIGNER_CONTROLLER,
  reconciles: NAMESPACES,
  watches: [
    watching(SECRETS, () => [{ name: PUBLIC_NAMESPACE }], BOOTSTRAP_TOKENS),
    watching(CONFIG_MAPS, ({ metadata }) => [{ name: metadata.namespace ?? '' }], ONLY_OURS),
  ],
  permissions: [
    { resource: NAMESPACES, verbs: ['list', 'watch'] },
    { resource: SECRETS, verbs: ['get', 'list', 'watch'] },
    { resource: CONFIG_MAPS, verbs: ['get', 'list', 'watch'] },
    { resource: CONFIG_MAPS, names: [NAME], verbs: ['update'] },
  ],
  create: ({ client, lister, clock }) => {
    const maps = lister(CONFIG_MAPS, ONLY_OURS)
    const secrets = lister(SECRETS, BOOTSTRAP_TOKENS)
    return {
      async reconcile({ name }: ObjectKey, signal: AbortSignal): Promise<Result> {
        if (name !== PUBLIC_NAMESPACE) return DONE
        const map = maps.get({ namespace: PUBLIC_NAMESPACE, name: NAME })
        const content = map?.data?.['kubeconfig']
        if (map === undefined || content === undefined) return DONE
        const nowMs = clock.now().getTime()
        const tokens = secrets.list(TOKENS_NAMESPACE).flatMap((secret) => signingToken(secret, nowMs) ?? [])
        const data = withSignatures(map.data ?? {}, content, tokens)
        if (deepEqual(data, map.data)) return DONE
        const changed = deepCopy<ConfigMap>(map)
        changed.data = data
        await client.update(CONFIG_MAPS, changed, { signal }).catch(undefinedIfNotFound)
        return DONE
      },
    }
  },
})

function withSignatures(
  data: Readonly<Record<string, string>>,
  content: string,
  tokens: readonly SigningToken[],
): Record<string, string> {
  const kept = Object.entries(data).filter(([key]) => !key.startsWith(SIGNATURE_PREFIX))
  const signed = tokens.map((token) => [`${SIGNATURE_PREFIX}${token.id}`, detachedSignature(content, token)] as const)
  return Object.fromEntries([...kept, ...signed])
}

/** Compact JWS (HS256) without its payload. */
function detachedSignature(content: string, { id, secret }: SigningToken): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url')
  const payload = Buffer.from(content).toString('base64url')
  const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
  return `${header}..${signature}`
}
