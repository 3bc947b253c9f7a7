import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { lineOf, productFiles, type SourceFile } from './source-files.ts'

/** Calls product code may not make, and what to use instead. Only the listed files may. */
const BANNED: readonly { readonly call: RegExp; readonly use: string; readonly except: RegExp }[] = [
  {
    call: /^Date\.now$|^performance\.now$/,
    use: 'a Clock',
    except: /^cli\/|^machinery\/util\/clock\.ts$|^machinery\/schema\/generate\//,
  },
  { call: /^(setTimeout|setInterval)$/, use: 'Clock.setTimeout', except: /^cli\/|^machinery\/util\/clock\.ts$/ },
  {
    call: /^Math\.random$|^(crypto\.)?random(UUID|Bytes|Int)$/,
    use: 'a Random',
    except: /^cli\/|^machinery\/util\/random\.ts$/,
  },
  { call: /^console\./, use: 'a Logger', except: /^cli\/|^machinery\/schema\/generate\// },
  {
    call: /^process\.exit$/,
    use: 'an error; only cli/ ends the process',
    except: /^cli\/|^machinery\/schema\/generate\//,
  },
  { call: /^eval$|^Function$/, use: 'an interpreter', except: /^$/ },
]

function bannedCalls(file: SourceFile): string[] {
  const found: string[] = []
  const report = (node: ts.Node, name: string): void => {
    for (const { call, use, except } of BANNED) {
      if (call.test(name) && !except.test(file.path))
        found.push(`${file.path}:${lineOf(file.syntax, node)} calls ${name}: take ${use}`)
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) report(node, node.expression.getText(file.syntax))
    if (ts.isNewExpression(node)) {
      const name = node.expression.getText(file.syntax)
      if (name === 'Function') report(node, name)
      if (
        name === 'Date' &&
        (node.arguments?.length ?? 0) === 0 &&
        !/^cli\/|^machinery\/util\/clock\.ts$/.test(file.path)
      ) {
        found.push(`${file.path}:${lineOf(file.syntax, node)} reads the time with new Date(): take a Clock`)
      }
    }
    if (
      ts.isPropertyAccessExpression(node) &&
      node.getText(file.syntax) === 'process.env' &&
      !/^cli\/|\/generate\//.test(file.path)
    ) {
      found.push(`${file.path}:${lineOf(file.syntax, node)} reads process.env: cli/ passes configuration in`)
    }
    ts.forEachChild(node, visit)
  }
  visit(file.syntax)
  return found
}

describe('ambient calls', () => {
  it('are left to cli/ and to the one wrapper of each', () => {
    expect(
      productFiles()
        .filter((file) => !file.isGenerated)
        .flatMap(bannedCalls),
    ).toEqual([])
  })

  it('never copies by JSON', () => {
    const offenders = productFiles().filter((file) => file.text.includes('JSON.parse(JSON.stringify('))
    expect(offenders.map((file) => `${file.path}: use deepCopy`)).toEqual([])
  })

  it('ties every TODO to an issue', () => {
    const offenders = productFiles().flatMap((file) =>
      file.text
        .split('\n')
        .map((line, index) => ({ line, index }))
        .filter(
          ({ line }) =>
            /\b(TODO|FIXME|XXX)\b/.test(line) && !/TODO\(#\d+\)/.test(line) && !line.includes('context.TODO'),
        )
        .map(({ index }) => `${file.path}:${index + 1}`),
    )
    expect(offenders).toEqual([])
  })
})
