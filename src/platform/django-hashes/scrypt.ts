import type { ScryptOptions } from 'node:crypto'
import { scrypt } from 'node:crypto'
import type { DjangoScheme } from './scheme.ts'
import { areEqual } from './scheme.ts'

const most = { bytes: 256 * 1024 * 1024, lanes: 16 }

const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(value))
const bytesOf = ({ N, r, p }: Record<string, string>) => 128 * Number(r) * (Number(N) + Number(p) + 2)

/** `scrypt$N$salt$r$p$hash`; Django 4.0 to 5.0 have 16384, 8 and 1, later ones 5 lanes. */
export const scryptScheme: DjangoScheme = {
  format: /^scrypt\$(?<N>[1-9]\d*)\$(?<salt>[^$]*)\$(?<r>[1-9]\d*)\$(?<p>[1-9]\d*)\$(?<hash>[\w+/]{86}==)$/,
  isFeasible: (parts) => isPowerOfTwo(Number(parts.N)) && bytesOf(parts) <= most.bytes && Number(parts.p) <= most.lanes,
  async matches(password, { salt = '', hash = '', ...parts }) {
    const { N, r, p } = parts
    const options = { N: Number(N), r: Number(r), p: Number(p), maxmem: most.bytes }
    return areEqual(await compute(password, salt, options), Buffer.from(hash, 'base64'))
  },
}

function compute(password: Buffer, salt: string, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 64, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
