import type { Caller } from './caller.ts'
import type { User } from './db.ts'

/** A token that Django's SimpleJWT has signed. */
export interface DjangoToken {
  /** The primary key of the user at Django, as text. */
  readonly djangoUserId: string
  readonly jti: string
  /** The token as it came. */
  readonly text: string
  /** In whole seconds, rounded down; 1970 where the token does not say. */
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly isExpired: boolean
}

export interface DjangoTokenVerifier {
  /** Reads a token of this kind; undefined for any other, however well signed, and for tokens of this server. */
  verify(kind: 'access' | 'refresh', token: string): DjangoToken | undefined
}

/** The blacklist in the database of Django. Both throw `database_unavailable` while it cannot be asked. */
export interface DjangoBlacklist {
  has(jti: string): Promise<boolean>
  /**
   * Adds the token and does the work, which the database of Django waits for: a work that fails leaves the token as it was. Undefined,
   * and nothing is done, when the token was there already.
   */
  add<Result>(token: DjangoToken, work: () => Promise<Result>): Promise<Result | undefined>
}

/** The row of a user at Django: the primary key, and what the row has to name, as the key alone may be another user's. */
export interface DjangoRow {
  readonly djangoId: string
  /** The username and the address that it had when it was last read. */
  readonly names: readonly string[]
}

/** The passwords in the database of Django. Throws `database_unavailable` while it cannot be asked. */
export interface DjangoPasswords {
  /**
   * Writes the hash, which is one of Django's, and does the work, which the database of Django waits for: a work that fails leaves the
   * password there as it was. Two changes for one user come one after the other. A user who is not there gets nothing.
   */
  write<Result>(row: DjangoRow, hash: string, work: () => Promise<Result>): Promise<Result>
}

/** Does the work that sets this password for the user, and lets Django know of it where that is wanted. */
export type PasswordWriteBack = <Result>(
  change: { readonly user: User; readonly password: string; readonly caller: Caller },
  work: () => Promise<Result>,
) => Promise<Result>

/** The Django that this server takes the place of. */
export interface Django {
  readonly tokens: DjangoTokenVerifier
  /** Absent: its database cannot be reached from here. */
  readonly blacklist: DjangoBlacklist | undefined
  /** Absent: passwords that change here are not written there. */
  readonly passwords: DjangoPasswords | undefined
}
