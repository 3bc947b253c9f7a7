import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { type SourceFile, sourceFiles } from './source-files.ts'

/** Files whose exports are read by people outside this repository, or by name at run time. */
const ENTRY_POINTS =
  /^cli\/main\.ts$|\.worker\.ts$|^controllers\/sdk\/index\.ts$|^(charts|apiserver|controllers|crds)\/(engine\/)?index\.ts$|^machinery\/schema\/generate\/main\.ts$|^machinery\/api\/|^vitest\.config\.ts$/

function exportedNames(file: SourceFile): string[] {
  const names: string[] = []
  for (const statement of file.syntax.statements) {
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)
    if (isExported !== true) continue
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) {
        if (ts.isIdentifier(declaration.name)) names.push(declaration.name.text)
      }
    } else if (
      (ts.isFunctionDeclaration(statement) ||
        ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement)) &&
      statement.name !== undefined
    ) {
      names.push(statement.name.text)
    }
  }
  return names
}

describe('exports', () => {
  it('are all used by another file', () => {
    const used = new Map<string, Set<string>>()
    for (const file of sourceFiles()) {
      for (const { target, names, isExternal } of file.imports) {
        if (isExternal) continue
        const set = used.get(target) ?? new Set()
        for (const name of names) set.add(name)
        used.set(target, set)
      }
    }
    const dead = sourceFiles()
      .filter((file) => !file.isGenerated && !ENTRY_POINTS.test(file.path))
      .flatMap((file) => {
        const names = used.get(file.path)
        if (names?.has('*') === true) return []
        return exportedNames(file)
          .filter((name) => names?.has(name) !== true)
          .filter((name) => !isMentionedInExportedSignature(file, name))
          .map((name) => `${file.path}: ${name} is exported but nobody imports it`)
      })
    expect(dead).toEqual([])
  })
})

/** A type that another exported declaration of the same file uses is part of that declaration's contract. */
function isMentionedInExportedSignature(file: SourceFile, name: string): boolean {
  return file.syntax.statements.some((statement) => {
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)
    return (
      isType &&
      statement.name.text === name &&
      new RegExp(`\\b${name}\\b`).test(file.text.replace(statement.getText(file.syntax), ''))
    )
  })
}
