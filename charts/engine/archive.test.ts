import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { loadArchiveFiles, loadChartArchive } from './index.ts'

function entry(name: string, text: string, type = '0', declared = Buffer.byteLength(text)): Buffer {
  const header = Buffer.alloc(512)
  header.write(name.slice(0, 100), 0)
  header.write(`${declared.toString(8).padStart(11, '0')}\0`, 124)
  header.write(type, 156)
  header.write('ustar\0', 257)
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512)
  body.write(text)
  return Buffer.concat([header, body])
}

const pack = (...entries: Buffer[]): Buffer => gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]))

describe('loadArchiveFiles', () => {
  it('drops the top folder, folders and byte order marks, and follows long names', () => {
    const long = `c/templates/${'x'.repeat(120)}.yaml`
    const pax = `${String(long.length + 10)} path=${long}\n`
    const archive = pack(
      entry('c/', '', '5'),
      entry('c/Chart.yaml', '\ufeffname: c'),
      entry('pax', pax, 'x'),
      entry('short', 'long'),
      entry('c/a\0', 'a'),
    )
    expect(loadArchiveFiles(archive).map((file) => [file.path, file.data.toString()])).toEqual([
      ['Chart.yaml', 'name: c'],
      [long.slice(2), 'long'],
      ['a', 'a'],
    ])
  })

  it.each([
    ['c/../../etc/passwd', 'chart illegally references parent directory'],
    ['c//etc/passwd', 'chart illegally contains absolute paths'],
    ['Chart.yaml', 'chart illegally contains content outside the base directory: "Chart.yaml"'],
    ['c\\c:\\x', 'chart contains illegally named files'],
  ])('refuses %s', (name, message) => {
    expect(() => loadArchiveFiles(pack(entry(name, 'x')))).toThrow(message)
  })

  it('refuses what is too large, truncated or no archive', () => {
    expect(() => loadArchiveFiles(pack(entry('c/a', 'x', '0', 6 * 1024 * 1024)))).toThrow('unexpected EOF')
    expect(() => loadArchiveFiles(pack(entry('c/a', 'x'.repeat(5 * 1024 * 1024 + 1))))).toThrow(
      'is larger than the maximum file size 5242880',
    )
    expect(() => loadArchiveFiles(Buffer.from('hello'))).toThrow('gzip: invalid header')
    expect(() => loadArchiveFiles(pack())).toThrow('no files in chart archive')
  })
})

describe('loadChartArchive', () => {
  it('loads packed subcharts', () => {
    const sub = pack(entry('sub/Chart.yaml', 'apiVersion: v2\nname: sub\nversion: 0.1.0'))
    const nested = Buffer.concat([
      entry('c/charts/sub-0.1.0.tgz', '', '0', sub.length),
      sub,
      Buffer.alloc((512 - (sub.length % 512)) % 512),
    ])
    const chart = loadChartArchive(pack(entry('c/Chart.yaml', 'apiVersion: v2\nname: c\nversion: 1.0.0'), nested))
    expect(chart.dependencies.map((one) => one.metadata.name)).toEqual(['sub'])
  })

  it.each([
    ['', 'Chart.yaml file is missing'],
    ['name: c', 'validation: chart.metadata.version is required'],
    ['name: c\nversion: x.y', 'validation: chart.metadata.version "x.y" is invalid'],
  ])('refuses Chart.yaml %j', (text, message) => {
    const files = text === '' ? [entry('c/values.yaml', 'a: 1')] : [entry('c/Chart.yaml', text)]
    expect(() => loadChartArchive(pack(...files))).toThrow(message)
  })
})
