import type { Links } from '../../kernel/policy.ts'
import { uidOf } from '../../kernel/uid.ts'

/** Whole addresses, which may hold `{token}` and, for a reset, `{uid}`. */
export interface LinkSettings {
  readonly verifyEmail: string
  readonly resetPassword: string
}

export function createLinks({ verifyEmail, resetPassword }: LinkSettings): Links {
  return {
    verifyEmail: (token) => fill(verifyEmail, { token }),
    resetPassword: (token, userId) => fill(resetPassword, { token, uid: uidOf(userId) }),
  }
}

function fill(address: string, values: Readonly<Record<string, string>>): string {
  return address.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    Object.hasOwn(values, name) ? encodeURIComponent(values[name] ?? '') : placeholder,
  )
}
