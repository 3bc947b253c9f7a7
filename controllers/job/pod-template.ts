/** The Pod template of a Job, per completion index where it is indexed. Pure. Upstream: pkg/controller/job/indexed_job_utils.go. */
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Container, Pod, PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { GENERATE_NAME_MAX, generateNameFor } from '../manager/pod-control.ts'
import {
  COMPLETION_INDEX,
  hasBackoffLimitPerIndex,
  indexFailureAnnotations,
  indexFailuresOf,
  isIndexed,
  TRACKING_FINALIZER,
} from './pod-facts.ts'
import { matchPodFailurePolicy } from './pod-failure-policy.ts'

const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX'

/** What all Pods of the Job have in common. */
export function sharedTemplate(job: DeepReadonly<Job>): PodTemplateSpec {
  const template = deepCopy<PodTemplateSpec>(job.spec.template)
  const finalizers = template.metadata?.finalizers ?? []
  template.metadata = {
    ...template.metadata,
    finalizers: finalizers.includes(TRACKING_FINALIZER) ? finalizers : [...finalizers, TRACKING_FINALIZER],
  }
  if (!isIndexed(job) || template.spec === undefined) return template
  template.spec.containers = template.spec.containers.map(withIndexVariable)
  if (template.spec.initContainers !== undefined)
    template.spec.initContainers = template.spec.initContainers.map(withIndexVariable)
  return template
}

/** The template of one Pod, and the name it is generated from. `replaced`: the failed Pod of the index, if it is known. */
export function podTemplateFor(
  job: DeepReadonly<Job>,
  shared: DeepReadonly<PodTemplateSpec>,
  index: number | undefined,
  replaced: DeepReadonly<Pod> | undefined,
): { readonly template: DeepReadonly<PodTemplateSpec>; readonly generateName: string } {
  const name = job.metadata.name ?? ''
  if (index === undefined) return { template: shared, generateName: generateNameFor(job) }
  const template = {
    metadata: {
      ...shared.metadata,
      annotations: {
        ...shared.metadata?.annotations,
        [COMPLETION_INDEX]: String(index),
        ...(hasBackoffLimitPerIndex(job) ? failureAnnotations(job, replaced) : {}),
      },
      labels: { ...shared.metadata?.labels, [COMPLETION_INDEX]: String(index) },
    },
    spec: { ...(shared.spec ?? { containers: [] }), hostname: `${name}-${index}` },
  }
  return { template, generateName: generateName(name, `-${index}-`) }
}

function generateName(jobName: string, suffix: string): string {
  return jobName.slice(0, GENERATE_NAME_MAX - suffix.length) + suffix
}

/** The new Pod inherits the failures of its index and adds the one that made it necessary. */
function failureAnnotations(job: DeepReadonly<Job>, replaced: DeepReadonly<Pod> | undefined): Record<string, string> {
  if (replaced === undefined) return indexFailureAnnotations({ counted: 0, ignored: 0 })
  const { counted, ignored } = indexFailuresOf(replaced)
  const { isCounted } = matchPodFailurePolicy(job.spec.podFailurePolicy, replaced)
  return indexFailureAnnotations(isCounted ? { counted: counted + 1, ignored } : { counted, ignored: ignored + 1 })
}

function withIndexVariable(container: Container): Container {
  if (container.env?.some(({ name }) => name === INDEX_VARIABLE) === true) return container
  const fieldRef = { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` }
  return { ...container, env: [...(container.env ?? []), { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] }
}
