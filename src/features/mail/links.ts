import type { Links } from '../../kernel/terms.ts'

/** The paths may hold `{token}` and `{uid}`, the unpadded base64url of the decimal user id (what Django calls uidb64). */
export interface LinkSettings {
  /** Without a trailing slash. */
  readonly baseUrl: string
  readonly verifyEmailPath: string
  readonly resetPasswordPath: string
}

export function createLinks({ baseUrl, verifyEmailPath, resetPasswordPath }: LinkSettings): Links {
  return {
    verifyEmail: (token) => baseUrl + fill(verifyEmailPath, { token }),
    resetPassword: (token, userId) =>
      baseUrl + fill(resetPasswordPath, { token, uid: Buffer.from(String(userId)).toString('base64url') }),
  }
}

function fill(path: string, values: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    Object.hasOwn(values, name) ? encodeURIComponent(values[name] ?? '') : placeholder,
  )
}
