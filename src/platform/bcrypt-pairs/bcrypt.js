import { timingSafeEqual } from 'node:crypto'
import { createBlowfish, place } from './blowfish.js'
import { fractionOfPi } from './pi.js'

const subkeys = 18
const hashFormat = /^\$2b\$(?<cost>\d\d)\$(?<salt>[./A-Za-z0-9]{22})(?<digest>[./A-Za-z0-9]{31})$/

/**
 * bcrypt (Provos and Mazières 1999) for two passwords at once. The function says of each whether it has its hash, of the form `$2b$`,
 * after as much work for both as for a hash of this cost; no hash has a higher one. The password is text without NUL, of which bcrypt
 * sees 72 bytes.
 *
 * @returns {(passwords: readonly [Comparison, Comparison], cost: number) => [boolean, boolean]}
 * @typedef {{ password: string, hash: string }} Comparison
 */
export function createPairComparer() {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const encrypt = createBlowfish(2, memory)
  const words = new Uint32Array(memory.buffer)
  const initialState = fractionOfPi(place.stateEnd)
  const text = wordsOf(Buffer.from('OrpheanBeholderScryDoubt'), place.textEnd - place.text)

  /** Changes the state of each by its key. @type {(keys: Uint32Array[], mixed: number) => void} */
  function expand(keys, mixed) {
    keys.forEach((key, index) => {
      for (let word = 0, at = index * place.end; word < subkeys; word += 1, at += 1) {
        words[at] = (words[at] ?? 0) ^ (key[word] ?? 0)
      }
    })
    encrypt(4 * place.state, 4 * place.stateEnd, 4 * mixed)
  }

  /** The digest that the state of a password stands for. @type {(index: number) => Buffer} */
  function digestOf(index) {
    const from = index * place.end + place.text
    words.set(text, from)
    for (let time = 0; time < 64; time += 1) {
      for (let block = 4 * place.text; block < 4 * place.textEnd; block += 8) encrypt(block, block + 8, block)
    }
    return bytesOf(words.subarray(from, from + text.length)).subarray(0, 23)
  }

  return (passwords, cost) => {
    const hashes = passwords.map(({ hash }) => partsOf(hash))
    if (hashes.some((hash) => hash.cost > cost)) throw new Error(`No hash may have a cost above ${cost}`)
    const keys = passwords.map(({ password }) => wordsOf(Buffer.from(`${password}\0`), subkeys))
    const salts = hashes.map(({ salt }) => wordsOf(salt, subkeys))
    salts.forEach((salt, index) => {
      words.set(initialState, index * place.end + place.state)
      words.set(salt.subarray(0, 4), index * place.end + place.salt)
    })
    expand(keys, place.salt)
    /** @type {[boolean, boolean]} */
    const matches = [false, false]
    for (let round = 1; round <= 2 ** cost; round += 1) {
      expand(keys, place.zeros)
      expand(salts, place.zeros)
      hashes.forEach((hash, index) => {
        if (round === 2 ** hash.cost) matches[index] = timingSafeEqual(digestOf(index), hash.digest)
      })
    }
    // The strings stay until the garbage collector frees them.
    for (const each of [words, ...keys]) each.fill(0)
    return matches
  }
}

/** @type {(hash: string) => { cost: number, salt: Buffer, digest: Buffer }} */
function partsOf(hash) {
  const { cost, salt = '', digest = '' } = hashFormat.exec(hash)?.groups ?? {}
  if (cost === undefined) throw new Error('The hash is none of bcrypt')
  return { cost: Number(cost), salt: decode(salt), digest: decode(digest) }
}

/** As many words of 32 bits as asked for, of the bytes over and over again. @type {(bytes: Buffer, count: number) => Uint32Array} */
function wordsOf(bytes, count) {
  const repeated = Buffer.alloc(4 * count, bytes)
  return Uint32Array.from({ length: count }, (_, index) => repeated.readUInt32BE(4 * index))
}

/** @type {(words: Uint32Array) => Buffer} */
function bytesOf(words) {
  const bytes = Buffer.alloc(4 * words.length)
  words.forEach((word, index) => {
    bytes.writeUInt32BE(word, 4 * index)
  })
  return bytes
}

/** bcrypt's own base64. @type {(text: string) => Buffer} */
function decode(text) {
  const [own, usual] = [
    './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  ]
  return Buffer.from(
    text.replace(/./g, (character) => usual[own.indexOf(character)] ?? ''),
    'base64',
  )
}
