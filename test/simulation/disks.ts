/** The file systems of the simulated nodes, for local-path volumes: what is made and removed takes time and may fail. */
import type { DirectoryOptions, NodeDirectories } from '#controllers/local-path/interfaces.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { sleep } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FaultSource } from './faults.ts'

export class Disks implements NodeDirectories {
  readonly #source: Omit<FaultSource, 'pace'>
  /** `node:path` */
  readonly #directories = new Set<string>()
  readonly #underWay = new Set<string>()
  readonly #forgotten = new Set<string>()

  constructor(source: Omit<FaultSource, 'pace'>) {
    this.#source = source
  }

  serves(): boolean {
    return true
  }

  async make(node: DeepReadonly<Node>, path: string, _: DirectoryOptions, signal: AbortSignal): Promise<undefined> {
    const directory = `${node.metadata.name}:${path}`
    this.#underWay.add(directory)
    try {
      await this.#work(signal)
      this.#directories.add(directory)
    } finally {
      this.#underWay.delete(directory)
    }
  }

  async remove(node: DeepReadonly<Node>, path: string, signal: AbortSignal): Promise<void> {
    await this.#work(signal)
    this.#directories.delete(`${node.metadata.name}:${path}`)
  }

  /** Those that somebody must still know of, as `node:path`. */
  get directories(): readonly string[] {
    return [...this.#directories].filter((directory) => !this.#forgotten.has(directory))
  }

  /** The controllers died: what they had made and not yet written down nobody knows of, as with upstream's provisioner. */
  crashed(isKnown: (directory: string) => boolean): void {
    for (const directory of [...this.#directories, ...this.#underWay])
      if (!isKnown(directory)) this.#forgotten.add(directory)
  }

  /** What is on the disk of a node that has gone stays there. */
  lost(node: string): void {
    for (const directory of this.#directories) if (directory.startsWith(`${node}:`)) this.#forgotten.add(directory)
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock, random, faults } = this.#source
    const { callDelayMaxMs, refused } = faults()
    if (callDelayMaxMs > 0) await sleep(clock, Math.floor(random() * callDelayMaxMs), signal)
    if (refused > 0 && random() < refused) throw new Error('the disk is busy')
  }
}
