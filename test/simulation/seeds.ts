/**
 * Clusters in trouble, one per seed, shared by two files so that two cores run them. KNARR_SIMULATION_SEEDS says how many
 * (200), KNARR_SIMULATION_FROM the first (0), KNARR_SIMULATION_SEED runs just one:
 * `KNARR_SIMULATION_SEED=89 npx vitest run --project simulation`.
 */
import { describe, expect, it } from 'vitest'
import { simulatedControllers } from './controllers.ts'
import { simulate } from './simulate.ts'

const numberOf = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)
const first = numberOf('KNARR_SIMULATION_SEED', numberOf('KNARR_SIMULATION_FROM', 0))
const count = process.env['KNARR_SIMULATION_SEED'] === undefined ? numberOf('KNARR_SIMULATION_SEEDS', 200) : 1

/** Every second seed, from the first or from the second on. */
export function describeHalf(half: 0 | 1): void {
  const seeds = Array.from({ length: count }, (_, i) => first + i).filter((_, i) => i % 2 === half)
  describe('a cluster in trouble', () => {
    if (seeds.length === 0) it.skip('has no seeds in this half', () => undefined)
    it.each(seeds)('breaks no promise and comes to rest, seed %i', async (seed) => {
      const { violations, history } = await simulate({ seed, controllers: simulatedControllers })
      expect(violations, history.join('\n')).toEqual([])
    })
  })
}
