import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { DjangoScheme } from './scheme.ts'
import { areEqual } from './scheme.ts'

/** `pbkdf2_sha256$iterations$salt$hash`, and the same of SHA-1; Django 5.2 makes 1,000,000 iterations. */
export const pbkdf2Scheme: DjangoScheme = {
  format: /^pbkdf2_(?<digest>sha256|sha1)\$(?<iterations>[1-9]\d*)\$(?<salt>[^$]*)\$(?<hash>[\w+/]+={0,2})$/,
  isFeasible: ({ iterations }) => Number(iterations) <= 4_000_000,
  async matches(password, { digest = '', iterations, salt = '', hash = '' }) {
    const expected = Buffer.from(hash, 'base64')
    const length = digest === 'sha256' ? 32 : 20
    return areEqual(await promisify(pbkdf2)(password, salt, Number(iterations), length, digest), expected)
  },
}

/** Of Django 5.2. Each version reads all numbers, and hashes the password with its own at the next login. */
const iterations = 1_000_000

/** The password as Django hashes it unless it is told otherwise. */
export async function hashAsDjango(password: string): Promise<string> {
  const salt = randomBytes(16).toString('hex')
  const hash = await promisify(pbkdf2)(password, salt, iterations, 32, 'sha256')
  return `pbkdf2_sha256$${iterations}$${salt}$${hash.toString('base64')}`
}
