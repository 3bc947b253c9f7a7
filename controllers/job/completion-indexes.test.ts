/** Index strings as they stand in a Job's status. */
import { describe, expect, it } from 'vitest'
import { CompletionIndexes, firstPendingIndexes } from './completion-indexes.ts'

describe('CompletionIndexes', () => {
  it.each([
    ['nothing', [], ''],
    ['one', [3], '3'],
    ['two in a row with a comma', [3, 4], '3,4'],
    ['three in a row as a range', [3, 4, 5], '3-5'],
    ['everything mixed', [9, 0, 3, 2, 1, 7, 6], '0-3,6,7,9'],
  ])('writes %s', (_name, indexes, text) => {
    expect(CompletionIndexes.NONE.with(indexes).toString()).toBe(text)
  })

  it.each([
    ['an empty text', '', 10, ''],
    ['ranges that touch', '1,2-4,6', 10, '1-4,6'],
    ['indexes beyond the completions', '1,3-9,11', 5, '1,3,4'],
    ['parts that are no numbers', 'x,2,-,4-y,5', 10, '2,5'],
  ])('reads %s', (_name, text, completions, expected) => {
    expect(CompletionIndexes.parse(text, completions).toString()).toBe(expected)
  })

  it('finds and counts', () => {
    const set = CompletionIndexes.parse('0-2,5,8-9', 10)
    expect([0, 2, 3, 5, 7, 9, 10].filter((index) => set.has(index))).toEqual([0, 2, 5, 9])
    expect(set.total).toBe(6)
    expect(set.countOf(CompletionIndexes.parse('2-5,9', 10))).toBe(3)
  })

  it('fills the lowest gaps first', () => {
    const taken = [CompletionIndexes.parse('0,2', 9), CompletionIndexes.parse('4', 9)]
    expect(firstPendingIndexes(taken, 3, 9)).toEqual([1, 3, 5])
    expect(firstPendingIndexes(taken, 9, 6)).toEqual([1, 3, 5])
  })
})
