/** Custom resources between versions by somebody else's server. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface Converter {
  /**
   * The same objects in another version, in the same order. None of them has it already. Throws StatusError with upstream's
   * text, also when the answer breaks the rules (another name, uid, kind).
   */
  convert(objects: readonly DeepReadonly<KubeObject>[], apiVersion: string): Promise<KubeObject[]>
}
