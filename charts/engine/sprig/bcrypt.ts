// bcrypt ($2a$10$), as golang.org/x/crypto/bcrypt writes it. The Blowfish tables are the hexadecimal digits of
// pi, computed on first use instead of being listed.

const COST = 10
const ROUNDS = 16
const P_WORDS = ROUNDS + 2
const TABLE_WORDS = P_WORDS + 4 * 256
const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const MAGIC = Buffer.from('OrpheanBeholderScryDoubt')

let piWords: Uint32Array | undefined

/** The fraction of pi in 32 bit words, by Machin's formula. */
function initialTables(): Uint32Array {
  if (piWords !== undefined) return piWords
  const bits = BigInt(TABLE_WORDS * 32)
  const guard = 64n
  const one = 1n << (bits + guard)
  const arctanInverse = (x: bigint): bigint => {
    let term = one / x
    let sum = term
    const square = x * x
    for (let n = 3n, sign = -1n; term > 0n; n += 2n, sign = -sign) {
      term /= square
      sum += (sign * term) / n
    }
    return sum
  }
  const pi = 4n * (4n * arctanInverse(5n) - arctanInverse(239n))
  const fraction = ((pi - 3n * one) >> guard).toString(16).padStart(TABLE_WORDS * 8, '0')
  piWords = Uint32Array.from({ length: TABLE_WORDS }, (_, i) => Number.parseInt(fraction.slice(i * 8, i * 8 + 8), 16))
  return piWords
}

class Blowfish {
  readonly #p: Uint32Array
  readonly #s: Uint32Array
  left = 0
  right = 0

  constructor() {
    const tables = initialTables()
    this.#p = tables.slice(0, P_WORDS)
    this.#s = tables.slice(P_WORDS)
  }

  encrypt(): void {
    const p = this.#p
    const s = this.#s
    let l = this.left
    let r = this.right
    for (let i = 0; i < ROUNDS; i++) {
      l ^= p[i] as number
      const mixed =
        ((((s[l >>> 24] as number) + (s[256 + ((l >>> 16) & 0xff)] as number)) ^
          (s[512 + ((l >>> 8) & 0xff)] as number)) +
          (s[768 + (l & 0xff)] as number)) |
        0
      const swapped = r ^ mixed
      r = l
      l = swapped
    }
    this.left = (r ^ (p[ROUNDS + 1] as number)) >>> 0
    this.right = (l ^ (p[ROUNDS] as number)) >>> 0
  }

  /** Key schedule; an all-zero salt is the unsalted form. */
  expand(key: Uint8Array, salt: readonly number[]): void {
    let at = 0
    for (let i = 0; i < P_WORDS; i++) {
      let word = 0
      for (let k = 0; k < 4; k++) {
        word = (word << 8) | (key[at] as number)
        at = (at + 1) % key.length
      }
      this.#p[i] = ((this.#p[i] as number) ^ word) >>> 0
    }
    this.left = 0
    this.right = 0
    let saltAt = 0
    const fill = (table: Uint32Array): void => {
      for (let i = 0; i < table.length; i += 2) {
        this.left ^= salt[saltAt % 4] ?? 0
        this.right ^= salt[(saltAt + 1) % 4] ?? 0
        saltAt += 2
        this.encrypt()
        table[i] = this.left
        table[i + 1] = this.right
      }
    }
    fill(this.#p)
    fill(this.#s)
  }
}

function encode(bytes: Uint8Array): string {
  const standard = Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  const from = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return [...standard].map((char) => ALPHABET[from.indexOf(char)]).join('')
}

export function bcryptHash(password: Uint8Array, salt: Uint8Array): string {
  if (password.length > 72) return 'failed to create bcrypt hash: bcrypt: password length exceeds 72 bytes'
  const key = Buffer.concat([password, Buffer.from([0])])
  const saltBytes = Buffer.from(salt)
  const saltWords = [0, 4, 8, 12].map((at) => saltBytes.readUInt32BE(at))
  const cipher = new Blowfish()
  cipher.expand(key, saltWords)
  for (let i = 0; i < 2 ** COST; i++) {
    cipher.expand(key, [])
    cipher.expand(saltBytes, [])
  }
  const out = Buffer.alloc(24)
  for (let block = 0; block < 24; block += 8) {
    cipher.left = MAGIC.readUInt32BE(block)
    cipher.right = MAGIC.readUInt32BE(block + 4)
    for (let i = 0; i < 64; i++) cipher.encrypt()
    out.writeUInt32BE(cipher.left, block)
    out.writeUInt32BE(cipher.right, block + 4)
  }
  return `$2a$${COST}$${encode(saltBytes)}${encode(out.subarray(0, 23))}`
}
