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

/** The Django that this server takes the place of. */
export interface Django {
  readonly tokens: DjangoTokenVerifier
  /** Absent: its database cannot be reached from here. */
  readonly blacklist: DjangoBlacklist | undefined
}
