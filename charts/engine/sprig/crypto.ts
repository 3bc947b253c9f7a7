// sprig's functions that need randomness or keys, certificates excepted. Upstream: sprig v3.3.0 crypto.go.

import { createCipheriv, createDecipheriv, createHmac, scryptSync } from 'node:crypto'
import { GoError } from '../gotypes/error.ts'
import { toBytes } from '../gotypes/utf8.ts'
import { defineFunc, type GoFunc } from '../gotypes/value.ts'
import { withState } from '../template/functions.ts'
import type { State } from '../template/state.ts'
import { bcryptHash } from './bcrypt.ts'
import { decodeBase64 } from './encoding.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const DIGITS = '0123456789'
const ASCII = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')
const MAX_RANDOM = 1_000_000

/** Uniform characters: bytes that would favour some are drawn again. */
function randomText(state: State, alphabet: string, count: number): string {
  if (count < 0 || count > MAX_RANDOM) throw new GoError('runtime error: makeslice: len out of range')
  const limit = 256 - (256 % alphabet.length)
  let out = ''
  while (out.length < count) {
    for (const byte of state.environment.randomBytes(Math.max(16, count - out.length))) {
      if (byte < limit && out.length < count) out += alphabet[byte % alphabet.length]
    }
  }
  return out
}

function randInt(state: State, min: number, max: number): number {
  if (max <= min) throw new GoError('invalid argument to Intn')
  const bytes = Buffer.from(state.environment.randomBytes(8))
  return min + Number(bytes.readBigUInt64BE() % BigInt(max - min))
}

function shuffle(state: State, text: string): string {
  const chars = [...text]
  for (let i = chars.length - 1; i > 0; i--) {
    const j = randInt(state, 0, i + 1)
    const other = chars[j] as string
    chars[j] = chars[i] as string
    chars[i] = other
  }
  return chars.join('')
}

function uuid(state: State): string {
  const bytes = Buffer.from(state.environment.randomBytes(16))
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The password cut or zero padded to 32 bytes is the AES-256 key. */
function aesKey(password: string): Buffer {
  const key = Buffer.alloc(32)
  toBytes(password).copy(key, 0, 0, 32)
  return key
}

function encryptAes(state: State, password: string, text: string): string {
  const iv = Buffer.from(state.environment.randomBytes(16))
  const cipher = createCipheriv('aes-256-cbc', aesKey(password), iv)
  return Buffer.concat([iv, cipher.update(toBytes(text)), cipher.final()]).toString('base64')
}

function decryptAes(password: string, text: string): string {
  const data = decodeBase64(text)
  const decipher = createDecipheriv('aes-256-cbc', aesKey(password), data.subarray(0, 16))
  return Buffer.concat([decipher.update(data.subarray(16)), decipher.final()]).toString('utf8')
}

function bcrypt(state: State, password: string): string {
  return bcryptHash(toBytes(password), state.environment.randomBytes(16))
}

function htpasswd(state: State, user: string, password: string): string {
  if (user.includes(':')) return `invalid username: ${user}`
  return `${user}:${bcrypt(state, password)}`
}

const TEMPLATES: ReadonlyMap<string, readonly string[]> = new Map([
  ['maximum', ['anoxxxxxxxxxxxxxxxxx', 'axxxxxxxxxxxxxxxxxno']],
  [
    'long',
    [
      'CvcvnoCvcvCvcv',
      'CvcvCvcvnoCvcv',
      'CvcvCvcvCvcvno',
      'CvccnoCvcvCvcv',
      'CvccCvcvnoCvcv',
      'CvccCvcvCvcvno',
      'CvcvnoCvccCvcv',
      'CvcvCvccnoCvcv',
      'CvcvCvccCvcvno',
      'CvcvnoCvcvCvcc',
      'CvcvCvcvnoCvcc',
      'CvcvCvcvCvccno',
      'CvccnoCvccCvcv',
      'CvccCvccnoCvcv',
      'CvccCvccCvcvno',
      'CvcvnoCvccCvcc',
      'CvcvCvccnoCvcc',
      'CvcvCvccCvccno',
      'CvccnoCvcvCvcc',
      'CvccCvcvnoCvcc',
      'CvccCvcvCvccno',
    ],
  ],
  ['medium', ['CvcnoCvc', 'CvcCvcno']],
  ['short', ['Cvcn']],
  ['basic', ['aaanaaan', 'aannaaan', 'aaannaaa']],
  ['pin', ['nnnn']],
])
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['V', 'AEIOU'],
  ['C', 'BCDFGHJKLMNPQRSTVWXYZ'],
  ['v', 'aeiou'],
  ['c', 'bcdfghjklmnpqrstvwxyz'],
  ['A', 'AEIOUBCDFGHJKLMNPQRSTVWXYZ'],
  ['a', 'AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz'],
  ['n', '0123456789'],
  ['o', "@&%?,=[]_:-+*$#!'^~;()/."],
  ['x', 'AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()'],
])
const SEED = 'com.lyndir.masterpassword'

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** The MasterPassword algorithm. */
function derivePassword(counter: number, type: string, password: string, user: string, site: string): string {
  const templates = TEMPLATES.get(type)
  if (templates === undefined) return `cannot find password template ${type}`
  const salt = Buffer.concat([Buffer.from(SEED), uint32(toBytes(user).length), toBytes(user)])
  const key = scryptSync(toBytes(password), salt, 64, { N: 32768, r: 8, p: 2, maxmem: 128 * 1024 * 1024 })
  const message = Buffer.concat([Buffer.from(SEED), uint32(toBytes(site).length), toBytes(site), uint32(counter)])
  const seed = createHmac('sha256', key).update(message).digest()
  const template = templates[(seed[0] as number) % templates.length] as string
  return [...template]
    .map((kind, i) => {
      const chars = CLASSES.get(kind) as string
      return chars[(seed[i + 1] as number) % chars.length]
    })
    .join('')
}

const random = (name: string, alphabet: string): GoFunc =>
  withState(defineFunc(name, 'int', 'string', (state: State, count: number) => randomText(state, alphabet, count)))

export const CRYPTO_FUNCTIONS: readonly GoFunc[] = [
  random('randAlphaNum', LETTERS + DIGITS),
  random('randAlpha', LETTERS),
  random('randAscii', ASCII),
  random('randNumeric', DIGITS),
  withState(defineFunc('randInt', 'int, int', 'int', randInt)),
  withState(
    defineFunc('randBytes', 'int', 'string', (state: State, count: number) =>
      Buffer.from(state.environment.randomBytes(count)).toString('base64'),
    ),
  ),
  withState(defineFunc('shuffle', 'string', 'string', shuffle)),
  withState(defineFunc('uuidv4', '', 'string', uuid)),
  withState(defineFunc('encryptAES', 'string, string', 'string', encryptAes)),
  defineFunc('decryptAES', 'string, string', 'string', decryptAes),
  withState(defineFunc('bcrypt', 'string', 'string', bcrypt)),
  withState(defineFunc('htpasswd', 'string, string', 'string', htpasswd)),
  defineFunc('derivePassword', 'int, string, string, string, string', 'string', derivePassword),
]
