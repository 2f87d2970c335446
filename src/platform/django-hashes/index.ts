import { argon2Scheme } from './argon2.ts'
import { bcryptScheme, bcryptSha256Scheme } from './bcrypt.ts'
import { cryptScheme } from './crypt.ts'
import { digestScheme } from './digests.ts'
import { pbkdf2Scheme } from './pbkdf2.ts'
import type { DjangoScheme, HashParts } from './scheme.ts'
import { scryptScheme } from './scrypt.ts'

/** A stored hash that Django has written. */
export interface DjangoHash {
  matches(password: string): Promise<boolean>
  /** Whether a hash of this password can take its place without a form of it that Django accepts being refused from then on. */
  isReplaceableBy(password: string): boolean
}

/** Those that anyone with a copy of the table can reverse. */
const weakSchemes = [digestScheme, cryptScheme]
const schemes = [pbkdf2Scheme, argon2Scheme, bcryptSha256Scheme, bcryptScheme, scryptScheme]

/** Reads hashes as Django 1.11 to 5.2 write them; undefined for any other text, and for parameters that would take too long. */
export function createDjangoHashes({ weak }: { readonly weak: boolean }) {
  const accepted = weak ? [...schemes, ...weakSchemes] : schemes
  return (stored: string): DjangoHash | undefined => {
    for (const scheme of accepted) {
      const parts = scheme.format.exec(stored)?.groups
      if (!parts) continue
      return (scheme.isFeasible?.(parts) ?? true) ? djangoHash(scheme, parts) : undefined
    }
    return undefined
  }
}

function djangoHash(scheme: DjangoScheme, parts: HashParts): DjangoHash {
  return {
    async matches(password) {
      // As typed, and as Django REST framework has taken it. Django normalizes no password.
      for (const form of new Set([password, password.trim()])) {
        if (await scheme.matches(Buffer.from(form), parts)) return true
      }
      return false
    },
    isReplaceableBy(password) {
      return Buffer.byteLength(password) <= (scheme.seenBytes ?? Infinity) && password === password.trim()
    },
  }
}
