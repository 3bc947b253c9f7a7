/** What a Job's status may become. Rows of upstream's pkg/registry/batch/job/strategy_test.go TestStatusStrategy_ValidateUpdate. */
import { expect, it } from 'vitest'
import type { Job, JobSpec, JobStatus } from '#machinery/api/batch/v1/types.gen.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { validateJobStatusUpdate } from './status-validation.ts'

const job = (spec: Partial<JobSpec>, status: JobStatus): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j', namespace: 'default' },
  spec: { template: { spec: { containers: [] } }, ...spec },
  status,
})

const elastic = { completionMode: 'Indexed', completions: 1, parallelism: 1 }
const rigid = { completionMode: 'Indexed', completions: 1, parallelism: 2 }

it.each<[string, Partial<JobSpec>, JobStatus, JobStatus, string[]]>([
  [
    'an elastic Job was made smaller',
    elastic,
    { succeeded: 3, completedIndexes: '0-2' },
    { succeeded: 1, completedIndexes: '0' },
    [],
  ],
  [
    'another one counts less',
    rigid,
    { succeeded: 3 },
    { succeeded: 1 },
    ['status.succeeded: Invalid value: 1: cannot decrease the succeeded counter'],
  ],
  [
    'Pods without indexes succeed for good',
    { completions: 1, parallelism: 1 },
    { succeeded: 3 },
    { succeeded: 1 },
    ['status.succeeded: Invalid value: 1: cannot decrease the succeeded counter'],
  ],
  [
    'failures stay',
    elastic,
    { failed: 2 },
    { failed: 1 },
    ['status.failed: Invalid value: 1: cannot decrease the failed counter'],
  ],
  [
    'indexes beyond the completions that were there before',
    elastic,
    { completedIndexes: '0-2', active: 1 },
    { completedIndexes: '0-2' },
    [],
  ],
  [
    'indexes beyond the completions',
    elastic,
    {},
    { completedIndexes: '0-2' },
    ['status.completedIndexes: Invalid value: "0-2": error parsing completedIndexes: too large index: "2"'],
  ],
])('%s', (_name, spec, before, after, expected) => {
  const errors = validateJobStatusUpdate(job(spec, after), job(spec, before))
  expect(errors.map(fieldErrorString)).toEqual(expected)
})
