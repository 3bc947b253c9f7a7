/** The read-only typed view of an informer's cache that controllers get. Everything returned is frozen and shared. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface Lister<T extends KubeObject = KubeObject> {
  get(key: ObjectKey): DeepReadonly<T> | undefined
  /** A new array each time, in no particular order; undefined namespace = all namespaces. */
  list(namespace?: string, matches?: (object: DeepReadonly<T>) => boolean): DeepReadonly<T>[]
  /**
   * Objects for which the index yields `value`. The built-in indexes are 'namespace', 'owner-uid' and 'controller-uid';
   * others are added with Informer.addIndex. An unknown name is a programmer error.
   */
  byIndex(name: string, value: string): DeepReadonly<T>[]
  /** The values of an index under which anything is found now; not to be kept over an await. */
  indexValues(name: string): Iterable<string>
  readonly size: number
}
