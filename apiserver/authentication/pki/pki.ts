/**
 * The cluster's own trust: three CAs (server, client, front proxy), the service-account signing key and the leaf
 * certificates of this server, kept in <data-dir>/server/tls under k3s' file names. CAs and keys found there are used as
 * they are (so operators may bring their own); leaves are issued again when they run out, stop matching their CA or name
 * other hosts.
 * Upstream: k3s pkg/daemons/control/deps (layout). Differs: renewal also while running, by calling it again.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Random } from '#machinery/util/random.ts'
import {
  type CertificateUsage,
  createCaCertificate,
  type Issuer,
  issueCertificate,
  parseCertificates,
  type SubjectAltNames,
} from './certificate.ts'
import { parseSigningRequest, signSigningRequest } from './csr.ts'
import { ensurePrivateDirectory, readFileIfExists, syncDirectory, writePrivateFile } from './files.ts'
import type { SubjectName } from './names.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const CA_LIFETIME_MS = 3650 * DAY_MS
const LEAF_LIFETIME_MS = 365 * DAY_MS
const RENEW_BEFORE_MS = 90 * DAY_MS
/** Clients whose clocks run a little behind accept a certificate made a moment ago. */
const BACKDATE_MS = 5 * 60 * 1000
const SERIAL_BYTES = 16

/** A certificate with its key, both PEM: what TLS and kubeconfigs take. */
export interface KeyPair {
  /** The leaf first, then its issuer when that one is not self-signed. */
  readonly certificate: string
  readonly key: string
}

export interface CertificateAuthority {
  /** PEM bundle as stored: what others trust. */
  readonly certificate: string
  readonly issuer: Issuer
}

export interface PkiOptions {
  /** <data-dir>/server/tls */
  readonly directory: string
  readonly clock: Clock
  readonly random: Random
  /** Names and addresses of the API server besides the ones every cluster has. */
  readonly sans: SubjectAltNames
  /** Default `cluster.local`. */
  readonly clusterDomain?: string
  /** First address of the service network; default 10.43.0.1. */
  readonly serviceIp?: string
}

export interface CsrOptions {
  readonly authority: 'client' | 'server'
  readonly usage: Exclude<CertificateUsage, 'ca'>
  readonly lifetimeMs: number
  /** As the request names them; those of the key count. */
  readonly keyUsages: readonly string[]
}

export interface Pki {
  readonly serverCa: CertificateAuthority
  readonly clientCa: CertificateAuthority
  readonly requestHeaderCa: CertificateAuthority
  readonly serving: KeyPair
  /** CN=system:admin, O=system:masters. */
  readonly admin: KeyPair
  /** CN=system:auth-proxy: how this server identifies itself to aggregated API servers. */
  readonly frontProxyClient: KeyPair
  /** CN=system:apiserver, O=system:masters: how this server identifies itself to kubelets. */
  readonly kubeletClient: KeyPair
  readonly serviceAccountKey: KeyObject
  /** Signs a PEM certificate request; throws DerError when it is malformed or its signature is wrong. */
  signCsr(pem: string, options: CsrOptions): string
}

export async function loadOrCreatePki(options: PkiOptions): Promise<Pki> {
  await ensurePrivateDirectory(options.directory)
  const folder = new TlsFolder(options)
  const [serverCa, clientCa, requestHeaderCa, serviceAccountKey] = await Promise.all([
    folder.authority('server-ca', 'knarr-server-ca'),
    folder.authority('client-ca', 'knarr-client-ca'),
    folder.authority('request-header-ca', 'knarr-request-header-ca'),
    folder.key('service.key'),
  ])
  const [serving, admin, frontProxyClient, kubeletClient] = await Promise.all([
    folder.leaf(serverCa, {
      name: 'serving-kube-apiserver',
      subject: { commonName: 'kube-apiserver' },
      usage: 'server',
      altNames: servingAltNames(options),
    }),
    folder.leaf(clientCa, {
      name: 'client-admin',
      subject: { commonName: 'system:admin', organizations: ['system:masters'] },
      usage: 'client',
    }),
    folder.leaf(requestHeaderCa, {
      name: 'client-auth-proxy',
      subject: { commonName: 'system:auth-proxy' },
      usage: 'client',
    }),
    folder.leaf(clientCa, {
      name: 'client-kube-apiserver',
      subject: { commonName: 'system:apiserver', organizations: ['system:masters'] },
      usage: 'client',
    }),
  ])
  await folder.flush()
  const signCsr = (pem: string, { authority, usage, lifetimeMs, keyUsages }: CsrOptions): string => {
    const { issuer } = authority === 'client' ? clientCa : serverCa
    const validity = folder.validity(lifetimeMs)
    // Nothing outlives the one who vouches for it.
    const notAfter = new Date(Math.min(validity.notAfter.getTime(), Date.parse(issuer.certificate.validTo)))
    return signSigningRequest(parseSigningRequest(pem), issuer, { usage, keyUsages, ...validity, notAfter })
  }
  const leaves = { serving, admin, frontProxyClient, kubeletClient }
  return { serverCa, clientCa, requestHeaderCa, ...leaves, serviceAccountKey, signCsr }
}

function servingAltNames(options: PkiOptions): SubjectAltNames {
  const domain = options.clusterDomain ?? 'cluster.local'
  const dns = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc']
  const ips = ['127.0.0.1', '::1', options.serviceIp ?? '10.43.0.1', ...options.sans.ips]
  const extra = options.sans.dns.filter((name) => isIP(name) === 0)
  const addresses = [...ips, ...options.sans.dns.filter((name) => isIP(name) !== 0)]
  return {
    dns: [...new Set([...dns, `kubernetes.default.svc.${domain}`, ...extra])],
    ips: [...new Set(addresses)],
  }
}

interface LeafRequest {
  readonly name: string
  readonly subject: SubjectName
  readonly usage: CertificateUsage
  readonly altNames?: SubjectAltNames
}

/** Reads what is there, makes what is missing. */
class TlsFolder {
  readonly #directory: string
  readonly #clock: Clock
  readonly #random: Random
  #hasWritten = false

  constructor(options: PkiOptions) {
    this.#directory = options.directory
    this.#clock = options.clock
    this.#random = options.random
  }

  validity(lifetimeMs: number): { serialNumber: Buffer; notBefore: Date; notAfter: Date } {
    const nowMs = this.#clock.nowMs()
    return {
      serialNumber: this.#random.bytes(SERIAL_BYTES),
      notBefore: new Date(nowMs - BACKDATE_MS),
      notAfter: new Date(nowMs + lifetimeMs),
    }
  }

  async authority(name: string, commonName: string): Promise<CertificateAuthority> {
    const stored = await readFileIfExists(this.#path(`${name}.crt`))
    const storedKey = await readFileIfExists(this.#path(`${name}.key`))
    if (stored !== undefined && storedKey === undefined) {
      throw new Error(`${this.#path(`${name}.crt`)} has no ${name}.key beside it: put the key there, or remove both`)
    }
    // A key without a certificate is a first start that was interrupted: certify the same key.
    const key = storedKey === undefined ? newKey() : this.#parseKey(`${name}.key`, storedKey)
    if (storedKey === undefined) await this.#write(`${name}.key`, keyToPem(key))
    if (stored !== undefined) return this.#readAuthority(name, stored, key)
    const subject = { commonName: `${commonName}@${Math.floor(this.#clock.nowMs() / 1000)}` }
    const publicKey = createPublicKey(key)
    const certificate = createCaCertificate({ subject, usage: 'ca', publicKey, ...this.validity(CA_LIFETIME_MS) }, key)
    await this.#write(`${name}.crt`, certificate)
    return { certificate, issuer: { key, certificate: new X509Certificate(certificate) } }
  }

  #readAuthority(name: string, stored: string, key: KeyObject): CertificateAuthority {
    const [certificate] = this.#parseCertificates(`${name}.crt`, stored)
    if (certificate === undefined) throw this.#unreadable(`${name}.crt`, 'it holds no certificate')
    if (!certificate.ca) throw this.#unreadable(`${name}.crt`, 'its first certificate is not a CA')
    if (!certificate.checkPrivateKey(key)) throw this.#unreadable(`${name}.crt`, `${name}.key is not its key`)
    return { certificate: stored, issuer: { key, certificate } }
  }

  async key(name: string): Promise<KeyObject> {
    const stored = await readFileIfExists(this.#path(name))
    if (stored !== undefined) return this.#parseKey(name, stored)
    const key = newKey()
    await this.#write(name, keyToPem(key))
    return key
  }

  async leaf(authority: CertificateAuthority, request: LeafRequest): Promise<KeyPair> {
    const [stored, storedKey] = await Promise.all([
      readFileIfExists(this.#path(`${request.name}.crt`)),
      readFileIfExists(this.#path(`${request.name}.key`)),
    ])
    if (stored !== undefined && storedKey !== undefined && this.#isUsable(stored, storedKey, authority, request)) {
      return { certificate: stored, key: storedKey }
    }
    const key = newKey()
    const { name, ...wanted } = request
    const leaf = issueCertificate(
      { ...wanted, publicKey: createPublicKey(key), ...this.validity(LEAF_LIFETIME_MS) },
      authority.issuer,
    )
    const issuerCertificate = authority.issuer.certificate
    const isSelfSigned = issuerCertificate.checkIssued(issuerCertificate)
    const pair = { certificate: isSelfSigned ? leaf : leaf + issuerCertificate.toString(), key: keyToPem(key) }
    await Promise.all([this.#write(`${name}.key`, pair.key), this.#write(`${name}.crt`, pair.certificate)])
    return pair
  }

  /** Whatever is wrong with a leaf is cured by a new one. */
  #isUsable(stored: string, storedKey: string, { issuer }: CertificateAuthority, request: LeafRequest): boolean {
    try {
      const [certificate] = parseCertificates(stored)
      if (certificate === undefined || !certificate.checkPrivateKey(createPrivateKey(storedKey))) return false
      if (!certificate.checkIssued(issuer.certificate) || !certificate.verify(issuer.certificate.publicKey))
        return false
      const nowMs = this.#clock.nowMs()
      if (Date.parse(certificate.validTo) - nowMs < RENEW_BEFORE_MS || Date.parse(certificate.validFrom) > nowMs) {
        return false
      }
      const { dns, ips } = request.altNames ?? { dns: [], ips: [] }
      const named = certificate.subjectAltName === undefined ? 0 : certificate.subjectAltName.split(', ').length
      return (
        named === dns.length + ips.length &&
        dns.every((name) => certificate.checkHost(name, { wildcards: false, subject: 'never' }) !== undefined) &&
        ips.every((address) => certificate.checkIP(address) !== undefined)
      )
    } catch {
      return false
    }
  }

  async flush(): Promise<void> {
    if (this.#hasWritten) await syncDirectory(this.#directory)
  }

  #parseKey(name: string, pem: string): KeyObject {
    try {
      return createPrivateKey(pem)
    } catch (err: unknown) {
      throw this.#unreadable(name, errorMessage(err))
    }
  }

  #parseCertificates(name: string, pem: string): X509Certificate[] {
    try {
      return parseCertificates(pem)
    } catch (err: unknown) {
      throw this.#unreadable(name, errorMessage(err))
    }
  }

  #unreadable(name: string, why: string): Error {
    return new Error(
      `${this.#path(name)} cannot be used: ${why}. Restore it from a backup, or remove it to get a new one`,
    )
  }

  async #write(name: string, content: string): Promise<void> {
    this.#hasWritten = true
    await writePrivateFile(this.#path(name), content, this.#random)
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function keyToPem(key: KeyObject): string {
  // SEC1 for EC, as k3s writes: old tools that look for "EC PRIVATE KEY" find it.
  return key.export({ type: 'sec1', format: 'pem' }).toString()
}
