import type { Db } from '../../kernel/db.ts'

/** A user of an earlier import. */
interface ImportedUser {
  readonly djangoId: string
  /** What Django had when it was last read. */
  readonly profile: Readonly<Record<string, unknown>>
}

/** The table of users who were imported. The import itself writes it in whole statements. */
export interface DjangoUserStore {
  /** Null for a user who was not imported. */
  find(userId: number): Promise<ImportedUser | null>
}

export function createDjangoUserStore({ db }: { readonly db: Db }): DjangoUserStore {
  return {
    async find(userId) {
      const row = await db.djangoUser.findUnique({ where: { userId }, select: { djangoId: true, profile: true } })
      return row && { djangoId: row.djangoId, profile: row.profile as ImportedUser['profile'] }
    },
  }
}
