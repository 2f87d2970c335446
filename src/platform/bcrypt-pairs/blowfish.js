import {
  add,
  and,
  constant,
  get,
  isLess,
  load,
  moduleOf,
  repeatWhile,
  set,
  shiftLeft,
  shiftRight,
  store,
  xor,
} from './webassembly.js'

/** Where things lie in the memory of one key, in words of 32 bits. The memory of the next key follows. */
export const place = {
  /** 18 subkeys and then four S-boxes. */
  state: 0,
  stateEnd: 1042,
  text: 1042,
  textEnd: 1048,
  /** At a multiple of 16 bytes, as are the zeros. */
  salt: 1048,
  zeros: 1052,
  end: 1056,
}

const rounds = 16

/**
 * Blowfish (Schneier 1993) for several keys at once. Each round of a key needs the one before, so a core that computes for one key
 * waits most of the time. Here each round is written for all keys before the next, and the core computes for one key while it waits for
 * another.
 *
 * The function writes the blocks of 8 bytes between two addresses, in the memory of every key. The first is the encryption of 8 bytes,
 * and each further one the encryption of the block before it, XOR 8 bytes. These are the halves, in turn, of 16 bytes at a third address.
 *
 * @param {number} keys
 * @param {WebAssembly.Memory} memory
 */
export function createBlowfish(keys, memory) {
  const [at, end, mixed, spare, firstHalf] = [0, 1, 2, 3, 4]
  const lanes = Array.from({ length: keys }, (_, key) => ({
    left: firstHalf + 2 * key,
    right: firstHalf + 2 * key + 1,
    base: 4 * place.end * key,
  }))
  const subkey = (/** @type {number} */ base, /** @type {number} */ index) => load(constant(0), base + 4 * index)

  const mix = lanes.flatMap(({ left, right, base }) => [
    ...set(left, xor(xor(get(left), load(get(mixed), base)), subkey(base, 0))),
    ...set(right, xor(get(right), load(get(mixed), base + 4))),
  ])
  const encrypt = Array.from({ length: rounds }, (_, index) =>
    lanes.flatMap(({ left, right, base }) => {
      const [read, changed] = index % 2 === 0 ? [left, right] : [right, left]
      return set(changed, xor(xor(get(changed), subkey(base, index + 1)), substitute(read, base)))
    }),
  ).flat()
  const write = lanes.flatMap(({ left, right, base }) => [
    ...set(spare, get(left)),
    ...set(left, xor(get(right), subkey(base, rounds + 1))),
    ...set(right, get(spare)),
    ...store(get(at), base, get(left)),
    ...store(get(at), base + 4, get(right)),
  ])
  const advance = [...set(mixed, xor(get(mixed), constant(8))), ...set(at, add(get(at), constant(8)))]

  const body = repeatWhile([...mix, ...encrypt, ...write, ...advance], isLess(get(at), get(end)))
  const module = new WebAssembly.Module(moduleOf({ parameters: 3, locals: 1 + 2 * keys, body }))
  const { run } = new WebAssembly.Instance(module, { own: { memory } }).exports
  return /** @type {(at: number, end: number, mixed: number) => void} */ (run)
}

/**
 * What Blowfish calls F: each byte of a half is looked up in an S-box of its own.
 *
 * @param {number} half
 * @param {number} base
 */
function substitute(half, base) {
  // A byte of the half at the third bit, as each entry has four bytes.
  const entry = (/** @type {number} */ box, /** @type {number[]} */ shifted) =>
    load(and(shifted, constant(0x3fc)), base + 4 * (place.state + 18 + 256 * box))
  const [first, second, third, fourth] = [
    entry(0, shiftRight(get(half), constant(22))),
    entry(1, shiftRight(get(half), constant(14))),
    entry(2, shiftRight(get(half), constant(6))),
    entry(3, shiftLeft(get(half), constant(2))),
  ]
  return add(xor(add(first, second), third), fourth)
}
