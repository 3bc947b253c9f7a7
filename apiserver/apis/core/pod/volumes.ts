/** What the checks of volumes and of their mounts share. */
import type { Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** The volumes of a pod by name. */
export type PodVolumes = ReadonlyMap<string, DeepReadonly<Volume>>

/** Checks one source of a volume; `field` is the source's path. */
export type SourceCheck = (errors: FieldError[], field: string, volume: DeepReadonly<Volume>) => void
