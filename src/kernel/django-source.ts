/** A row as the source has it: its columns by their names. */
export type SourceRow = Readonly<Record<string, unknown>>

/** Rows of one table, as they come. */
export interface SourceBatch {
  /** The users, the addresses of django-allauth, or the tokens and the blacklist of SimpleJWT, which names tokens by their keys. */
  readonly of: 'users' | 'addresses' | 'tokens' | 'blacklist'
  /** The column of the primary key. */
  readonly primaryKey: string
  readonly rows: readonly SourceRow[]
}

/** The users of a Django service, from wherever they are read. */
export interface DjangoSource {
  /** The table of users as messages name it. */
  readonly users: string
  /** Batches in any order. Throws a StartError when the source is not what it should be. */
  read(): AsyncIterable<SourceBatch>
  /** How much has been read, from 0 to 1. */
  portion(): number
  close(): Promise<void>
}
