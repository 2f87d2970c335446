import { createPublicKey } from 'node:crypto'
import type { SettingsRead } from './read-settings.ts'

/** What contradicts itself in the settings for tokens of Django, with what is said of it. */
export function djangoRules({ given, values, isAbsent, sourceOf }: SettingsRead): [boolean, string][] {
  const { keys, algorithm, accessTokens, writePasswords } = values.djangoTokens
  const isSymmetric = algorithm !== 'RS256'
  const isRead = given.DJANGO_ALGORITHM !== undefined || isAbsent('DJANGO_ALGORITHM')
  const source = sourceOf('DJANGO_SECRET_KEY')
  return [
    [
      isAbsent('DJANGO_SECRET_KEY') && (accessTokens || given.DJANGO_DATABASE_URL !== undefined),
      'DJANGO_SECRET_KEY must be set when DJANGO_ACCESS_TOKENS is on or DJANGO_DATABASE_URL is set: without it no token of Django is accepted',
    ],
    [
      writePasswords && isAbsent('DJANGO_DATABASE_URL'),
      'DJANGO_DATABASE_URL must be set when DJANGO_WRITE_PASSWORDS is on: name the database that gets the passwords',
    ],
    [
      // A public key is no secret: a token signed with it as if it were one could be made by anyone.
      isRead && isSymmetric && keys.some((key) => key.startsWith('-----BEGIN')),
      `${source} must not be a key in PEM unless DJANGO_ALGORITHM is RS256`,
    ],
    [
      isRead && !isSymmetric && !keys.every(isPublicRsaKey),
      `${source} must be a public RSA key in PEM when DJANGO_ALGORITHM is RS256; several are separated by commas`,
    ],
  ]
}

function isPublicRsaKey(pem: string): boolean {
  try {
    return pem.startsWith('-----BEGIN PUBLIC KEY') && createPublicKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}
