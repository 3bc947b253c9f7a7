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

const NOW = '2026-01-01T00:00:00Z'
const LATER = '2026-01-01T00:01:00Z'
const conditions = (...types: string[]): Pick<JobStatus, 'conditions'> => ({
  conditions: types.map((type) => ({ type, status: 'True' })),
})
const suspended = (status: string): Pick<JobStatus, 'conditions'> => ({ conditions: [{ type: 'Suspended', status }] })
const started = { startTime: NOW }
const completed = { ...started, completionTime: NOW }
const MET = 'SuccessCriteriaMet'
const TARGET = 'FailureTarget'
const one = { failed: ['a'] }

// Name, spec, status before and after, the fields of the errors.
it.each<[string, Partial<JobSpec>, JobStatus, JobStatus, string[]]>([
  [
    'Failed with Complete',
    {},
    {},
    { ...completed, ...conditions('Complete', 'Failed') },
    ['conditions', 'conditions', 'conditions'],
  ],
  ['Complete without SuccessCriteriaMet', {}, {}, { ...completed, ...conditions('Complete') }, ['conditions']],
  ['Failed without FailureTarget', {}, {}, { ...started, ...conditions('Failed') }, ['conditions']],
  [
    'FailureTarget with Complete',
    {},
    {},
    { ...completed, ...conditions('Complete', TARGET) },
    ['conditions', 'conditions'],
  ],
  [
    'FailureTarget of a complete Job',
    {},
    { ...completed, ...conditions('Complete') },
    { ...completed, ...conditions('Complete', TARGET) },
    ['conditions'],
  ],
  ['a running Job loses its completionTime', {}, completed, started, []],
  ['Failed without a start', {}, conditions(TARGET), conditions(TARGET, 'Failed'), ['startTime']],
  [
    'Complete without a start',
    {},
    conditions(MET),
    { completionTime: NOW, ...conditions(MET, 'Complete') },
    ['startTime'],
  ],
  [
    'Complete without a start, suspended with nothing to do',
    { suspend: true, completions: 0 },
    {},
    { completionTime: NOW, ...conditions(MET, 'Complete') },
    [],
  ],
  [
    'Complete with active Pods',
    {},
    { ...started, active: 1, ...conditions(MET) },
    { ...completed, active: 1, ...conditions(MET, 'Complete') },
    ['active'],
  ],
  [
    'Failed with terminating Pods',
    {},
    { ...started, terminating: 1, ...conditions(TARGET) },
    { ...started, terminating: 1, ...conditions(TARGET, 'Failed') },
    ['terminating'],
  ],
  [
    'Failed with uncounted Pods',
    {},
    { ...started, uncountedTerminatedPods: one, ...conditions(TARGET) },
    { ...started, uncountedTerminatedPods: one, ...conditions(TARGET, 'Failed') },
    ['uncountedTerminatedPods'],
  ],
  [
    'other uncounted Pods of a complete Job',
    {},
    { ...completed, uncountedTerminatedPods: one, ...conditions('Complete') },
    { ...completed, uncountedTerminatedPods: { failed: ['b'] }, ...conditions('Complete') },
    ['uncountedTerminatedPods'],
  ],
  [
    'another condition of a complete Job that has uncounted Pods',
    {},
    { ...completed, uncountedTerminatedPods: one, ...conditions('Complete') },
    { ...completed, uncountedTerminatedPods: one, ...conditions('Complete', 'Custom') },
    [],
  ],
  [
    'Complete without completionTime',
    {},
    { ...started, ...conditions(MET) },
    { ...started, ...conditions(MET, 'Complete') },
    ['completionTime'],
  ],
  ['completionTime without Complete', {}, {}, { completionTime: NOW }, ['completionTime']],
  ['completionTime without Complete as before', {}, { completionTime: NOW }, { completionTime: NOW, active: 1 }, []],
  [
    'completionTime before startTime',
    {},
    { startTime: LATER, ...conditions(MET) },
    { startTime: LATER, completionTime: NOW, ...conditions(MET, 'Complete') },
    ['completionTime'],
  ],
  [
    'another completionTime',
    {},
    { ...completed, ...conditions('Complete') },
    { ...started, completionTime: LATER, ...conditions('Complete') },
    ['completionTime'],
  ],
  ['a suspended Job loses its start', { suspend: true }, started, {}, []],
  ['a Job that runs loses its start', {}, started, {}, ['startTime']],
  ['a Job that runs gets another start', {}, started, { startTime: LATER }, ['startTime']],
  [
    'a resumed Job gets another start',
    {},
    { ...started, ...suspended('True') },
    { startTime: LATER, ...suspended('False') },
    [],
  ],
  ['more ready than active', {}, {}, { active: 1, ready: 2 }, ['ready']],
  ['more ready than active as before', {}, { active: 1, ready: 2 }, { active: 1, ready: 2, succeeded: 1 }, []],
])('%s', (_name, spec, before, after, expected) => {
  const errors = validateJobStatusUpdate(job(spec, after), job(spec, before))
  expect(errors.map(({ field }) => field)).toEqual(expected.map((member) => `status.${member}`))
})
