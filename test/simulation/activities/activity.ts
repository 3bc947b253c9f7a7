/** Work of one kind, added to what everybody does in the seeds that choose it. */
import type { Hands } from '../hands.ts'
import type { Manifests } from '../manifests.ts'
import type { Observer } from '../observer.ts'
import type { World } from '../world.ts'

export interface Action {
  readonly name: string
  readonly weight: number
  /** Takes Pods away for another reason than a rollout. */
  readonly disturbs?: boolean
  run(): Promise<unknown>
}

export interface Tools {
  readonly world: World
  readonly hands: Hands
  readonly manifests: Manifests
}

export interface Activity {
  readonly name: string
  readonly actions: readonly Action[]
  begin?(): Promise<void>
  /** Undoes what keeps the cluster from coming to rest; before a rest, without faults' help. */
  heal?(): Promise<void>
  /** The controllers have died, and what they knew with them. */
  crashed?(observer: Observer): void
  /** What is not at rest of what it does. */
  unrest?(observer: Observer): readonly string[]
  /** Deletes what it has made and nobody else knows of. */
  end?(): Promise<void>
}
