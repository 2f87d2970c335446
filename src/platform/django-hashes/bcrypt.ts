import { createHash } from 'node:crypto'
import bcrypt from 'bcrypt'
import type { DjangoScheme } from './scheme.ts'

const hash = String.raw`\$(?<hash>\$2[ab]\$(?<cost>\d\d)\$[./A-Za-z0-9]{53})$`
const isFeasible: DjangoScheme['isFeasible'] = ({ cost }) => Number(cost) >= 4 && Number(cost) <= 15

/** `bcrypt$` and a hash of the first 72 bytes. */
export const bcryptScheme: DjangoScheme = {
  format: new RegExp(`^bcrypt${hash}`),
  seenBytes: 72,
  isFeasible,
  // Python's bcrypt refuses a NUL, where that of Node may end the password.
  matches: async (password, { hash = '' }) => !password.includes(0) && bcrypt.compare(password, hash),
}

/** `bcrypt_sha256$` and a hash of the hexadecimal digest. */
export const bcryptSha256Scheme: DjangoScheme = {
  format: new RegExp(`^bcrypt_sha256${hash}`),
  isFeasible,
  matches: (password, { hash = '' }) => bcrypt.compare(createHash('sha256').update(password).digest('hex'), hash),
}
