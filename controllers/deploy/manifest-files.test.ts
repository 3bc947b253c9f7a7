import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addonNameOf, listManifests } from './manifest-files.ts'

function directoryWith(files: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'knarr-manifests-'))
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  return root
}

const nobody = (): undefined => undefined

describe('listManifests', () => {
  it('takes .yaml, .yml and .json in any case, recursively, and nothing else', async () => {
    const root = directoryWith([
      'a.yaml',
      'b.YML',
      'c/d/e.json',
      '.hidden.yaml',
      'readme.txt',
      '.git/x.yaml',
      'a.yaml.disabled',
    ])
    const { files, directories } = await listManifests(root, [], nobody)
    expect(files.map((file) => file.relativePath)).toEqual(['a.yaml', 'b.YML', 'c/d/e.json'])
    expect(directories.size).toBe(3)
  })

  it('follows links to files and folders once, and ignores broken and circular ones', async () => {
    const root = directoryWith(['real/one.yaml'])
    const elsewhere = directoryWith(['two.yaml'])
    symlinkSync(elsewhere, join(root, 'linked'))
    symlinkSync(join(elsewhere, 'two.yaml'), join(root, 'three.yaml'))
    symlinkSync('/nonexistent.yaml', join(root, 'broken.yaml'))
    symlinkSync(root, join(root, 'loop'))
    const { files } = await listManifests(root, [], nobody)
    expect(files.map((file) => file.relativePath)).toEqual(['linked/two.yaml', 'real/one.yaml', 'three.yaml'])
  })

  it('takes regular files only', async () => {
    const root = directoryWith(['a.yaml', 'z.yaml'])
    symlinkSync('/dev/zero', join(root, 'endless.yaml'))
    execFileSync('mkfifo', [join(root, 'pipe.yaml')])
    const { files } = await listManifests(root, [], nobody)
    expect(files.map((file) => file.relativePath)).toEqual(['a.yaml', 'z.yaml'])
  })

  it.skipIf(process.getuid?.() === 0)('names a folder it may not read (root may read all)', async () => {
    const root = directoryWith(['a.yaml', 'closed/b.yaml', 'z.yaml'])
    const closed = join(root, 'closed')
    chmodSync(closed, 0)
    const { files, unreadable } = await listManifests(root, [], nobody)
    chmodSync(closed, 0o700)
    expect(files.map((file) => file.relativePath)).toEqual(['a.yaml', 'z.yaml'])
    expect(unreadable.map(({ path }) => path)).toEqual([closed])
  })

  it('tells a folder that was made anew from the one before it', async () => {
    const root = directoryWith(['sub/a.yaml'])
    const sub = join(root, 'sub')
    const before = await listManifests(root, [], nobody)
    renameSync(sub, join(root, '.old'))
    mkdirSync(sub)
    const after = await listManifests(root, [], nobody)
    expect(after.directories.get(root)).toBe(before.directories.get(root))
    expect(after.directories.get(sub)).not.toBe(before.directories.get(sub))
  })

  it('sees a change that keeps size and time', async () => {
    const root = directoryWith(['a.yaml'])
    const path = join(root, 'a.yaml')
    const before = await listManifests(root, [], nobody)
    chmodSync(path, 0o600)
    const after = await listManifests(root, [], nobody)
    expect(after.files[0]?.mtimeMs).toBe(before.files[0]?.mtimeMs)
    expect(after.files[0]?.ctimeMs).not.toBe(before.files[0]?.ctimeMs)
  })

  it('skips every file of the name of a .skip file, in any folder', async () => {
    const root = directoryWith(['a/foo.yaml', 'foo.yaml', 'x/foo.yaml.skip', 'bar.yaml'])
    const { files } = await listManifests(root, [], nobody)
    expect(files.filter((file) => file.isSkipped).map((file) => file.relativePath)).toEqual(['a/foo.yaml', 'foo.yaml'])
  })

  it.each([
    [['foo'], ['foo.yaml', 'sub/foo.json']],
    [['foo.yaml'], ['foo.yaml']],
    [['a'], ['a/b/c.yml', 'a/d.yaml']],
    [['a/b'], ['a/b/c.yml']],
    [['fo'], []],
  ])('disables %j', async (disabled, expected) => {
    const root = directoryWith(['foo.yaml', 'sub/foo.json', 'a/b/c.yml', 'a/d.yaml', 'bar.yaml'])
    const { files } = await listManifests(root, disabled, nobody)
    expect(
      files
        .filter((file) => file.isDisabled)
        .map((file) => file.relativePath)
        .sort(),
    ).toEqual([...expected].sort())
  })

  it('gives two files of one name two Addons, and the plain name to the one that had it', async () => {
    const root = directoryWith(['a/app.yaml', 'b/app.yaml', 'app.v2.yaml'])
    const first = await listManifests(root, [], nobody)
    const names = new Map(first.files.map((file) => [file.relativePath, file.addonName]))
    expect(names.get('a/app.yaml')).toBe('app')
    expect(new Set(names.values()).size).toBe(3)
    const second = await listManifests(root, [], (name) => (name === 'app' ? join(root, 'b/app.yaml') : undefined))
    expect(second.files.find((file) => file.relativePath === 'b/app.yaml')?.addonName).toBe('app')
    expect(second.files.find((file) => file.relativePath === 'a/app.yaml')?.addonName).toMatch(/^app-[0-9a-f]{8}$/)
  })
})

describe('addonNameOf', () => {
  it.each([
    ['foo.yaml', 'foo'],
    ['my.app.yaml', 'my'],
    ['File_With_Underscore.yaml', 'file-with-underscore'],
    ['-x-.yaml', 'x'],
    [`${'n'.repeat(80)}.yaml`, 'n'.repeat(50)],
  ])('%s -> %s', (path, name) => {
    expect(addonNameOf(path)).toBe(name)
  })

  it('invents a name where none is left', () => {
    expect(addonNameOf('___.yaml')).toMatch(/^addon-[0-9a-f]{8}$/)
  })
})
