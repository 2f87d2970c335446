import type { Problem } from '../problems.ts'
import type { ImportDb } from './staging.ts'

export interface Counts {
  /** Users who were not here. */
  readonly taken: number
  /** Users of earlier imports of whom something has changed at Django. */
  readonly updated: number
  readonly unchanged: number
  readonly leftOut: number
}

export async function countOutcome(db: ImportDb): Promise<Counts> {
  const [counts] = await db.$queryRaw<Counts[]>`
    SELECT count(*) FILTER (WHERE problem IS NULL AND NOT is_known)::integer AS taken,
      count(*) FILTER (WHERE problem IS NULL AND is_known AND (takes_password OR takes_profile))::integer AS updated,
      count(*) FILTER (WHERE problem IS NULL AND is_known AND NOT (takes_password OR takes_profile))::integer AS unchanged,
      count(*) FILTER (WHERE problem IS NOT NULL)::integer AS "leftOut"
    FROM staged_users`
  return counts as Counts
}

/** A user who is not taken as Django has it. */
export interface Deviation {
  readonly djangoId: string
  readonly username: string
  readonly email: string
  /** Why the user is left out, or has another username; null where some fields alone are not what they were. */
  readonly problem: Problem | null
  readonly isLeftOut: boolean
  /** The other username. */
  readonly renamedTo: string | null
  /** The fields that were altered or emptied, as rules here refuse them. */
  readonly altered: string
}

/** In the order of the source. */
export function listDeviations(db: ImportDb): Promise<Deviation[]> {
  return db.$queryRaw<Deviation[]>`
    SELECT django_id AS "djangoId", given_username AS username, given_email AS email, coalesce(problem, renamed_for) AS problem,
      problem IS NOT NULL AS "isLeftOut", CASE WHEN problem IS NULL AND renamed_for IS NOT NULL THEN username END AS "renamedTo",
      altered
    FROM staged_users
    WHERE problem IS NOT NULL OR renamed_for IS NOT NULL OR altered <> '' AND NOT is_known
    ORDER BY position`
}

export interface NamedUser {
  readonly position: bigint
  readonly djangoId: string
  readonly username: string
  readonly email: string
}

/** The users with one of these problems. */
export function listWithProblem(db: ImportDb, problems: readonly Problem[]): Promise<NamedUser[]> {
  return db.$queryRaw<NamedUser[]>`
    SELECT position, django_id AS "djangoId", username, email FROM staged_users
    WHERE problem = ANY(${problems}) AND NOT is_known`
}

/** Gives them other names, which resolves the problem. */
export async function renameUsers(
  db: ImportDb,
  renamed: readonly { readonly position: string; readonly username: string; readonly username_key: string }[],
): Promise<void> {
  await db.$executeRaw`
    UPDATE staged_users AS staged
    SET username = renamed.username, username_key = renamed.username_key, renamed_for = coalesce(staged.renamed_for, staged.problem), problem = NULL
    FROM json_populate_recordset(NULL::staged_users, ${JSON.stringify(renamed)}::json) AS renamed
    WHERE staged.position = renamed.position`
}
