/** Custom resources between versions: by somebody else's server, or by name alone. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface Converter {
  /**
   * The same objects in another version, in the same order. None of them has it already. Throws StatusError with upstream's
   * text, also when the answer breaks the rules (another name, uid, kind). Without a promise when nobody else is asked;
   * what is in the objects is shared with the given ones then.
   */
  convert(objects: readonly DeepReadonly<KubeObject>[], apiVersion: string): KubeObject[] | Promise<KubeObject[]>
  /** True: never a promise. */
  readonly isImmediate?: boolean
}

/** Strategy None: versions differ in name (and in what their schemas make of the object). */
export const renamingConverter: Converter = {
  convert: (objects, apiVersion) => objects.map((object) => ({ ...(object as KubeObject), apiVersion })),
  isImmediate: true,
}
