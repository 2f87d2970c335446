import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kernel/ports.ts'

/** That somebody logged in with this device before. */
interface KnownDevice {
  readonly id: string
  readonly userId: number
}

/** Tokens by which the devices that a user logged in with are known again. Nothing is stored of them. */
export interface DeviceTokens {
  issue(userId: number): string
  /** Any string may be read. */
  read(token: string): KnownDevice | undefined
}

/** As long as people come back to a device; each login begins anew. */
export const deviceLifetime = 180 * 86_400

const format = /^(?<body>(?<userId>[1-9]\d{0,9})\.(?<id>[\w-]{22})\.(?<exp>\d{10}))\.(?<mac>[\w-]{43})$/

/** `user.device.expiry.mac`; the first key signs, all verify. */
export function createDeviceTokens({
  keys,
  clock,
}: {
  keys: readonly [Buffer, ...Buffer[]]
  clock: Clock
}): DeviceTokens {
  const macOf = (body: string, key: Buffer) => createHmac('sha256', key).update(body).digest()
  const now = () => Math.floor(clock.now().getTime() / 1000)
  return {
    issue(userId) {
      const body = `${userId}.${randomBytes(16).toString('base64url')}.${now() + deviceLifetime}`
      return `${body}.${macOf(body, keys[0]).toString('base64url')}`
    },
    read(token) {
      const { body = '', userId, id = '', exp, mac = '' } = format.exec(token)?.groups ?? {}
      const shown = Buffer.from(mac, 'base64url')
      const isOurs = shown.length === 32 && keys.some((key) => timingSafeEqual(shown, macOf(body, key)))
      return isOurs && Number(exp) > now() ? { id, userId: Number(userId) } : undefined
    },
  }
}
