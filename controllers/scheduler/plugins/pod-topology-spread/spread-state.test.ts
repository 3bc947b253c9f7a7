import { expect, it } from 'vitest'
import { makePod } from '#test/support/scheduling.ts'
import { parseConstraints } from './constraints.ts'
import { SpreadState } from './spread-state.ts'

const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }

function stateOf(counts: Record<string, number>, minDomains = 1): SpreadState {
  const state = new SpreadState(parseConstraints([{ ...constraint, minDomains }], makePod(), 'DoNotSchedule'))
  for (const [domain, count] of Object.entries(counts)) state.add(0, domain, count)
  return state
}

it('knows the fewest of any domain, which is none while there are too few domains', () => {
  expect(stateOf({ a: 3, b: 2, c: 5 }).minimum(0)).toBe(2)
  expect(stateOf({ a: 3, b: 2 }, 3).minimum(0)).toBe(0)
  expect(stateOf({}).minimum(0)).toBe(0)
})

it.each([
  ['the fewest grow', 'b', 4, 3],
  ['others shrink below', 'c', -4, 1],
  ['nothing that matters changes', 'c', 1, 2],
])('finds the minimum anew in a copy when %s', (_name, domain, delta, expected) => {
  const state = stateOf({ a: 3, b: 2, c: 5 })
  const copy = state.clone()
  copy.change(0, domain, delta)
  expect([copy.minimum(0), copy.clone().minimum(0), state.minimum(0)]).toEqual([expected, expected, 2])
})
