import { describe, expect, it } from 'vitest'
import { BoundedTasks } from './bounded-tasks.ts'

describe('bounded tasks', () => {
  it('run so many at a time, the others after them in their order', async () => {
    const tasks = new BoundedTasks(2)
    const ends: (() => void)[] = []
    const begun: number[] = []
    for (const i of [0, 1, 2, 3])
      tasks.start(
        () =>
          new Promise((resolve) => {
            begun.push(i)
            ends[i] = resolve
          }),
      )
    expect([begun, tasks.size, tasks.isFull]).toEqual([[0, 1], 4, true])
    const idle = tasks.idle()
    ends[1]?.()
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(begun).toEqual([0, 1, 2])
    for (const i of [0, 2]) ends[i]?.()
    await new Promise((resolve) => setImmediate(resolve))
    expect(begun).toEqual([0, 1, 2, 3])
    ends[3]?.()
    await idle
    expect(tasks.size).toBe(0)
  })
})
