/**
 * Objects of pods and workloads and the errors they get, testdata/validation.json. 187 of the 288 were compared with what
 * upstream's own code of 1.20 says; the others, fields that came later, were read against its sources of 1.36: they pin
 * our answer.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { fillZeros } from '#machinery/schema/zeros.ts'
import {
  setDaemonSetDefaults,
  setDeploymentDefaults,
  setReplicaSetDefaults,
  setStatefulSetDefaults,
} from './apps/defaults.ts'
import {
  validateControllerRevision,
  validateDaemonSet,
  validateDeployment,
  validateReplicaSet,
  validateReplicationController,
  validateStatefulSet,
} from './apps/validation.ts'
import { validateCronJob } from './batch/cron-job-validation.ts'
import { setCronJobDefaults, setJobDefaults } from './batch/defaults.ts'
import { validateJob } from './batch/validation.ts'
import { setReplicationControllerDefaults } from './core/defaults.ts'
import { setPodDefaults, setPodTemplateObjectDefaults } from './core/pod/defaults.ts'
import { validatePod, validatePodTemplateObject } from './core/pod/validation.ts'
import { ALL_GATES_OFF } from './feature-gates.ts'

interface Case {
  readonly name: string
  readonly object: KubeObject
  /** `Type path: message`. */
  readonly errors: readonly string[]
}

interface KindRules {
  readonly defaults: (object: never) => void
  readonly validate: (object: never) => FieldError[]
}

const KINDS: Readonly<Record<string, KindRules>> = {
  Pod: { defaults: setPodDefaults, validate: validatePod },
  PodTemplate: { defaults: setPodTemplateObjectDefaults, validate: validatePodTemplateObject },
  ReplicationController: { defaults: setReplicationControllerDefaults, validate: validateReplicationController },
  Deployment: { defaults: setDeploymentDefaults, validate: validateDeployment },
  ReplicaSet: { defaults: setReplicaSetDefaults, validate: validateReplicaSet },
  StatefulSet: {
    defaults: (set: StatefulSet) => setStatefulSetDefaults(set, ALL_GATES_OFF),
    validate: validateStatefulSet,
  },
  DaemonSet: { defaults: setDaemonSetDefaults, validate: validateDaemonSet },
  ControllerRevision: { defaults: () => undefined, validate: validateControllerRevision },
  Job: { defaults: setJobDefaults, validate: validateJob },
  CronJob: { defaults: setCronJobDefaults, validate: validateCronJob },
}

const CASES = JSON.parse(readFileSync(new URL('testdata/validation.json', import.meta.url), 'utf8')) as readonly Case[]

/** As the server does it: Go has no absent scalars. */
function kindOf({ kind }: KubeObject): [string, string, string] {
  if (kind === 'Job' || kind === 'CronJob') return ['batch', 'v1', kind]
  const isCore = kind === 'Pod' || kind === 'PodTemplate' || kind === 'ReplicationController'
  return [isCore ? '' : 'apps', 'v1', kind]
}

describe('validation of pods and workloads', () => {
  it.each(CASES.map((one) => [`${one.object.kind}: ${one.name}`, one] as const))('%s', (_name, { object, errors }) => {
    const rules = KINDS[object.kind ?? '']
    rules?.defaults(object as never)
    if (rules !== undefined) fillZeros(...kindOf(object))(object)
    const found = rules?.validate(object as never) ?? []
    expect(found.map((error) => `${error.type.replace('FieldValue', '')} ${fieldErrorString(error)}`)).toEqual(errors)
  })
})
