import ts from 'typescript'
import { expect, it } from 'vitest'
import { FEATURE_GATES } from '../../cli/server/feature-gate-table.ts'
import { API_ONLY_GATES, IMPLEMENTED_GATES } from '../../cli/server/feature-gates.ts'
import { productFiles, type SourceFile } from './source-files.ts'

const LISTS = 'cli/server/feature-gates.ts'
const TABLE = 'cli/server/feature-gate-table.ts'

/** Kinds and plugins have the names of gates too. */
function isAsked(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isConditionalExpression(parent)) return isAsked(parent)
  if (ts.isCallExpression(parent)) return /is(Gate)?Enabled(\?\.)?$/.test(parent.expression.getText())
  if (ts.isPropertyAssignment(parent)) return parent.name.getText() === 'featureGate'
  return ts.isVariableDeclaration(parent) && /GATE$/.test(parent.name.getText())
}

/** Names of gates that code asks about. */
function gatesIn({ path, syntax }: SourceFile): string[] {
  if (path === LISTS || path === TABLE) return []
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && FEATURE_GATES.has(node.text) && isAsked(node)) found.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(syntax)
  return found
}

it('says of each feature gate that is asked about whether it does anything', () => {
  const asked = new Set(productFiles().flatMap(gatesIn))
  expect([...asked].sort()).toEqual([...IMPLEMENTED_GATES, ...API_ONLY_GATES].sort())
})
