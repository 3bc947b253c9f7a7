/**
 * What lets others check our service-account tokens: the OIDC discovery document and the key set.
 * Upstream: pkg/serviceaccount/openidmetadata.go.
 */
import type { KeyObject } from 'node:crypto'
import { algorithmOf, keyIdOf } from './jwt.ts'

const OPENID_CONFIGURATION_PATH = '/.well-known/openid-configuration'
const JWKS_PATH = '/openid/v1/jwks'

export interface DiscoveryDocument {
  readonly contentType: string
  readonly body: object
}

/** Documents by path. `externalUrl` is where clients reach this server, for the key set's address: `https://10.0.0.1:6443`. */
export function createServiceAccountDiscovery(options: {
  readonly issuer: string
  readonly publicKeys: readonly KeyObject[]
  readonly externalUrl: string
}): ReadonlyMap<string, DiscoveryDocument> {
  const algorithms = [...new Set(options.publicKeys.map((key) => algorithmOf(key).name))]
  const configuration = {
    issuer: options.issuer,
    jwks_uri: `${options.externalUrl}${JWKS_PATH}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
  }
  return new Map([
    [OPENID_CONFIGURATION_PATH, { contentType: 'application/json', body: configuration }],
    [JWKS_PATH, { contentType: 'application/jwk-set+json', body: { keys: options.publicKeys.map(jsonWebKey) } }],
  ])
}

function jsonWebKey(key: KeyObject): object {
  return { use: 'sig', ...key.export({ format: 'jwk' }), kid: keyIdOf(key), alg: algorithmOf(key).name }
}
