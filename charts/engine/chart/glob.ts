// Patterns of .Files.Glob: gobwas/glob with '/' as separator.

/** undefined when the pattern is malformed; Helm then matches everything. */
export function compileGlob(pattern: string): RegExp | undefined {
  let source = ''
  let depth = 0
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string
    if (char === '*') {
      if (pattern[i + 1] === '*') {
        while (pattern[i + 1] === '*') i++
        source += '.*'
      } else source += '[^/]*'
    } else if (char === '?') source += '[^/]'
    else if (char === '{') {
      depth++
      source += '(?:'
    } else if (char === '}' && depth > 0) {
      depth--
      source += ')'
    } else if (char === ',' && depth > 0) source += '|'
    else if (char === '[') {
      const close = pattern.indexOf(']', i + 2)
      if (close < 0) return undefined
      const body = pattern.slice(i + 1, close)
      const isNegated = body.startsWith('!')
      source += `[${isNegated ? '^' : ''}${(isNegated ? body.slice(1) : body).replace(/[\\\]^[]/g, '\\$&')}]`
      i = close
    } else source += escapeChar(char === '\\' ? (pattern[++i] ?? '') : char)
  }
  if (depth !== 0) return undefined
  try {
    return new RegExp(`^${source}$`, 's')
  } catch {
    return undefined
  }
}

function escapeChar(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
