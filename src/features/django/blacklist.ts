import type { SourceRow } from '../../kernel/django-source.ts'
import { instantOf, textOf } from './values.ts'

/** A refresh token that SimpleJWT has listed, by its key there. */
export interface StagedToken {
  readonly token_id: string
  readonly jti: string
  readonly expires_at: string
}

/** The tokens that have not expired: others are refused in any case. */
export function liveTokens(rows: readonly SourceRow[], now: Date): StagedToken[] {
  return rows.flatMap(({ id, jti: given, expires_at }) => {
    const [jti, expiresAt] = [textOf(given), instantOf(expires_at)]
    const isLive = expiresAt !== null && new Date(expiresAt) > now
    return isLive && /^[^\0]{1,255}$/.test(jti) ? [{ token_id: textOf(id), jti, expires_at: expiresAt }] : []
  })
}

/** The keys of the tokens that are on the blacklist. */
export function blacklistedKeys(rows: readonly SourceRow[]): { readonly token_id: string }[] {
  return rows.map(({ token_id, token }) => ({ token_id: textOf(token_id ?? token) }))
}
