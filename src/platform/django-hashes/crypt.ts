import type { DjangoScheme } from './scheme.ts'
import { areEqual } from './scheme.ts'

type Crypt = (password: readonly number[], salt: string) => string

/** `crypt$$hash`: the traditional one of Unix, of the first eight bytes, with a salt of two characters before the hash. */
export const cryptScheme: DjangoScheme = {
  format: /^crypt\$\$(?<hash>(?<salt>[./A-Za-z0-9]{2})[./A-Za-z0-9]{11})$/,
  seenBytes: 8,
  async matches(password, { salt = '', hash = '' }) {
    // @ts-expect-error: it brings no types.
    const { default: crypt }: { default: Crypt } = await import('unix-crypt-td-js')
    return areEqual(Buffer.from(crypt([...password], salt)), Buffer.from(hash))
  },
}
