import { describe, expect, it } from 'vitest'
import { CacheEntry } from './cache-entry.ts'
import { EncodedBudget } from './encoded-budget.ts'

describe('EncodedBudget', () => {
  it('lets the oldest JSON go, which is then made again, equal', () => {
    const settings = { isFrozen: false, encoded: new EncodedBudget(10_000), representations: new EncodedBudget(10_000) }
    const value = Buffer.from(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"${'x'.repeat(40)}"}}`)
    const entries = Array.from({ length: 20_000 }, (_, i) => new CacheEntry(`/k/${i}`, i + 1, value, settings))
    const first = entries.map((entry) => entry.json())
    const isKept = entries.map((entry, i) => entry.json() === first[i])
    expect(isKept[0]).toBe(false)
    expect(entries[0]?.json()).toEqual(first[0])
    const last = entries.at(-1)
    expect(last?.json()).toBe(last?.json())
  })

  it('holds other encodings apart from the JSON, each until its own limit', () => {
    const settings = { isFrozen: false, encoded: new EncodedBudget(100), representations: new EncodedBudget(1_000) }
    const value = Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}')
    const entries = Array.from({ length: 20 }, (_, i) => new CacheEntry(`/k/${i}`, i + 1, value, settings))
    let made = 0
    const encode = (entry: CacheEntry, representation: string) =>
      entry.encoded(representation, () => {
        made++
        return Buffer.alloc(100)
      })
    for (const entry of entries) {
      entry.json()
      encode(entry, 'a')
      encode(entry, 'b')
    }
    expect(made).toBe(40)
    for (const entry of entries.slice(-5)) encode(entry, 'b')
    expect(made).toBe(40)
    for (const entry of entries.slice(0, 5)) encode(entry, 'b')
    expect(made).toBe(45)
  })
})
