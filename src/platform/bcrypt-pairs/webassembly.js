/**
 * The few instructions of WebAssembly that Blowfish needs, as bytes (W3C, WebAssembly Core Specification, section 5). An expression
 * is the bytes of its operands and then its own.
 *
 * @typedef {number[]} Code
 */

const integer = 0x7f

/** @type {(local: number) => Code} */
export const get = (local) => [0x20, local]
/** @type {(local: number, value: Code) => Code} */
export const set = (local, value) => [...value, 0x21, local]
/** @type {(value: number) => Code} */
export const constant = (value) => [0x41, ...signed(value)]

export const isLess = binary(0x49)
export const add = binary(0x6a)
export const and = binary(0x71)
export const xor = binary(0x73)
export const shiftLeft = binary(0x74)
export const shiftRight = binary(0x76)

/** @type {(address: Code, offset: number) => Code} */
export const load = (address, offset) => [...address, 0x28, wordAlignment, ...unsigned(offset)]
/** @type {(address: Code, offset: number, value: Code) => Code} */
export const store = (address, offset, value) => [...address, ...value, 0x36, wordAlignment, ...unsigned(offset)]
const wordAlignment = 2

/** Runs the body once, and again as long as the condition holds. @type {(body: Code, condition: Code) => Code} */
export const repeatWhile = (body, condition) => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b]

/**
 * A module of one function, `run`, without a result. It imports its memory as `own.memory`.
 *
 * @param {{ parameters: number, locals: number, body: Code }} code
 */
export function moduleOf({ parameters, locals, body }) {
  const type = [0x60, ...listOf(Array.from({ length: parameters }, () => [integer])), 0]
  const memory = [...nameOf('own'), ...nameOf('memory'), 0x02, 0, 1]
  const code = [...listOf([[...unsigned(locals), integer]]), ...body, 0x0b]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [type]),
    ...section(2, [memory]),
    ...section(3, [[0]]),
    ...section(7, [[...nameOf('run'), 0, 0]]),
    ...section(10, [sized(code)]),
  ])
}

/** @type {(opcode: number) => (left: Code, right: Code) => Code} */
function binary(opcode) {
  return (left, right) => [...left, ...right, opcode]
}

/** @type {(id: number, items: Code[]) => Code} */
function section(id, items) {
  return [id, ...sized(listOf(items))]
}

/** @type {(items: Code[]) => Code} */
function listOf(items) {
  return [...unsigned(items.length), ...items.flat()]
}

/** @type {(bytes: Code) => Code} */
function sized(bytes) {
  return [...unsigned(bytes.length), ...bytes]
}

/** @type {(name: string) => Code} */
function nameOf(name) {
  return sized([...Buffer.from(name)])
}

/** LEB128. @type {(value: number) => Code} */
function unsigned(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** LEB128 with a sign. @type {(value: number) => Code} */
function signed(value) {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
