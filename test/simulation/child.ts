/** Runs the seeds it is sent, one at a time: a process of `npm run simulate` (scripts/simulate.mjs, which bundles this). */
import { simulatedControllers } from './controllers.ts'
import { simulate } from './simulate.ts'

interface Verdict {
  readonly seed: number
  /** Empty: nothing was found. */
  readonly violations: readonly string[]
  readonly history: readonly string[]
}

async function judge(seed: number): Promise<Verdict> {
  try {
    const { violations, history } = await simulate({ seed, controllers: simulatedControllers })
    return { seed, violations, history: violations.length > 0 ? history : [] }
  } catch (err: unknown) {
    return {
      seed,
      violations: [`the simulation threw: ${err instanceof Error ? err.stack : String(err)}`],
      history: [],
    }
  }
}

// Ctrl-C reaches the whole process group: the parent ends when what is under way is finished.
process.on('SIGINT', () => undefined)
process.on('message', (seed: number) => {
  void judge(seed).then((verdict) => process.send?.(verdict))
})
