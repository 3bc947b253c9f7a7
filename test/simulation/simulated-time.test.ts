import { describe, expect, it } from 'vitest'
import { SimulatedTime } from './simulated-time.ts'

describe('SimulatedTime', () => {
  it('fires timers in order of time, then of setting, also those set on the way', async () => {
    const time = new SimulatedTime()
    const fired: string[] = []
    const note = (what: string) => () => fired.push(`${time.monotonicMs()} ${what}`)
    time.setTimeout(note('late'), 300)
    time.setTimeout(note('first'), 100)
    time.setTimeout(note('second'), 100)
    time.setTimeout(() => time.setTimeout(note('nested'), 50), 200)
    time.setTimeout(note('never'), 150).cancel()
    const ticking = time.setInterval(note('tick'), 120)
    await time.run(290)
    ticking.cancel()
    expect(fired).toEqual(['100 first', '100 second', '120 tick', '240 tick', '250 nested'])
    expect(time.monotonicMs()).toBe(290)
    await time.run(60_000)
    expect(fired.slice(5)).toEqual(['300 late'])
  })

  it('lets promises settle before it moves on, and stops when asked', async () => {
    const time = new SimulatedTime()
    let isDone = false
    void (async () => {
      for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => time.setTimeout(resolve, 1_000))
      isDone = true
    })()
    await time.run(60_000, () => isDone)
    expect(time.monotonicMs()).toBe(3_000)
  })

  it('keeps the order of a thousand timers', async () => {
    const time = new SimulatedTime()
    const fired: number[] = []
    for (let i = 0; i < 1_000; i++) {
      const delayMs = (i * 7_919) % 1_009
      time.setTimeout(() => fired.push(delayMs), delayMs)
    }
    await time.run(2_000)
    expect(fired).toEqual([...fired].sort((a, b) => a - b))
    expect(fired).toHaveLength(1_000)
  })
})
