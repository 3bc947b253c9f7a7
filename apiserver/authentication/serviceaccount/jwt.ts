/**
 * JSON Web Tokens on node:crypto: compact form, ES256/ES384/ES512 and RS256, the algorithm fixed by the key (a token
 * cannot choose it). Reference: RFC 7515, 7518.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { isObject } from '#machinery/util/json.ts'

interface Algorithm {
  readonly name: string
  readonly hash: string
}

const ECDSA: ReadonlyMap<string, Algorithm> = new Map([
  ['prime256v1', { name: 'ES256', hash: 'sha256' }],
  ['secp384r1', { name: 'ES384', hash: 'sha384' }],
  ['secp521r1', { name: 'ES512', hash: 'sha512' }],
])
const RS256: Algorithm = { name: 'RS256', hash: 'sha256' }

export function algorithmOf(key: KeyObject): Algorithm {
  const curve = key.asymmetricKeyDetails?.namedCurve
  const algorithm = key.asymmetricKeyType === 'rsa' ? RS256 : ECDSA.get(curve ?? '')
  if (algorithm === undefined)
    throw new Error(`keys of type ${key.asymmetricKeyType} ${curve ?? ''} cannot sign tokens`)
  return algorithm
}

/** Upstream's key ID: the hash of the public key, so that every verifier computes the same. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
}

export class JwtSigner {
  readonly #key: KeyObject
  readonly #hash: string
  readonly #header: string

  constructor(privateKey: KeyObject) {
    const { name, hash } = algorithmOf(privateKey)
    this.#key = privateKey
    this.#hash = hash
    this.#header = encodePart({ alg: name, kid: keyIdOf(createPublicKey(privateKey)) })
  }

  sign(claims: object): string {
    const signed = `${this.#header}.${encodePart(claims)}`
    const signature = sign(this.#hash, Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

export type Claims = Readonly<Record<string, unknown>>

const COMPACT_FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** The claims as they are written, believed by nobody yet; undefined when it is no JWT at all. */
export function readUnverifiedClaims(token: string): Claims | undefined {
  if (!COMPACT_FORM.test(token)) return undefined
  const start = token.indexOf('.') + 1
  return decodePart(token.slice(start, token.indexOf('.', start)))
}

export class JwtVerifier {
  readonly #keys: readonly { readonly id: string; readonly key: KeyObject; readonly algorithm: Algorithm }[]

  constructor(publicKeys: readonly KeyObject[]) {
    this.#keys = publicKeys.map((key) => ({ id: keyIdOf(key), key, algorithm: algorithmOf(key) }))
  }

  hasValidSignature(token: string): boolean {
    const header = decodePart(token.slice(0, token.indexOf('.')))
    if (header === undefined || header['crit'] !== undefined) return false
    const end = token.lastIndexOf('.')
    const signed = Buffer.from(token.slice(0, end))
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    const kid = header['kid']
    return this.#keys.some(
      ({ id, key, algorithm }) =>
        algorithm.name === header['alg'] &&
        (kid === undefined || kid === id) &&
        verify(algorithm.hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature),
    )
  }
}

function decodePart(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
