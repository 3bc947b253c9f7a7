/** Feature gates by upstream's names. Only gates that change something here are known; another name is an error at start. */
import { nearestName } from '../config/load.ts'
import { CliError } from '../errors.ts'

const DEFAULTS = { LegacyServiceAccountTokenNoAutoGeneration: true } as const

export type FeatureGates = { readonly [Gate in keyof typeof DEFAULTS]: boolean }

export function featureGates(given: ReadonlyMap<string, boolean>): FeatureGates {
  const gates: Record<string, boolean> = { ...DEFAULTS }
  for (const [name, value] of given) {
    if (!Object.hasOwn(DEFAULTS, name)) throw unknownGate(name)
    gates[name] = value
  }
  return gates as FeatureGates
}

function unknownGate(name: string): CliError {
  const known = Object.keys(DEFAULTS)
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? `Known gates: ${known.join(', ')}.` : `Did you mean "${nearest}"?`
  return new CliError('FLAG_INVALID', `--feature-gates: unknown feature gate "${name}"`, hint)
}
