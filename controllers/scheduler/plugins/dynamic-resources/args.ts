/** DynamicResourcesArgs. Upstream: pkg/scheduler/apis/config/v1/defaults.go, apis/config/validation. */
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import { invalid, unknownFields } from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'

export interface DynamicResourcesArgs {
  /** Go duration: how long one node may take; 0 = no limit. Default 10s. */
  readonly filterTimeout?: string
  /** Go duration: how long devices may take to become ready. Default 10m. */
  readonly bindingTimeout?: string
}

const FILTER_TIMEOUT_MS = 10_000
const BINDING_TIMEOUT_MS = 600_000
const BINDING_MIN_MS = 1_000

export function checkDynamicResourcesArgs(args: PluginArgs, path: string): readonly string[] {
  return [
    ...unknownFields(args, path, ['filterTimeout', 'bindingTimeout']),
    ...checkDuration(args['filterTimeout'], `${path}.filterTimeout`, 0, 'must be zero or positive'),
    ...checkDuration(args['bindingTimeout'], `${path}.bindingTimeout`, BINDING_MIN_MS, 'must be at least 1 second'),
  ]
}

function checkDuration(value: unknown, path: string, minMs: number, problem: string): string[] {
  if (value === undefined) return []
  try {
    return parseDurationMs(String(value)) < minMs ? [invalid(path, value, problem)] : []
  } catch {
    return [invalid(path, value, 'must be a duration')]
  }
}

/** Milliseconds; `args` are checked. */
export function readTimeouts({ filterTimeout, bindingTimeout }: DynamicResourcesArgs): {
  readonly filterMs: number
  readonly bindingMs: number
} {
  return {
    filterMs: filterTimeout === undefined ? FILTER_TIMEOUT_MS : parseDurationMs(filterTimeout),
    bindingMs: bindingTimeout === undefined ? BINDING_TIMEOUT_MS : parseDurationMs(bindingTimeout),
  }
}
