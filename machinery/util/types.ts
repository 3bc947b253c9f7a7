/** Shared structural types: JSON values, deep immutability, disposal. */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }
export type JsonObject = { [key: string]: JsonValue }

type Primitive = string | number | boolean | bigint | symbol | null | undefined

/** T as a reader sees it: no field, element or entry may be assigned. Caches and informers hand out nothing else. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends Primitive | Date | Uint8Array
    ? T
    : T extends (...args: never[]) => unknown
      ? T
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<K, DeepReadonly<V>>
        : T extends readonly (infer E)[]
          ? readonly DeepReadonly<E>[]
          : { readonly [K in keyof T]: DeepReadonly<T[K]> }
