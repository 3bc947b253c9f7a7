/** status.active of a CronJob: references to its Jobs that have not finished. Changes the draft it is given. */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { CronJob, CronJobStatus, Job } from '#machinery/api/batch/v1/types.gen.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** A CronJob whose status may be changed. */
export type CronJobDraft = CronJob & { status: CronJobStatus }

export function isActive({ status }: DeepReadonly<CronJob>, uid: string | undefined): boolean {
  return status?.active?.some((reference) => reference.uid === uid) ?? false
}

export function addActive({ status }: CronJobDraft, { metadata }: DeepReadonly<Job>): void {
  const { name, namespace, uid, resourceVersion } = metadata
  status.active = [
    ...(status.active ?? []),
    {
      kind: JOBS.kind,
      apiVersion: apiVersionOf(JOBS),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  ]
}

export function removeActive({ status }: CronJobDraft, uid: string | undefined): void {
  const left = (status.active ?? []).filter((reference) => reference.uid !== uid)
  if (left.length === 0) delete status.active
  else status.active = left
}
