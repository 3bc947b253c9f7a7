// sprig's path functions; the os variants are those of Linux. Upstream: Go path.

import { defineFunc, type GoFunc } from '../gotypes/value.ts'

export function cleanPath(path: string): string {
  if (path === '') return '.'
  const isRooted = path.startsWith('/')
  const out: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') out.push(part)
    else if (out.length > 0 && out.at(-1) !== '..') out.pop()
    else if (!isRooted) out.push('..')
  }
  const joined = out.join('/')
  return isRooted ? `/${joined}` : joined === '' ? '.' : joined
}

export function basePath(path: string): string {
  if (path === '') return '.'
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

function dir(path: string): string {
  return cleanPath(path.slice(0, path.lastIndexOf('/') + 1))
}

function ext(path: string): string {
  const dot = path.lastIndexOf('.')
  return dot > path.lastIndexOf('/') ? path.slice(dot) : ''
}

function pair(name: string, result: string, impl: (path: string) => unknown): GoFunc[] {
  const osName = `os${name[0]?.toUpperCase()}${name.slice(1)}`
  return [defineFunc(name, 'string', result, impl), defineFunc(osName, 'string', result, impl)]
}

export const PATH_FUNCTIONS: readonly GoFunc[] = [
  ...pair('base', 'string', basePath),
  ...pair('dir', 'string', dir),
  ...pair('clean', 'string', cleanPath),
  ...pair('ext', 'string', ext),
  ...pair('isAbs', 'bool', (path) => path.startsWith('/')),
]
