import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeRelease, encodeRelease } from './codec.ts'
import type { Release } from './record.ts'

const release: Release = {
  name: 'web',
  info: { first_deployed: 't', last_deployed: 't', deleted: '', description: 'Install complete', status: 'deployed' },
  chart: {
    metadata: { name: 'web', version: '1.0.0' },
    lock: null,
    templates: [],
    values: {},
    schema: null,
    files: [],
  },
  manifest: '---\n',
  version: 1,
  namespace: 'default',
}

describe('release codec', () => {
  it('writes base64 of gzip of JSON, as Helm reads it', async () => {
    const text = await encodeRelease(release)
    expect(JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString())).toEqual(release)
  })

  it('reads compressed and, as Helm does, uncompressed records', async () => {
    const json = JSON.stringify(release)
    expect(await decodeRelease(gzipSync(json).toString('base64'))).toEqual(release)
    expect(await decodeRelease(Buffer.from(json).toString('base64'))).toEqual(release)
  })

  it.each([
    ['not base64 of anything'],
    [Buffer.from('[]').toString('base64')],
    [Buffer.from('{"name":1}').toString('base64')],
  ])('refuses %s', async (text) => {
    await expect(decodeRelease(text)).rejects.toThrow()
  })
})
