import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../kernel/ports.ts'

/** A device with which the user has logged in before, with that version of the password. */
interface TrustedDevice {
  readonly id: string
  readonly userId: number
  readonly version: number
}

/** The token that makes a device trusted: browsers get it in a cookie, and programs that ask for it in the body. The lifetime is in seconds. */
export interface DeviceGrant {
  readonly trusted_device: { readonly token: string; readonly lifetime: number }
}

/** The field by which a program asks for the token in the body. */
export const RememberDevice = { remember_device: z.boolean().optional() }

/** The token that the program gets. It sends it as the header Device-Token where it proves a password later. */
export const DeviceToken = { device_token: z.string().optional() }

/** Adds the token to the body for a program that asked for it. */
export function shareDevice<Result extends DeviceGrant>(
  result: Result,
  { remember_device: isAsked = false }: { remember_device?: boolean | undefined },
): Result & { device_token?: string } {
  return isAsked ? { ...result, device_token: result.trusted_device.token } : result
}

/** The cookie that makes a browser trusted. */
export function deviceCookie({ trusted_device: { token, lifetime } }: DeviceGrant) {
  return { value: token, lifetime }
}

/** Tokens of trusted devices, which are those that a user has logged in with. Nothing is stored of them. */
export interface TrustedDevices {
  /** For a device that has just proven the password, or set it. Tokens of an earlier version of the password are not trusted. */
  issue(userId: number, version: number): DeviceGrant
  /** The device of a token; undefined when the token is not authentic or has expired. Takes any string. */
  verify(token: string): TrustedDevice | undefined
}

/** In seconds; each login begins it anew. */
const lifetime = 180 * 86_400

const format =
  /^(?<body>(?<userId>[1-9]\d{0,15})\.(?<version>[1-9]\d{0,9})\.(?<id>[\w-]{22})\.(?<exp>\d{10}))\.(?<mac>[\w-]{43})$/

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
    verify(token) {
      const { body = '', userId, version, id = '', exp, mac = '' } = format.exec(token)?.groups ?? {}
      const received = Buffer.from(mac, 'base64url')
      const isAuthentic = received.length === 32 && keys.some((key) => timingSafeEqual(received, macOf(body, key)))
      return isAuthentic && Number(exp) > now() ? { id, userId: Number(userId), version: Number(version) } : undefined
    },
  }
}
