/** Packs chart archives for tests: files by path below the chart's folder, as `helm package` would. */

import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'

export async function packChart(name: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack()
  for (const [path, content] of Object.entries(files)) archive.entry({ name: `${name}/${path}` }, content)
  archive.finalize()
  return buffer(archive.pipe(createGzip()))
}
