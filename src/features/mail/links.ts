/** Where the links in mails lead. Every part of an address but the token comes from the settings, nothing from a request. */
export interface Links {
  verifyEmail(token: string): string
  resetPassword(token: string, userId: number): string
}

/** The paths may hold `{token}` and `{uid}`, the unpadded base64url of the decimal user id (what Django calls uidb64). */
export interface LinkSettings {
  /** Without a trailing slash. */
  readonly frontendUrl: string
  readonly verifyEmailPath: string
  readonly resetPasswordPath: string
}

export function createLinks({ frontendUrl, verifyEmailPath, resetPasswordPath }: LinkSettings): Links {
  return {
    verifyEmail: (token) => frontendUrl + fill(verifyEmailPath, { token }),
    resetPassword: (token, userId) =>
      frontendUrl + fill(resetPasswordPath, { token, uid: Buffer.from(String(userId)).toString('base64url') }),
  }
}

function fill(path: string, values: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    Object.hasOwn(values, name) ? encodeURIComponent(values[name] ?? '') : placeholder,
  )
}
