import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secrets } from './secrets.ts'
import { deriveKey, deriveKeys } from './secrets.ts'

const purpose = 'operator token'
const lifetimeSeconds = 60

/** The header with which a command shows a server that it knows SECRET_KEY. */
export const operatorHeader = 'auth-operator'

function sign(key: Buffer, expiry: number): Buffer {
  return createHmac('sha256', key).update(String(expiry)).digest()
}

/** It is good for a minute, and for questions only: nothing changes by it. */
export function createOperatorToken([secret]: Secrets, now: Date): string {
  const expiry = Math.floor(now.getTime() / 1000) + lifetimeSeconds
  return `${expiry}.${sign(deriveKey(secret, purpose), expiry).toString('base64url')}`
}

export function verifyOperatorToken(token: string, secrets: Secrets, now: Date): boolean {
  const [, expiry = '', signature = ''] = /^(\d{1,12})\.([\w-]{43})$/.exec(token) ?? []
  const remaining = Number(expiry) - now.getTime() / 1000
  if (expiry === '' || remaining <= 0 || remaining > 2 * lifetimeSeconds) return false
  const given = Buffer.from(signature, 'base64url')
  return deriveKeys(secrets, purpose).some((key) => timingSafeEqual(sign(key, Number(expiry)), given))
}
