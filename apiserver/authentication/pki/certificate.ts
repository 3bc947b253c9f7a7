/**
 * Makes X.509 v3 certificates (CAs, TLS servers, TLS clients) and reads back the parts that issuing needs.
 * node:crypto makes keys and signatures; this file writes the DER around them. Reference: RFC 5280.
 */
import { createHash, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import {
  bitString,
  boolean,
  contextConstructed,
  contextPrimitive,
  type DerValue,
  decode,
  expectTag,
  members,
  nullValue,
  objectIdentifier,
  octetString,
  readBitString,
  readObjectIdentifier,
  sequence,
  TAG,
  time,
  unsignedInteger,
} from './der.ts'
import { encodeName, OID, type SubjectName } from './names.ts'

export interface SubjectAltNames {
  readonly dns: readonly string[]
  readonly ips: readonly string[]
}

export type CertificateUsage = 'ca' | 'server' | 'client' | 'server-and-client'

export interface Issuer {
  readonly key: KeyObject
  readonly certificate: X509Certificate
}

export interface CertificateRequest {
  readonly subject: SubjectName
  readonly usage: CertificateUsage
  readonly publicKey: KeyObject
  /** At least 8 random bytes; the sign bit is cleared here. */
  readonly serialNumber: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly altNames?: SubjectAltNames
  /** In the words of certificates.k8s.io: of these, what concerns the key. Absent: what the usage takes. */
  readonly keyUsages?: readonly string[]
}

const VERSION_3 = contextConstructed(0, unsignedInteger(Uint8Array.of(2)))
const DIGITAL_SIGNATURE = 0x80
const KEY_ENCIPHERMENT = 0x20
const CERTIFICATE_AND_CRL_SIGN = 0x06

/** Self-signed: the root of one trust domain. */
export function createCaCertificate(request: CertificateRequest, key: KeyObject): string {
  const keyId = keyIdentifier(spkiOf(request.publicKey))
  return createCertificate(request, { key, name: encodeName(request.subject), keyId })
}

export function issueCertificate(request: CertificateRequest, issuer: Issuer): string {
  const { subject, keyId } = readCertificate(issuer.certificate.raw)
  return createCertificate(request, { key: issuer.key, name: subject, keyId })
}

function createCertificate(
  request: CertificateRequest,
  issuer: { readonly key: KeyObject; readonly name: Buffer; readonly keyId: Buffer },
): string {
  const algorithm = signatureAlgorithmOf(issuer.key)
  const spki = spkiOf(request.publicKey)
  const serialNumber = Buffer.from(request.serialNumber)
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x7f) | 0x40
  const toBeSigned = sequence(
    VERSION_3,
    unsignedInteger(serialNumber),
    algorithm.identifier,
    issuer.name,
    sequence(time(request.notBefore), time(request.notAfter)),
    encodeName(request.subject),
    spki,
    contextConstructed(3, sequence(...extensionsOf(request, spki, issuer.keyId))),
  )
  const signature = sign(algorithm.hash, toBeSigned, issuer.key)
  return toPem(sequence(toBeSigned, algorithm.identifier, bitString(signature)))
}

function extensionsOf(request: CertificateRequest, spki: Buffer, issuerKeyId: Buffer): Buffer[] {
  const isCa = request.usage === 'ca'
  const usageBits = keyUsageBits(request)
  const extensions = [
    ...(usageBits === 0 ? [] : [extension(OID.keyUsage, true, keyUsage(usageBits))]),
    extension(OID.basicConstraints, true, isCa ? sequence(boolean(true)) : sequence()),
    extension(OID.subjectKeyIdentifier, false, octetString(keyIdentifier(spki))),
    extension(OID.authorityKeyIdentifier, false, sequence(contextPrimitive(0, issuerKeyId))),
  ]
  if (!isCa) extensions.push(extension(OID.extendedKeyUsage, false, extendedKeyUsage(request.usage)))
  const { dns, ips } = request.altNames ?? { dns: [], ips: [] }
  if (dns.length + ips.length > 0) {
    const names = [
      ...dns.map((name) => contextPrimitive(2, Buffer.from(name, 'latin1'))),
      ...ips.map((address) => contextPrimitive(7, ipBytes(address))),
    ]
    extensions.push(extension(OID.subjectAltName, false, sequence(...names)))
  }
  return extensions
}

function keyUsageBits({ usage, publicKey, keyUsages }: CertificateRequest): number {
  if (usage === 'ca') return DIGITAL_SIGNATURE | CERTIFICATE_AND_CRL_SIGN
  const isRsa = publicKey.asymmetricKeyType === 'rsa'
  const named = keyUsages ?? ['digital signature', ...(isRsa ? ['key encipherment'] : [])]
  const signs = named.includes('digital signature') ? DIGITAL_SIGNATURE : 0
  return named.includes('key encipherment') ? signs | KEY_ENCIPHERMENT : signs
}

function extension(oid: string, isCritical: boolean, value: Buffer): Buffer {
  const flag = isCritical ? [boolean(true)] : []
  return sequence(objectIdentifier(oid), ...flag, octetString(value))
}

function keyUsage(bits: number): Buffer {
  const unusedBits = 31 - Math.clz32(bits & -bits)
  return bitString(Uint8Array.of(bits), unusedBits)
}

function extendedKeyUsage(usage: CertificateUsage): Buffer {
  const purposes: string[] = []
  if (usage !== 'client') purposes.push(OID.serverAuth)
  if (usage !== 'server') purposes.push(OID.clientAuth)
  return sequence(...purposes.map(objectIdentifier))
}

/** SHA-1 of the key bits: RFC 5280 4.2.1.2 method 1. It names a key, it protects nothing. */
function keyIdentifier(spki: Buffer): Buffer {
  const [, bits] = members(decode(spki))
  return createHash('sha1')
    .update(readBitString(expectTag(bits, TAG.bitString, 'the public key')))
    .digest()
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' })
}

function signatureAlgorithmOf(key: KeyObject): { readonly identifier: Buffer; readonly hash: string | null } {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { identifier: sequence(objectIdentifier(OID.sha256WithRsa), nullValue()), hash: 'sha256' }
    case 'ed25519':
      return { identifier: sequence(objectIdentifier(OID.ed25519)), hash: null }
    case 'ec':
      return ecdsaAlgorithmOf(key.asymmetricKeyDetails?.namedCurve)
    default:
      throw new Error(`a CA key of type ${key.asymmetricKeyType} cannot sign: use EC, RSA or Ed25519`)
  }
}

function ecdsaAlgorithmOf(curve: string | undefined): { readonly identifier: Buffer; readonly hash: string } {
  if (curve === 'secp384r1') return { identifier: sequence(objectIdentifier(OID.ecdsaWithSha384)), hash: 'sha384' }
  if (curve === 'secp521r1') return { identifier: sequence(objectIdentifier(OID.ecdsaWithSha512)), hash: 'sha512' }
  return { identifier: sequence(objectIdentifier(OID.ecdsaWithSha256)), hash: 'sha256' }
}

function ipBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  if (!isIPv6(address) || address.includes('%')) throw new Error(`"${address}" is not an IP address`)
  // The URL parser is Node's own expander and compressor of IPv6 addresses; it also folds a trailing IPv4 part.
  const compact = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = compact.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(8 - left.length - right.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...left, ...zeros, ...right].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2)
  return bytes
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

export interface CertificateParts {
  /** DER of the names, so that issued certificates repeat the issuer byte for byte. */
  readonly subject: Buffer
  /** The subject key identifier, or what it would be. */
  readonly keyId: Buffer
}

/** Throws DerError on anything that is not an X.509 certificate. */
export function readCertificate(raw: Buffer): CertificateParts {
  const [toBeSigned] = members(expectTag(decode(raw), TAG.sequence, 'a certificate'))
  const fields = members(expectTag(toBeSigned, TAG.sequence, 'the signed part of a certificate'))
  const hasVersion = fields[0]?.tag === 0xa0
  const offset = hasVersion ? 1 : 0
  const subject = expectTag(fields[offset + 4], TAG.sequence, 'the subject')
  const spki = expectTag(fields[offset + 5], TAG.sequence, 'the public key')
  return {
    subject: subject.encoded,
    keyId: subjectKeyIdentifier(fields.slice(offset + 6)) ?? keyIdentifier(spki.encoded),
  }
}

function subjectKeyIdentifier(optional: readonly DerValue[]): Buffer | undefined {
  const wrapper = optional.find(({ tag }) => tag === 0xa3)
  if (wrapper === undefined) return undefined
  const [list] = members(wrapper)
  for (const entry of members(expectTag(list, TAG.sequence, 'the extensions'))) {
    const parts = members(entry)
    const [oid] = parts
    if (oid === undefined || readObjectIdentifier(oid) !== OID.subjectKeyIdentifier) continue
    const value = expectTag(parts.at(-1), TAG.octetString, 'an extension value')
    return expectTag(decode(value.content), TAG.octetString, 'the key identifier').content
  }
  return undefined
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Every certificate of a PEM bundle, in order. Throws on a block that does not parse. */
export function parseCertificates(pem: string): X509Certificate[] {
  return (pem.match(PEM_CERTIFICATE) ?? []).map((block) => new X509Certificate(block))
}
