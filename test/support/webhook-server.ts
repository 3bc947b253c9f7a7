/** A real HTTPS server on 127.0.0.1 that plays the webhooks of a test: answers by path, remembers what it was asked. */
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createCaCertificate, issueCertificate } from '#apiserver/authentication/pki/certificate.ts'

/** One AdmissionReview or ConversionReview as it came. */
export interface ReceivedReview {
  readonly path: string
  readonly query: string
  readonly host: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent.
  readonly body: any
}

/** The members of the review's `response` besides the uid; or a whole HTTP answer. */
type ReviewAnswer = object | { readonly http: number; readonly text: string } | Promise<object>

export interface WebhookServer {
  readonly port: number
  /** Base64 of the PEM that goes into a caBundle. */
  readonly caBundle: string
  readonly received: ReceivedReview[]
  url(path: string): string
  on(path: string, answer: (review: ReceivedReview) => ReviewAnswer): void
  at(path: string): ReceivedReview[]
  close(): Promise<void>
}

const HOUR_MS = 3_600_000

export async function startWebhookServer(): Promise<WebhookServer> {
  const received: ReceivedReview[] = []
  const answers = new Map<string, (review: ReceivedReview) => ReviewAnswer>()
  const { ca, certificate, key } = makeWebhookCertificates()
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const [path = '', query = ''] = (request.url ?? '').split('?')
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      const review = { path, query, host: request.headers.host ?? '', body } as ReceivedReview
      received.push(review)
      void Promise.resolve(answers.get(path)?.(review) ?? { http: 404, text: 'nothing here' }).then((answer) => {
        const { status, text } = encode(review, answer)
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : { 'content-type': 'application/json' })
        response.end(text)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    caBundle: Buffer.from(ca).toString('base64'),
    received,
    url: (path) => `https://127.0.0.1:${port}${path}`,
    on: (path, answer) => void answers.set(path, answer),
    at: (path) => received.filter((review) => review.path === path),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function encode(review: ReceivedReview, answer: object): { readonly status: number; readonly text: string } {
  if ('http' in answer) return { status: Number(answer.http), text: 'text' in answer ? String(answer.text) : '' }
  const { apiVersion, kind, request } = review.body
  return { status: 200, text: JSON.stringify({ apiVersion, kind, response: { uid: request.uid, ...answer } }) }
}

/** A JSON patch as an AdmissionReview carries it. */
export function patchAnswer(operations: readonly object[]): object {
  return {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  }
}

/** PEM of a new authority, and of a server on 127.0.0.1 it vouches for. */
export function makeWebhookCertificates(): { ca: string; certificate: string; key: string } {
  const caKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const validity = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + HOUR_MS) }
  const ca = createCaCertificate(
    {
      subject: { commonName: 'webhook-ca' },
      usage: 'ca',
      publicKey: caKeys.publicKey,
      serialNumber: randomBytes(8),
      ...validity,
    },
    caKeys.privateKey,
  )
  const certificate = issueCertificate(
    {
      subject: { commonName: 'webhook' },
      usage: 'server',
      publicKey: keys.publicKey,
      serialNumber: randomBytes(8),
      altNames: { dns: ['hook.hooks.svc'], ips: ['127.0.0.1'] },
      ...validity,
    },
    { key: caKeys.privateKey, certificate: new X509Certificate(ca) },
  )
  return { ca, certificate, key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}
