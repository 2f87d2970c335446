import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../kernel/ports.ts'

/** That somebody logged in with this device before, with that version of the password. */
interface TrustedDevice {
  readonly id: string
  readonly userId: number
  readonly version: number
}

/** By what a device is known again: browsers get the token in a cookie, and programs that ask for it in the body. The lifetime is in seconds. */
export interface DeviceGrant {
  readonly trusted_device: { readonly token: string; readonly lifetime: number }
}

/** What a program sends to be known again, beside what an endpoint takes. */
export const RememberDevice = { remember_device: z.boolean().optional() }

/** What it gets, and shows as the header Device-Token where it proves a password later. */
export const DeviceToken = { device_token: z.string().optional() }

/** Names the token in the body for a program that asked for it. */
export function shareDevice<Result extends DeviceGrant>(
  result: Result,
  { remember_device: isAsked = false }: { remember_device?: boolean | undefined },
): Result & { device_token?: string } {
  return isAsked ? { ...result, device_token: result.trusted_device.token } : result
}

/** The cookie by which a browser is known again. */
export function deviceCookie({ trusted_device: { token, lifetime } }: DeviceGrant) {
  return { value: token, lifetime }
}

/** Tokens by which the devices that a user logged in with are known again. Nothing is stored of them. */
export interface TrustedDevices {
  /** For a device that has just proven the password, or set it. Who had an older one is a stranger to the next. */
  issue(userId: number, version: number): DeviceGrant
  /** Any string may be read. */
  read(token: string): TrustedDevice | undefined
}

/** As long as people come back to a device; each login begins anew. */
const lifetime = 180 * 86_400

const format =
  /^(?<body>(?<userId>[1-9]\d{0,9})\.(?<version>[1-9]\d{0,9})\.(?<id>[\w-]{22})\.(?<exp>\d{10}))\.(?<mac>[\w-]{43})$/

/** `user.version.device.expiry.mac`; the first key signs, all verify. */
export function createTrustedDevices({
  keys,
  clock,
}: {
  keys: readonly [Buffer, ...Buffer[]]
  clock: Clock
}): TrustedDevices {
  const macOf = (body: string, key: Buffer) => createHmac('sha256', key).update(body).digest()
  const now = () => Math.floor(clock.now().getTime() / 1000)
  return {
    issue(userId, version) {
      const body = `${userId}.${version}.${randomBytes(16).toString('base64url')}.${now() + lifetime}`
      return { trusted_device: { token: `${body}.${macOf(body, keys[0]).toString('base64url')}`, lifetime } }
    },
    read(token) {
      const { body = '', userId, version, id = '', exp, mac = '' } = format.exec(token)?.groups ?? {}
      const shown = Buffer.from(mac, 'base64url')
      const isAuthentic = shown.length === 32 && keys.some((key) => timingSafeEqual(shown, macOf(body, key)))
      return isAuthentic && Number(exp) > now() ? { id, userId: Number(userId), version: Number(version) } : undefined
    },
  }
}
