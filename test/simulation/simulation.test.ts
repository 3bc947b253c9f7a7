/**
 * Clusters in trouble, one per seed. KNARR_SIMULATION_SEEDS says how many (200), KNARR_SIMULATION_FROM the first (0),
 * KNARR_SIMULATION_SEED runs just one.
 */
import { describe, expect, it } from 'vitest'
import { builtinControllers } from '#controllers/manager/descriptors.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import { simulatedNodes } from './node-component.ts'
import { simulate } from './simulate.ts'

const NODES = 4
const numberOf = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)
const first = numberOf('KNARR_SIMULATION_SEED', numberOf('KNARR_SIMULATION_FROM', 0))
const count = process.env['KNARR_SIMULATION_SEED'] === undefined ? numberOf('KNARR_SIMULATION_SEEDS', 200) : 1
const seeds = Array.from({ length: count }, (_, i) => first + i)

const controllers = () => [
  ...builtinControllers({
    rootCa: 'simulated',
    serviceAccountTokens: { generatesForEveryAccount: false, issueLegacyToken: () => 'simulated' },
  }),
  schedulerComponent(),
  simulatedNodes(NODES),
]

describe('a cluster in trouble', () => {
  it.each(seeds)('breaks no promise and comes to rest, seed %i', async (seed) => {
    const { violations, history } = await simulate({ seed, controllers })
    expect(violations, history.join('\n')).toEqual([])
  })
})
