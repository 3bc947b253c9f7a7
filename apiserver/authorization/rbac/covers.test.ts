import { describe, expect, it } from 'vitest'
import type { PolicyRule } from '../interfaces.ts'
import { compactRules, missingRules, ruleText } from './covers.ts'

const rule = (verbs: string, apiGroups: string, resources: string, names = ''): PolicyRule => ({
  verbs: verbs.split(','),
  apiGroups: apiGroups.split(','),
  resources: resources.split(','),
  ...(names === '' ? {} : { resourceNames: names.split(',') }),
})
const url = (verbs: string, urls: string): PolicyRule => ({ verbs: verbs.split(','), nonResourceURLs: urls.split(',') })

describe('missingRules', () => {
  const covered: [string, PolicyRule[], PolicyRule[]][] = [
    ['the same rule', [rule('get,list', '', 'pods')], [rule('list,get', '', 'pods')]],
    ['several rules together', [rule('get', '', 'pods'), rule('list', '', 'pods')], [rule('get,list', '', 'pods')]],
    ['wildcards', [rule('*', '*', '*')], [rule('get,escalate', 'a,b', 'x,y/z', 'n')]],
    ['a subresource wildcard', [rule('get', '*', '*/scale')], [rule('get', 'apps', 'deployments/scale')]],
    ['all names for one', [rule('get', '', 'pods')], [rule('get', '', 'pods', 'a')]],
    ['named resources', [rule('get', '', 'pods', 'a,b')], [rule('get', '', 'pods', 'b')]],
    ['URL prefixes', [url('get', '/api/*')], [url('get', '/api/v1,/api/*')]],
    ['nothing at all', [], []],
  ]
  it.each(covered)('is empty for %s', (_, held, wanted) => {
    expect(missingRules(held, wanted)).toEqual([])
  })

  const uncovered: [string, PolicyRule[], PolicyRule[], number][] = [
    ['another verb', [rule('get', '', 'pods')], [rule('get,list', '', 'pods')], 1],
    ['a wildcard by a list', [rule('get,list,watch', '', 'pods')], [rule('*', '', 'pods')], 1],
    ['all names by one', [rule('get', '', 'pods', 'a')], [rule('get', '', 'pods')], 1],
    ['another name', [rule('get', '', 'pods', 'a')], [rule('get', '', 'pods', 'a,b')], 1],
    ['a subresource by its parent', [rule('get', '', 'pods')], [rule('get', '', 'pods/log')], 1],
    ['resources by URLs', [url('*', '*')], [rule('get', '', 'pods')], 1],
    ['URLs by resources', [rule('*', '*', '*')], [url('get', '/healthz')], 1],
    ['a URL prefix by one URL', [url('get', '/api')], [url('get', '/api/*')], 1],
    ['everything by nothing', [], [rule('get,list', 'a,b', 'x,y')], 8],
  ]
  it.each(uncovered)('names %s', (_, held, wanted, count) => {
    expect(missingRules(held, wanted)).toHaveLength(count)
  })
})

it('compacts and prints rules as upstream does', () => {
  const missing = missingRules(
    [],
    [rule('get,list', '', 'pods', 'a'), rule('get', 'apps', 'deployments'), url('get', '/x')],
  )
  expect(compactRules(missing).map(ruleText)).toEqual([
    '{NonResourceURLs:["/x"], Verbs:["get"]}',
    '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}',
    '{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}',
  ])
})
