import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** Derives a 256-bit key for one purpose (HKDF-SHA-256, RFC 5869): no key serves two purposes. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `auth-server ${purpose}`, 32))
}

/** Several secrets of one setting: the first is used for new values, all of them for old ones. */
export type Secrets = readonly [string, ...string[]]

/** One key for this purpose from each secret, in their order. */
export function deriveKeys([first, ...others]: Secrets, purpose: string): readonly [Buffer, ...Buffer[]] {
  return [deriveKey(first, purpose), ...others.map((secret) => deriveKey(secret, purpose))]
}

/**
 * The key that signs access tokens where no other is given. It is a text, so that it can be pasted into the settings of a service that
 * verifies them: the HMAC key is its bytes, as Django's SIGNING_KEY is. No other key can be derived from it.
 */
export function deriveAccessTokenKey(secret: string): string {
  return deriveKey(secret, 'access token').toString('base64url')
}

/** A token for a mail: 256 random bits in base64url. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

/** The stored form of such a token. A token has 256 random bits, so a plain digest suffices. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

const nonceLength = 12
const tagLength = 16

/** Keeps short texts unreadable in the database (AES-256-GCM). The first key encrypts, all of them decrypt. */
export interface Cipher {
  encrypt(text: string): Uint8Array<ArrayBuffer>
  /** Throws when none of the keys fits. */
  decrypt(encrypted: Uint8Array): string
}

export function createCipher(keys: readonly [Buffer, ...Buffer[]]): Cipher {
  return {
    encrypt(text) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', keys[0], nonce)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), body]))
    },
    decrypt(encrypted) {
      const nonce = encrypted.subarray(0, nonceLength)
      const tag = encrypted.subarray(nonceLength, nonceLength + tagLength)
      const body = encrypted.subarray(nonceLength + tagLength)
      for (const key of keys) {
        try {
          const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(tag)
          return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
        } catch {
          // Encrypted with another of the keys.
        }
      }
      throw new Error('none of the secret keys decrypts this; was SECRET_KEY replaced instead of extended?')
    },
  }
}
