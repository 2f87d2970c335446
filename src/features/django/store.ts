import type { Db } from '../../kernel/db.ts'
import type { DjangoRow } from '../../kernel/django.ts'
import { textOf } from './values.ts'

/** The table of users who were imported. The import itself writes it in whole statements. */
export interface DjangoUserStore {
  /** The row that was imported as this user; null for others. */
  find(userId: number): Promise<DjangoRow | null>
}

export function createDjangoUserStore({ db }: { readonly db: Db }): DjangoUserStore {
  return {
    async find(userId) {
      const row = await db.djangoUser.findUnique({ where: { userId }, select: { djangoId: true, profile: true } })
      // Not the names that the user has here, which the user can choose: with that of another user, the row of that one would do.
      const { username, email } = (row?.profile ?? {}) as Readonly<Record<string, unknown>>
      return row && { djangoId: row.djangoId, names: [username, email].map(textOf).filter(Boolean) }
    },
  }
}
