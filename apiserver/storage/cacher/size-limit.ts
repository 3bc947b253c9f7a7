/**
 * How large one stored object may be: what etcd takes by default, managedFields included. Built-in kinds count as the
 * protobuf that upstream stores. Upstream: etcd --max-request-bytes.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { encodeProtobuf } from '#machinery/schema/protobuf/encode.ts'
import { StorageError } from '../interface.ts'

const OBJECT_BYTES_MAX = 1536 * 1024

/** `value`: the object as it would be stored. Throws TooLarge. */
export function checkSize(key: string, value: Buffer, object: KubeObject): void {
  // JSON takes more than protobuf: only what is too large that way is encoded once more.
  if (value.length <= OBJECT_BYTES_MAX) return
  if ((encodeProtobuf(object) ?? value).length > OBJECT_BYTES_MAX) throw new StorageError('TooLarge', key)
}
