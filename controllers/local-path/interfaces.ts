/** The node side of local volumes: who makes and removes their directories. Handed in by cli/. */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface DirectoryOptions {
  /** Permission bits of the directory, 0o777 as k3s' setup script. */
  readonly mode: number
  /** What the claim asked for: a quota, where the file system can keep one. */
  readonly sizeBytes: number
}

export interface NodeDirectories {
  /** Whether somebody answers for this node's file system now. */
  serves(node: DeepReadonly<Node>): boolean
  /**
   * Makes the directory (0700 its parent) or finds it made; an absolute path below a configured one. Resolves with what
   * the user should know besides, if anything. Throws when it could not be made.
   */
  make(
    node: DeepReadonly<Node>,
    path: string,
    options: DirectoryOptions,
    signal: AbortSignal,
  ): Promise<string | undefined>
  /** Removes it with everything in it; one that is not there is removed already. */
  remove(node: DeepReadonly<Node>, path: string, signal: AbortSignal): Promise<void>
}
