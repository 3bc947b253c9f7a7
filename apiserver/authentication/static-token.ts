/**
 * The static token file: CSV lines `token,user,uid[,"group1,group2"]`. Tokens are kept as SHA-256 only and looked up by
 * it, so timing says nothing about them.
 * Upstream: apiserver pkg/authentication/token/tokenfile.
 */
import { createHash } from 'node:crypto'
import type { TokenAuthenticator } from './bearer-token.ts'
import type { AuthenticationResult } from './interfaces.ts'
import { createUser } from './user.ts'

class StaticTokenAuthenticator implements TokenAuthenticator {
  readonly #results: ReadonlyMap<string, AuthenticationResult>

  constructor(results: ReadonlyMap<string, AuthenticationResult>) {
    this.#results = results
  }

  authenticateToken(token: string): AuthenticationResult | undefined {
    return this.#results.get(tokenHash(token))
  }
}

/** Throws an Error naming the line that is wrong. `source` is the file's name, for messages. */
export function parseStaticTokens(csv: string, source: string): TokenAuthenticator {
  const results = new Map<string, AuthenticationResult>()
  for (const [index, line] of csv.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [token, name, uid, groups = ''] = splitCsvLine(line)
    if (token === undefined || name === undefined || uid === undefined) {
      throw new Error(`${source}:${index + 1}: a token line needs token, user name and user uid`)
    }
    if (token === '' || name === '') throw new Error(`${source}:${index + 1}: empty token or user name`)
    const hash = tokenHash(token)
    if (results.has(hash)) throw new Error(`${source}:${index + 1}: duplicate token`)
    const groupNames = groups.split(',').map((group) => group.trim())
    results.set(hash, { user: createUser(name, { uid, groups: groupNames.filter((group) => group !== '') }) })
  }
  return new StaticTokenAuthenticator(results)
}

function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

/** RFC 4180 within one line; spaces around fields do not count. */
function splitCsvLine(line: string): string[] {
  const fields: string[] = []
  let field = ''
  let isQuoted = false
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i)
    if (isQuoted && char === '"' && line.charAt(i + 1) === '"') {
      field += char
      i++
    } else if (char === '"') isQuoted = !isQuoted
    else if (char === ',' && !isQuoted) {
      fields.push(field.trim())
      field = ''
    } else field += char
  }
  fields.push(field.trim())
  return fields
}
