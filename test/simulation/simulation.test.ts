/** The first half of the seeds, and that a seed gives the same run. All of it: `npx vitest run --project simulation`. */
import { describe, expect, it } from 'vitest'
import { simulatedControllers } from './controllers.ts'
import { describeHalf } from './seeds.ts'
import { simulate } from './simulate.ts'

describeHalf(0)

describe('a simulation', () => {
  it('runs the same way every time', async () => {
    const run = () => simulate({ seed: 2, controllers: simulatedControllers })
    const first = await run()
    expect(first.revision).toBeGreaterThan(500)
    expect(await run()).toEqual(first)
  })
})
