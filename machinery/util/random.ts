/** Randomness as a dependency, so that tests and simulations can seed it. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto'

export interface Random {
  uuid(): string
  bytes(size: number): Buffer
  /** Uniform in [0, maxExclusive). */
  int(maxExclusive: number): number
}

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  bytes: (size) => randomBytes(size),
  int: (maxExclusive) => randomInt(maxExclusive),
}

/** Upstream: apimachinery util/rand: no vowels and no look-alikes, so no words appear. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** The suffix upstream appends to generateName and pod names. */
export function randomSuffix(random: Random, length = 5): string {
  let suffix = ''
  for (let i = 0; i < length; i++) suffix += NAME_ALPHABET.charAt(random.int(NAME_ALPHABET.length))
  return suffix
}
