import type { Instant } from './clock.ts'
import { since } from './clock.ts'

/** The fields of answers that bring tokens. */
export interface TokenAnswer {
  readonly access_token: string
  readonly refresh_token?: string | undefined
  readonly expires_in: number
}

export interface AccessToken {
  readonly text: string
  readonly userId: string
  readonly sessionId: string
  /** Each refresh raises it by one. */
  readonly generation: number
  readonly lifetime: number
  readonly arrived: Instant
}

/** Reads the access token of an answer. Its claims are not verified here: they tell sessions apart and decide nothing else. */
export function readAccessToken({ access_token, expires_in }: TokenAnswer, arrived: Instant): AccessToken {
  const payload = access_token.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''
  const { sub, sid, jti } = JSON.parse(atob(payload)) as { sub: string; sid: string; jti: string }
  const generation = Number(jti.split('.')[1])
  return { text: access_token, userId: sub, sessionId: sid, generation, lifetime: expires_in * 1000, arrived }
}

/** Whether it can still be used. */
export function isAlive({ lifetime, arrived }: AccessToken): boolean {
  return since(arrived) < lifetime
}

const longestMargin = 30_000

/** Whether it is to be replaced: a tenth of its lifetime before it ends, and 30 s at most. */
export function isDue({ lifetime, arrived }: AccessToken): boolean {
  return since(arrived) >= lifetime - Math.min(lifetime / 10, longestMargin)
}
