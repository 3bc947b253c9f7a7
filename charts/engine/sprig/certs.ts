// sprig's key and certificate functions. Upstream: sprig v3.3.0 crypto.go, Go crypto/x509 CreateCertificate.
// Differs: genPrivateKey "dsa" is refused.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import { GoError } from '../gotypes/error.ts'
import { typeOf } from '../gotypes/kind.ts'
import { defineFunc, type GoFunc, GoObject, type GoValue } from '../gotypes/value.ts'
import { withState } from '../template/functions.ts'
import type { State } from '../template/state.ts'
import { bits, integer, octets, oid, readElements, sequence, time, tlv, yes } from './der.ts'
import { decodeBase64 } from './encoding.ts'

const DAY_MS = 86_400_000

interface Identity {
  readonly commonName: string
  readonly ips: readonly string[]
  readonly dnsNames: readonly string[]
  readonly days: number
  readonly isAuthority: boolean
}

interface Issuer {
  readonly subject: Buffer
  readonly keyId: Buffer | undefined
  readonly key: KeyObject
}

function certificate(cert: string, key: string): GoObject {
  return new GoObject('sprig.certificate', {
    fields: new Map([
      ['Cert', cert],
      ['Key', key],
    ]),
  })
}

function strings(list: GoValue[] | null, what: string): string[] {
  return (list ?? []).map((item) => {
    if (typeof item !== 'string') throw new GoError(`error parsing ${what}: ${typeOf(item)} is not a string`)
    return item
  })
}

function identity(commonName: string, ips: GoValue[] | null, dnsNames: GoValue[] | null, days: number): Identity {
  const addresses = strings(ips, 'ip')
  for (const address of addresses) if (isIP(address) === 0) throw new GoError(`error parsing ip: ${address}`)
  return { commonName, ips: addresses, dnsNames: strings(dnsNames, 'alternate dns name'), days, isAuthority: false }
}

function newRsaKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new GoError('error parsing private key: unable to decode private key PEM')
  }
}

function keyPem(key: KeyObject): string {
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8'
  return key.export({ type, format: 'pem' }).toString()
}

function signatureAlgorithm(key: KeyObject): { der: Buffer; hash: string | null } {
  if (key.asymmetricKeyType === 'ed25519') return { der: sequence(oid('1.3.101.112')), hash: null }
  if (key.asymmetricKeyType === 'ec') {
    const isP384 = key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
    return {
      der: sequence(oid(isP384 ? '1.2.840.10045.4.3.3' : '1.2.840.10045.4.3.2')),
      hash: isP384 ? 'sha384' : 'sha256',
    }
  }
  return { der: sequence(oid('1.2.840.113549.1.1.11'), tlv(0x05)), hash: 'sha256' }
}

function nameOf(commonName: string): Buffer {
  if (commonName === '') return sequence()
  const isPrintable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(commonName)
  return sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(isPrintable ? 0x13 : 0x0c, Buffer.from(commonName)))))
}

/** The leftmost 160 bits of the key's SHA-256 (Go 1.25 and later). */
function keyId(spki: Buffer): Buffer {
  const key = readElements(readElements(spki)[0]?.body ?? Buffer.alloc(0))[1]?.body.subarray(1) ?? Buffer.alloc(0)
  return createHash('sha256').update(key).digest().subarray(0, 20)
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [yes()] : []), octets(value))
}

/** In the order Go writes them. */
function extensions(who: Identity, ownKeyId: Buffer, authorityKeyId: Buffer | undefined): Buffer {
  // digitalSignature and keyEncipherment, keyCertSign for authorities.
  const usage = who.isAuthority ? bits(Buffer.from([0xa4]), 2) : bits(Buffer.from([0xa0]), 5)
  const list = [
    extension('2.5.29.15', true, usage),
    extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.19', true, who.isAuthority ? sequence(yes()) : sequence()),
  ]
  if (who.isAuthority) list.push(extension('2.5.29.14', false, octets(ownKeyId)))
  if (authorityKeyId !== undefined) list.push(extension('2.5.29.35', false, sequence(tlv(0x80, authorityKeyId))))
  const names = [
    ...who.dnsNames.map((name) => tlv(0x82, Buffer.from(name))),
    ...who.ips.map((address) => tlv(0x87, ipBytes(address))),
  ]
  if (names.length > 0) list.push(extension('2.5.29.17', who.commonName === '', sequence(...names)))
  return tlv(0xa3, sequence(...list))
}

function ipBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').flatMap(groupWords))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const words = [...left, ...new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right]
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]))
}

/** An IPv6 address may end in dotted decimal. */
function groupWords(group: string): number[] {
  if (!group.includes('.')) return [Number.parseInt(group, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

/** Without an issuer the certificate signs itself. */
function issue(state: State, who: Identity, key: KeyObject, issuer?: Issuer): GoObject {
  const subject = nameOf(who.commonName)
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const now = state.environment.now()
  const signer = issuer?.key ?? key
  const algorithm = signatureAlgorithm(signer)
  const issuerName = issuer?.subject ?? subject
  const authorityKeyId = issuerName.equals(subject) ? undefined : issuer?.keyId
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.from(state.environment.randomBytes(16))),
    algorithm.der,
    issuerName,
    sequence(time(now), time(now + who.days * DAY_MS)),
    subject,
    spki,
    extensions(who, keyId(spki), authorityKeyId),
  )
  const der = sequence(body, algorithm.der, bits(sign(algorithm.hash, body, signer)))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return certificate(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, keyPem(key))
}

function textField(object: GoObject, name: string): string {
  const value = object.fields.get(name)
  return typeof value === 'string' ? value : ''
}

function issuerOf(authority: GoObject): Issuer {
  let raw: Buffer
  try {
    raw = new X509Certificate(textField(authority, 'Cert')).raw
  } catch {
    throw new GoError('unable to decode certificate')
  }
  const tbs = readElements(readElements(readElements(raw)[0]?.body ?? raw)[0]?.body ?? raw)
  const at = tbs[0]?.tag === 0xa0 ? 5 : 4
  const last = tbs.at(-1)
  return {
    subject: tbs[at]?.raw ?? sequence(),
    keyId: last?.tag === 0xa3 ? subjectKeyId(last.body) : undefined,
    key: readKey(textField(authority, 'Key')),
  }
}

function subjectKeyId(list: Buffer): Buffer | undefined {
  const wanted = oid('2.5.29.14')
  for (const each of readElements(readElements(list)[0]?.body ?? list)) {
    const parts = readElements(each.body)
    if (parts[0]?.raw.equals(wanted) === true) return readElements(parts.at(-1)?.body ?? Buffer.alloc(0))[0]?.body
  }
  return undefined
}

function authority(state: State, commonName: string, days: number, key: KeyObject): GoObject {
  return issue(state, { commonName, ips: [], dnsNames: [], days, isAuthority: true }, key)
}

function genPrivateKey(type: string): string {
  switch (type) {
    case '':
    case 'rsa':
      return keyPem(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey)
    case 'ecdsa':
      return keyPem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    case 'ed25519':
      return keyPem(generateKeyPairSync('ed25519').privateKey)
    case 'dsa':
      throw new GoError('genPrivateKey: DSA keys are not supported')
    default:
      return `Unknown type ${type}`
  }
}

function buildCustomCert(certText: string, keyText: string): GoObject {
  const decode = (text: string, what: string): string => {
    try {
      return decodeBase64(text).toString('utf8')
    } catch {
      throw new GoError(`unable to decode base64 ${what}`)
    }
  }
  const cert = decode(certText, 'certificate')
  const key = decode(keyText, 'private key')
  if (!cert.includes('-----BEGIN ')) throw new GoError('unable to decode certificate')
  try {
    new X509Certificate(cert)
  } catch (error) {
    throw new GoError(
      `error parsing certificate: decodedCert.Bytes: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  readKey(key)
  return certificate(cert, key)
}

const CERT = 'sprig.certificate'
type List = GoValue[] | null

export const CERTIFICATE_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('genPrivateKey', 'string', 'string', genPrivateKey),
  defineFunc('buildCustomCert', 'string, string', CERT, buildCustomCert),
  withState(
    defineFunc('genCA', 'string, int', CERT, (state: State, name: string, days: number) =>
      authority(state, name, days, newRsaKey()),
    ),
  ),
  withState(
    defineFunc('genCAWithKey', 'string, int, string', CERT, (state: State, name: string, days: number, pem: string) =>
      authority(state, name, days, readKey(pem)),
    ),
  ),
  withState(
    defineFunc(
      'genSelfSignedCert',
      'string, list, list, int',
      CERT,
      (state: State, name: string, ips: List, dns: List, days: number) =>
        issue(state, identity(name, ips, dns, days), newRsaKey()),
    ),
  ),
  withState(
    defineFunc(
      'genSelfSignedCertWithKey',
      'string, list, list, int, string',
      CERT,
      (state: State, name: string, ips: List, dns: List, ...rest: [number, string]) =>
        issue(state, identity(name, ips, dns, rest[0]), readKey(rest[1])),
    ),
  ),
  withState(
    defineFunc(
      'genSignedCert',
      `string, list, list, int, ${CERT}`,
      CERT,
      (state: State, name: string, ips: List, dns: List, ...rest: [number, GoObject]) =>
        issue(state, identity(name, ips, dns, rest[0]), newRsaKey(), issuerOf(rest[1])),
    ),
  ),
  withState(
    defineFunc(
      'genSignedCertWithKey',
      `string, list, list, int, ${CERT}, string`,
      CERT,
      (state: State, name: string, ips: List, dns: List, ...rest: [number, GoObject, string]) =>
        issue(state, identity(name, ips, dns, rest[0]), readKey(rest[2]), issuerOf(rest[1])),
    ),
  ),
]
