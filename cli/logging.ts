/**
 * The process's logger: JSON lines through pino, or one readable line per message on a terminal. Components receive a
 * child with their name and never see this file.
 */
import { pino, stdTimeFunctions } from 'pino'
import { isObject } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'

export interface LoggingOptions {
  readonly format: 'auto' | 'text' | 'json'
  readonly isDebug: boolean
  readonly isTerminal: boolean
}

const STANDARD_FIELDS: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'component', 'err'])

export function createLogger(options: LoggingOptions): Logger {
  const readable = options.format === 'text' || (options.format === 'auto' && options.isTerminal)
  const settings = {
    level: options.isDebug ? 'debug' : 'info',
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!readable) return pino(settings, pino.destination({ fd: 1, sync: true }))
  return pino(settings, { write: (line: string) => process.stdout.write(readableLine(line)) })
}

/** `12:34:56.789 INFO  server  message  key=value`, with an error's stack on the lines below. */
export function readableLine(line: string): string {
  const record: unknown = JSON.parse(line)
  if (!isObject(record)) return line
  const time = String(record['time']).slice(11, 23)
  const level = String(record['level']).toUpperCase().padEnd(5)
  const component = typeof record['component'] === 'string' ? `${record['component']}: ` : ''
  const fields = Object.entries(record)
    .filter(([name]) => !STANDARD_FIELDS.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const error = isObject(record['err']) ? `\n    ${String(record['err']['stack'] ?? record['err']['message'])}` : ''
  return `${time} ${level} ${component}${String(record['msg'])}${fields.length > 0 ? `  ${fields.join(' ')}` : ''}${error}\n`
}
