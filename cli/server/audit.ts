/** Auditing of `knarr server`: the policy file, and the log its events go to. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Registry } from 'prom-client'
import type { AuditPolicyEvaluator } from '#apiserver/audit/interfaces.ts'
import { LogBackend } from '#apiserver/audit/log/backend.ts'
import type { LogTarget } from '#apiserver/audit/log/interfaces.ts'
import { openLogFile } from '#apiserver/audit/log/log-file.ts'
import { standardOutput } from '#apiserver/audit/log/standard-output.ts'
import { createAuditCounts } from '#apiserver/audit/metrics.ts'
import { createPolicyEvaluator } from '#apiserver/audit/policy.ts'
import type { Auditing } from '#apiserver/filters/audit.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { parseAuditPolicy } from '../config/audit-policy.ts'
import type { ServerConfig } from '../config/flags.ts'
import { CliError } from '../errors.ts'

const MEGABYTE = 1024 * 1024

export interface OpenAudit extends Auditing {
  /** Writes what is waiting. */
  close(): Promise<void>
}

/** Undefined: nothing is audited, for want of a policy or of a place for its events. */
export async function openAudit(
  config: ServerConfig,
  metrics: Registry,
  serverLogger: Logger,
): Promise<OpenAudit | undefined> {
  const counts = createAuditCounts(metrics)
  const logger = serverLogger.child({ component: 'audit' })
  const policyFile = config['audit-policy-file']
  const path = config['audit-log-path']
  const policy = policyFile === undefined ? undefined : await readPolicy(policyFile)
  if (policy === undefined || path === undefined || path === '') {
    if (policy !== undefined) logger.warn({ policyFile }, 'nothing is audited: there is no --audit-log-path')
    if (path !== undefined && path !== '') logger.warn({ path }, 'nothing is audited: there is no --audit-policy-file')
    return undefined
  }
  const backend = new LogBackend({
    target: await openTarget(path, config, logger),
    format: config['audit-log-format'],
    mode: config['audit-log-mode'],
    queueMax: config['audit-log-batch-buffer-size'],
    batchMax: config['audit-log-batch-max-size'],
    batchWaitMs: config['audit-log-batch-max-wait'],
    eventBytesMax: config['audit-log-truncate-enabled'] ? config['audit-log-truncate-max-event-size'] : undefined,
    counts,
    clock: systemClock,
    logger,
  })
  return { policy, sink: backend, counts, close: () => backend.close() }
}

async function readPolicy(path: string): Promise<AuditPolicyEvaluator> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (err: unknown) {
    const what = `--audit-policy-file ${path}: ${errorMessage(err)}`
    throw new CliError('CONFIG_UNREADABLE', what, 'Give the path of a readable file.', err)
  }
  try {
    return createPolicyEvaluator(parseAuditPolicy(text))
  } catch (err: unknown) {
    const what = `--audit-policy-file ${path}: ${errorMessage(err)}`
    throw new CliError('CONFIG_INVALID', what, 'Correct the file; see docs/audit.md.', err)
  }
}

async function openTarget(path: string, config: ServerConfig, logger: Logger): Promise<LogTarget> {
  if (path === '-') return standardOutput(systemClock)
  try {
    return await openLogFile({
      path: resolve(path),
      bytesMax: config['audit-log-maxsize'] * MEGABYTE,
      backupsMax: config['audit-log-maxbackup'],
      ageMaxDays: config['audit-log-maxage'],
      compress: config['audit-log-compress'],
      clock: systemClock,
      logger,
    })
  } catch (err: unknown) {
    const what = `--audit-log-path ${path}: ${errorMessage(err)}`
    throw new CliError('CONFIG_INVALID', what, 'Choose a file that can be written.', err)
  }
}
