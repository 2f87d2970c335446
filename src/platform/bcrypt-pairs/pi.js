/**
 * The first digits of pi behind the point, in words of 32 bits: what Blowfish starts with, from Machin's formula
 * pi = 16 arctan(1/5) - 4 arctan(1/239).
 *
 * @param {number} count
 * @returns {Uint32Array}
 */
export function fractionOfPi(count) {
  const bits = 32n * BigInt(count)
  // Each of the 9,300 terms is rounded in its last bit.
  const guardBits = 32n
  const one = 1n << (bits + guardBits)

  /** @param {bigint} denominator */
  function arctanOfOneBy(denominator) {
    let sum = 0n
    let sign = 1n
    for (let power = one / denominator, odd = 1n; power > 0n; power /= denominator * denominator, odd += 2n) {
      sum += (sign * power) / odd
      sign = -sign
    }
    return sum
  }

  const pi = (16n * arctanOfOneBy(5n) - 4n * arctanOfOneBy(239n)) >> guardBits
  const digits = BigInt.asUintN(Number(bits), pi)
    .toString(16)
    .padStart(8 * count, '0')
  return Uint32Array.from({ length: count }, (_, index) => Number(`0x${digits.slice(8 * index, 8 * index + 8)}`))
}
