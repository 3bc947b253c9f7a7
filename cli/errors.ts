/**
 * User-facing start-up and command errors: a code, what is wrong, and what to do about it. Anything else that reaches
 * main.ts is a bug and is printed with its stack.
 */

export type CliErrorCode =
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_INVALID'
  | 'FLAG_INVALID'
  | 'FLAG_UNKNOWN'
  | 'ADDRESS_IN_USE'
  | 'DATA_DIR'
  | 'STORAGE'
  | 'CLUSTER_UNREACHABLE'
  | 'CHART'
  | 'NOT_FOUND'

/** Process exit status by code; 1 for everything that is not a usage error. */
const USAGE_ERRORS: ReadonlySet<CliErrorCode> = new Set(['CONFIG_INVALID', 'FLAG_INVALID', 'FLAG_UNKNOWN'])

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode

  /** `message` names the flag, file or field; `todo` is an instruction, a full sentence. */
  constructor(code: CliErrorCode, message: string, todo: string, cause?: unknown) {
    super(`${message}. ${todo}`, cause === undefined ? undefined : { cause })
    this.code = code
  }

  get exitStatus(): number {
    return USAGE_ERRORS.has(this.code) ? 2 : 1
  }
}
