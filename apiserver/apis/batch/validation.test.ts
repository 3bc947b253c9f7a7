/** What of the template of a suspended Job may change. */
import { describe, expect, it } from 'vitest'
import type { Job, JobStatus } from '#machinery/api/batch/v1/types.gen.ts'
import type { PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import { DEFAULT_POD_RULES } from '../core/pod/rules.ts'
import { setJobDefaults } from './defaults.ts'
import { validateJobUpdate } from './validation.ts'

const BOTH = { scheduling: true, resources: true }
const NONE = { scheduling: false, resources: false }
const STARTED: JobStatus = { startTime: '2026-01-01T00:00:00Z' }
const MARKED: JobStatus = { ...STARTED, conditions: [{ type: 'Suspended', status: 'True' }] }

interface Parts {
  readonly suspend?: boolean
  readonly status?: JobStatus
  readonly cpu?: string
  readonly image?: string
  readonly zone?: string
}

function makeJob({ suspend = true, status, cpu = '1', image = 'a:1', zone }: Parts): Job {
  const template: PodTemplateSpec = {
    metadata: { labels: { a: 'b' } },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'c', image, resources: { requests: { cpu } } }],
      ...(zone === undefined ? {} : { nodeSelector: { zone } }),
    },
  }
  const job: Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'ns' },
    spec: { suspend, manualSelector: true, selector: { matchLabels: { a: 'b' } }, template },
    ...(status === undefined ? {} : { status }),
  }
  setJobDefaults(job)
  return job
}

describe('templates of suspended jobs', () => {
  it.each<[string, Parts, Parts, typeof BOTH, string[]]>([
    ['new resources', {}, { cpu: '2' }, BOTH, []],
    ['another zone', {}, { zone: 'z' }, BOTH, []],
    ['another image', {}, { image: 'b:1' }, BOTH, ['spec.template.spec']],
    ['a job that runs', { suspend: false }, { suspend: false, cpu: '2' }, BOTH, ['spec.template']],
    ['a job that ran', { status: STARTED }, { cpu: '2' }, BOTH, ['spec.template']],
    ['a job that ran and stands still', { status: MARKED }, { cpu: '2', zone: 'z' }, BOTH, []],
    ['a job whose Pods still end', { status: { ...MARKED, active: 1 } }, { cpu: '2' }, BOTH, ['spec.template']],
    ['resources without the gate', {}, { cpu: '2' }, NONE, ['spec.template']],
    ['a zone without the gate', {}, { zone: 'z' }, NONE, []],
    ['a zone after a run, without the gate', { status: MARKED }, { zone: 'z' }, NONE, ['spec.template']],
  ])('%s', (_name, before, after, gates, expected) => {
    const errors = validateJobUpdate(makeJob(after), makeJob(before), DEFAULT_POD_RULES, gates)
    expect(errors.map(({ field }) => field)).toEqual(expected)
  })
})
