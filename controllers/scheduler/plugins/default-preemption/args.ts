/** DefaultPreemptionArgs. Upstream: apis/config/validation/validation_pluginargs.go. */
import { checkInteger, invalid, unknownFields } from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'

export interface DefaultPreemptionArgs {
  /** Of the nodes preemption might help on, how many are tried at least: per cent. Default 10. */
  readonly minCandidateNodesPercentage?: number
  /** The same as a number; the larger counts. Default 100. */
  readonly minCandidateNodesAbsolute?: number
}

const PERCENTAGE = 'minCandidateNodesPercentage'
const ABSOLUTE = 'minCandidateNodesAbsolute'

export function checkPreemptionArgs(args: PluginArgs, path: string): string[] {
  const { [PERCENTAGE]: percentage = 10, [ABSOLUTE]: absolute = 100 } = args
  const bothZero = (other: string): string => `cannot be zero at the same time as ${other}`
  return [
    ...unknownFields(args, path, [PERCENTAGE, ABSOLUTE]),
    ...checkInteger(percentage, `${path}.${PERCENTAGE}`, { min: 0, max: 100 }, 'not in valid range [0, 100]'),
    ...checkInteger(absolute, `${path}.${ABSOLUTE}`, { min: 0 }, 'not in valid range [0, inf)'),
    ...(percentage === 0 && absolute === 0
      ? [
          invalid(`${path}.${PERCENTAGE}`, percentage, bothZero(ABSOLUTE)),
          invalid(`${path}.${ABSOLUTE}`, absolute, bothZero(PERCENTAGE)),
        ]
      : []),
  ]
}
