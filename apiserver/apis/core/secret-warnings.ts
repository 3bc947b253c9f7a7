/**
 * A TLS Secret whose certificate and key do not belong together, in the words of Go's tls.X509KeyPair.
 * Upstream: pkg/registry/core/secret/strategy.go warningsForSecret.
 * Differs: why a certificate cannot be parsed is not said in detail.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

interface PemBlock {
  readonly type: string
  readonly text: string
}

const CERTIFICATE = 'CERTIFICATE'

export function secretWarnings({ type, data }: DeepReadonly<Secret>): string[] {
  if (type !== 'kubernetes.io/tls') return []
  const problem = keyPairProblem(pemBlocks(data?.['tls.crt']), pemBlocks(data?.['tls.key']))
  return problem === undefined ? [] : [problem]
}

function pemBlocks(base64 = ''): PemBlock[] {
  const text = Buffer.from(base64, 'base64').toString('latin1')
  const found = text.matchAll(/^-----BEGIN ([^\n]*?)-----[ \t\r]*\n[\s\S]*?^-----END \1-----[ \t\r]*$/gm)
  return [...found].map(([block, type = '']) => ({ type, text: block }))
}

const isKey = ({ type }: PemBlock): boolean => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY')

function keyPairProblem(certificates: readonly PemBlock[], keys: readonly PemBlock[]): string | undefined {
  const certificate = certificates.find(({ type }) => type === CERTIFICATE)
  if (certificate === undefined) return missingCertificate(certificates)
  const key = keys.find(isKey)
  if (key === undefined) return missingKey(keys)
  const parsed = attempt(() => new X509Certificate(certificate.text))
  if (parsed === undefined) return 'x509: malformed certificate'
  const privateKey = attempt(() => createPrivateKey(key.text))
  if (privateKey === undefined) return 'tls: failed to parse private key'
  return mismatch(parsed, privateKey)
}

function mismatch(certificate: X509Certificate, key: KeyObject): string | undefined {
  const { asymmetricKeyType } = certificate.publicKey
  if (!['rsa', 'ec', 'ed25519'].includes(asymmetricKeyType ?? '')) return 'tls: unknown public key algorithm'
  if (key.asymmetricKeyType !== asymmetricKeyType) return 'tls: private key type does not match public key type'
  return certificate.checkPrivateKey(key) ? undefined : 'tls: private key does not match public key'
}

const typesOf = (blocks: readonly PemBlock[]): string => `[${blocks.map(({ type }) => type).join(' ')}]`

function missingCertificate(blocks: readonly PemBlock[]): string {
  const [first] = blocks
  if (first === undefined) return 'tls: failed to find any PEM data in certificate input'
  if (blocks.length === 1 && first.type.endsWith('PRIVATE KEY')) {
    return 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
  }
  return `tls: failed to find "${CERTIFICATE}" PEM block in certificate input after skipping PEM blocks of the following types: ${typesOf(blocks)}`
}

function missingKey(blocks: readonly PemBlock[]): string {
  const [first] = blocks
  if (first === undefined) return 'tls: failed to find any PEM data in key input'
  if (blocks.length === 1 && first.type === CERTIFICATE) {
    return 'tls: found a certificate rather than a key in the PEM for the private key'
  }
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${typesOf(blocks)}`
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
