import { describe, expect, it } from 'vitest'
import { builtinControllers } from '#controllers/manager/descriptors.ts'
import { simulate } from './simulate.ts'
import { simulatedNodes } from './node-component.ts'
import { interim } from './interim.ts'

const ONE = process.env['KNARR_SIMULATION_SEED']
const COUNT = Number(process.env['KNARR_SIMULATION_SEEDS'] ?? 20)
const seeds = ONE === undefined ? Array.from({ length: COUNT }, (_, i) => i) : [Number(ONE)]
const controllers = () => [
  ...builtinControllers({
    rootCa: 'simulated',
    serviceAccountTokens: { generatesForEveryAccount: false, issueLegacyToken: () => '' },
  }),
  interim,
  simulatedNodes(4),
]

describe('a cluster in trouble', () => {
  it.each(seeds)('comes to rest and breaks no promise, seed %i', async (seed) => {
    const { violations, history } = await simulate({ seed, controllers })
    expect(
      violations.filter((x) => !/StatefulSet|DaemonSet|Service/.test(x)),
      history.join('\n'),
    ).toEqual([])
  })
})
