import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import type { Db, User } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { DjangoToken } from '../../kernel/django.ts'
import type { Clock } from '../../kernel/ports.ts'
import { findDjangoUser } from './statements/find-django-user.ts'

type Expiring = Pick<DjangoToken, 'jti' | 'expiresAt'>

/** What a spent token stands for: a session and a generation of its tokens, or nothing, where it is on the blacklist. */
export interface SpentToken {
  readonly sessionId: string | null
  readonly generation: number
}

/** The table of Django's refresh tokens that are spent. */
export interface DjangoTokenStore {
  /** The user whose token names this primary key of Django. */
  findUser(djangoUserId: string): Promise<User | null>
  find(jti: string): Promise<SpentToken | null>
  /** Notes that a session takes the place of the token; false when it is spent already. */
  swap(token: Expiring, session: { readonly sessionId: string; readonly generation: number }): Promise<boolean>
  /** Puts the token on the blacklist; false when it is spent already. */
  blacklist(token: Expiring): Promise<boolean>
  /** Deletes some of the tokens that expired long ago; says how many. */
  deleteExpired(run: CleanUpRun): Promise<number>
}

export function createDjangoTokenStore({ db, clock }: { readonly db: Db; readonly clock: Clock }): DjangoTokenStore {
  return {
    findUser: (djangoUserId) => findDjangoUser(db, djangoUserId),

    find: (jti) => db.djangoToken.findUnique({ where: { jti }, select: { sessionId: true, generation: true } }),

    async swap({ jti, expiresAt }, { sessionId, generation }) {
      const { count } = await db.djangoToken.createMany({
        data: [{ jti, expiresAt, sessionId, generation, spentAt: clock.now() }],
        skipDuplicates: true,
      })
      return count === 1
    },

    async blacklist({ jti, expiresAt }) {
      const { count } = await db.djangoToken.createMany({
        data: [{ jti, expiresAt, spentAt: clock.now() }],
        skipDuplicates: true,
      })
      return count === 1
    },

    deleteExpired: (run) => deleteDue(db, { ...run, table: sql`django_tokens`, by: sql`expires_at` }),
  }
}
