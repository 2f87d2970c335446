import type { StagedToken } from '../blacklist.ts'
import type { ImportDb } from './staging.ts'

export async function stageTokens(db: ImportDb, tokens: readonly StagedToken[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO staged_tokens
    SELECT token_id, jti, expires_at FROM json_populate_recordset(NULL::staged_tokens, ${JSON.stringify(tokens)}::json)`
}

export async function stageBlacklist(db: ImportDb, keys: readonly { readonly token_id: string }[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO staged_blacklist
    SELECT token_id FROM json_populate_recordset(NULL::staged_blacklist, ${JSON.stringify(keys)}::json)`
}

/**
 * Refuses the tokens that are on the blacklist of Django, but those that were swapped here: a session has taken their place.
 *
 * It gains: one statement for all of them. It costs: it writes the table of tokens that are spent, which another feature has.
 */
export async function takeBlacklist(db: ImportDb, now: Date): Promise<void> {
  await db.$executeRaw`
    INSERT INTO django_tokens (jti, spent_at, expires_at)
    SELECT jti, ${now}::timestamptz, expires_at FROM staged_tokens WHERE token_id IN (SELECT token_id FROM staged_blacklist)
    ON CONFLICT DO NOTHING`
}
