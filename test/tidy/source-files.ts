/** The project's own TypeScript files and what they import, for the tidy tests. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface ImportedModule {
  /** Path from the project's root, or the package name. */
  readonly target: string
  readonly isExternal: boolean
  readonly isTypeOnly: boolean
  /** `*` for a namespace or side-effect import. */
  readonly names: readonly string[]
  readonly line: number
}

export interface SourceFile {
  /** From the project's root, with slashes. */
  readonly path: string
  readonly text: string
  readonly syntax: ts.SourceFile
  readonly imports: readonly ImportedModule[]
  readonly isTest: boolean
  readonly isGenerated: boolean
}

const FOLDERS = ['machinery', 'apiserver', 'controllers', 'agent', 'addons', 'charts', 'crds', 'cli', 'test', 'bench']

let cached: readonly SourceFile[] | undefined

export function sourceFiles(): readonly SourceFile[] {
  cached ??= listFiles().map(readSource)
  return cached
}

export const productFiles = (): readonly SourceFile[] => sourceFiles().filter((file) => !file.isTest)

function listFiles(): string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...FOLDERS], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  })
  return [...new Set(output.split('\n'))].filter((path) => path.endsWith('.ts') && existsSync(join(ROOT, path))).sort()
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  return {
    path,
    text,
    syntax,
    imports: importsOf(path, syntax),
    isTest: path.startsWith('test/') || path.startsWith('bench/') || /\.(test|contract|bench)\.ts$/.test(path),
    isGenerated: path.endsWith('.gen.ts'),
  }
}

function importsOf(path: string, syntax: ts.SourceFile): ImportedModule[] {
  const found: ImportedModule[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const specifier = node.moduleSpecifier
      if (specifier !== undefined && ts.isStringLiteral(specifier))
        found.push(importOf(path, syntax, node, specifier.text))
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments
      if (argument !== undefined && ts.isStringLiteral(argument)) {
        found.push({ ...resolve(path, argument.text), isTypeOnly: false, names: ['*'], line: lineOf(syntax, node) })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(syntax)
  return found
}

function importOf(
  path: string,
  syntax: ts.SourceFile,
  node: ts.ImportDeclaration | ts.ExportDeclaration,
  specifier: string,
): ImportedModule {
  const names: string[] = []
  let isTypeOnly = false
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause
    isTypeOnly = clause?.isTypeOnly ?? false
    const bindings = clause?.namedBindings
    if (clause?.name !== undefined) names.push('default')
    if (bindings !== undefined && ts.isNamedImports(bindings)) {
      for (const element of bindings.elements) names.push((element.propertyName ?? element.name).text)
      isTypeOnly ||= bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly)
    } else names.push(...(clause?.name === undefined || bindings !== undefined ? ['*'] : []))
  } else {
    isTypeOnly = node.isTypeOnly
    const clause = node.exportClause
    if (clause !== undefined && ts.isNamedExports(clause)) {
      for (const element of clause.elements) names.push((element.propertyName ?? element.name).text)
    } else names.push('*')
  }
  return { ...resolve(path, specifier), isTypeOnly, names, line: lineOf(syntax, node) }
}

function resolve(from: string, specifier: string): { target: string; isExternal: boolean } {
  if (specifier === '#sdk') return { target: 'controllers/sdk/index.ts', isExternal: false }
  if (specifier.startsWith('#')) return { target: specifier.slice(1), isExternal: false }
  if (!specifier.startsWith('.')) return { target: specifier, isExternal: true }
  const target = relative(ROOT, join(ROOT, normalize(join(dirname(from), specifier))))
  return { target, isExternal: false }
}

export function lineOf(syntax: ts.SourceFile, node: ts.Node): number {
  return syntax.getLineAndCharacterOfPosition(node.getStart(syntax)).line + 1
}
