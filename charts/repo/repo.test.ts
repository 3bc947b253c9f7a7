import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchFile } from './fetch.ts'
import { chartVersions, selectVersion } from './index-file.ts'
import { resolveChart } from './resolve.ts'

const INDEX = `
apiVersion: v1
entries:
  web:
  - {version: 1.2.0, urls: [charts/web-1.2.0.tgz], digest: ""}
  - {version: 2.0.0-rc.1, urls: [charts/web-rc.tgz]}
  - {version: 1.10.0, urls: [charts/web-1.10.0.tgz], digest: ${createHash('sha256').update('archive').digest('hex')}}
  - {version: nonsense, urls: [x]}
  - {version: 9.0.0, urls: []}
  bad:
  - {version: 1.0.0, urls: [charts/bad.tgz], digest: "00"}
`

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const options = { signal: AbortSignal.timeout(10_000), limitBytes: 1000 }

describe('chart versions', () => {
  const versions = chartVersions(INDEX, 'web')

  it('are sorted newest first, unusable ones left out', () => {
    expect(versions.map(({ version }) => version)).toEqual(['2.0.0-rc.1', '1.10.0', '1.2.0'])
    expect(chartVersions(INDEX, 'constructor')).toEqual([])
  })

  it.each([
    ['', '1.10.0'],
    ['1.2.0', '1.2.0'],
    ['~1.2', '1.2.0'],
    ['>=1.0.0', '1.10.0'],
    ['2.0.0-rc.1', '2.0.0-rc.1'],
    ['>3', undefined],
  ])('%j selects %s', (wanted, expected) => {
    expect(selectVersion(versions, wanted)?.version).toBe(expected)
  })

  it('refuses what is no index', () => {
    expect(() => chartVersions('just text', 'web')).toThrow('no entries')
  })
})

describe('resolveChart', () => {
  const handler: Handler = (request, response) => {
    if (request.url === '/repo/index.yaml') response.end(INDEX)
    else if (request.url?.startsWith('/repo/charts/') === true) response.end('archive')
    else response.writeHead(404).end()
  }

  it('finds the newest version of a repository chart and checks its digest', async () => {
    const base = await serve(handler)
    const source = await resolveChart({ chart: 'web', repo: `${base}/repo`, version: '', allowLocal: false }, options)
    expect(source).toEqual({ type: 'archive', bytes: Buffer.from('archive') })
    await expect(
      resolveChart({ chart: 'bad', repo: `${base}/repo`, version: '', allowLocal: false }, options),
    ).rejects.toThrow('SHA-256')
    await expect(
      resolveChart({ chart: 'no', repo: `${base}/repo`, version: '', allowLocal: false }, options),
    ).rejects.toThrow('not found')
  })

  it('says what it cannot do', async () => {
    await expect(resolveChart({ chart: 'oci://x/y', version: '', allowLocal: true }, options)).rejects.toThrow('OCI')
    await expect(resolveChart({ chart: '/nonexistent', version: '', allowLocal: true }, options)).rejects.toThrow(
      'does not exist',
    )
    await expect(resolveChart({ chart: 'name', version: '', allowLocal: false }, options)).rejects.toThrow('neither')
  })
})

describe('fetchFile', () => {
  it('sends credentials to the first host only', async () => {
    const seen: (string | undefined)[] = []
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization)
      response.end('ok')
    })
    const first = await serve((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(302, { location: `${other}/x` }).end()
    })
    const basicAuth = { username: 'u', password: 'p' }
    expect((await fetchFile(`${first}/`, { ...options, basicAuth })).toString()).toBe('ok')
    expect(seen).toEqual(['Basic dTpw', undefined])
  })

  it('stops at the limit, at endless redirects and at error answers', async () => {
    const base = await serve((request, response) => {
      if (request.url === '/big') response.end('x'.repeat(1001))
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end()
      else response.writeHead(403, 'Forbidden').end()
    })
    await expect(fetchFile(`${base}/big`, options)).rejects.toThrow('larger than 1000 bytes')
    await expect(fetchFile(`${base}/loop`, options)).rejects.toThrow('redirects')
    await expect(fetchFile(`${base}/no`, options)).rejects.toThrow('403 Forbidden')
    await expect(fetchFile('ftp://x/y', options)).rejects.toThrow('not an http')
  })
})
