// .helmignore. Upstream: helm pkg/ignore/rules.go, Go filepath.Match.

import { GoError } from '../gotypes/error.ts'
import type { ChartFile } from './types.ts'

interface Rule {
  readonly isNegated: boolean
  readonly mustBeFolder: boolean
  readonly matches: (path: string) => boolean
}

/** filepath.Match as a regular expression: `*` and `?` stay within one path element. */
function matchPattern(pattern: string): RegExp {
  let source = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string
    if (char === '*') source += '[^/]*'
    else if (char === '?') source += '[^/]'
    else if (char === '\\') source += escapeChar(pattern[++i] ?? '')
    else if (char === '[') {
      const close = pattern.indexOf(']', i + 1)
      if (close < 0) throw new GoError('syntax error in pattern')
      source += `[${pattern.slice(i + 1, close).replace(/[\\[]/g, '\\$&')}]`
      i = close
    } else source += escapeChar(char)
  }
  return new RegExp(`^${source}$`)
}

function escapeChar(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

function parseRule(line: string): Rule | undefined {
  let rule = line.trim()
  if (rule === '' || rule.startsWith('#')) return undefined
  if (rule.includes('**')) throw new GoError('double-star (**) syntax is not supported')
  const isNegated = rule.startsWith('!')
  if (isNegated) rule = rule.slice(1)
  const mustBeFolder = rule.endsWith('/')
  if (mustBeFolder) rule = rule.slice(0, -1)
  const pattern = matchPattern(rule.startsWith('/') ? rule.slice(1) : rule)
  const onlyName = !rule.includes('/')
  return {
    isNegated,
    mustBeFolder,
    matches: (path) => pattern.test(onlyName ? path.slice(path.lastIndexOf('/') + 1) : path),
  }
}

function isIgnored(rules: readonly Rule[], path: string, isFolder: boolean): boolean {
  for (const rule of rules) {
    if (rule.isNegated) {
      if (rule.mustBeFolder && !isFolder) return true
      if (!rule.matches(path)) return true
    } else if ((!rule.mustBeFolder || isFolder) && rule.matches(path)) return true
  }
  return false
}

/** Drops ignored files, and files below an ignored folder. */
export function filterIgnored(files: readonly ChartFile[]): ChartFile[] {
  const source = files.find((file) => file.path === '.helmignore')?.data.toString('utf8') ?? ''
  const rules = [...source.replace(/^\ufeff/, '').split('\n'), 'templates/.?*']
    .map(parseRule)
    .filter((rule) => rule !== undefined)
  return files.filter((file) => {
    const parts = file.path.split('/')
    for (let i = 1; i < parts.length; i++) if (isIgnored(rules, parts.slice(0, i).join('/'), true)) return false
    return !isIgnored(rules, file.path, false)
  })
}
