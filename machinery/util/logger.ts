/** The logging interface every component takes; pino's shape, implemented in cli/. Messages are constant, facts are fields. */

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

export const discardLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => discardLogger,
}
