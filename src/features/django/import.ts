import type { Caller } from '../../kernel/caller.ts'
import type { DjangoSource } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'
import type { Ports } from '../../kernel/ports.ts'
import { blacklistedKeys, liveTokens } from './blacklist.ts'
import type { Reading } from './candidate.ts'
import { candidateOf } from './candidate.ts'
import type { Mapping } from './fields.ts'
import { columnsOf } from './fields.ts'
import { resolveByRenaming } from './rename.ts'
import { markConflicts } from './statements/conflicts.ts'
import { mergeKnownUsers } from './statements/known-users.ts'
import type { Counts, Deviation } from './statements/outcome.ts'
import { countOutcome, listDeviations } from './statements/outcome.ts'
import type { ImportDb } from './statements/staging.ts'
import {
  analyzeStaging,
  createStaging,
  stageAddresses,
  stageUsers,
  takeLock,
  verifyByAddresses,
} from './statements/staging.ts'
import { stageBlacklist, stageTokens, takeBlacklist } from './statements/take-blacklist.ts'
import { takeNewUsers } from './statements/take-new.ts'
import { updateKnownUsers } from './statements/update-known.ts'
import { verifiedAddresses, verifiedBy } from './verified.ts'

export interface ImportOptions {
  readonly mapping: Mapping
  /** For `fail`, one user who cannot be taken keeps all from being taken. */
  readonly onConflict: 'fail' | 'skip' | 'rename'
  /** Without it, a missing address is a conflict. */
  readonly missingEmail?: 'skip' | 'placeholder' | undefined
  /** `active`, `allauth`, `all`, `none` or a column. Without it: allauth where it is there, else active. */
  readonly verified?: string | undefined
  readonly isDryRun: boolean
  /** What has changed at Django since the last import has changed after this instant. Absent: at any time since then. */
  readonly unchangedUntil?: Date | undefined
}

export interface ImportPlan {
  readonly counts: Counts
  readonly deviations: readonly Deviation[]
  /** Whether nothing is taken, as there are conflicts. */
  readonly isRefused: boolean
}

/** Where the users come from, the transaction that they are taken in, and what is told meanwhile. */
interface Surroundings {
  readonly source: DjangoSource
  readonly db: ImportDb
  readonly onProgress: (step: string, portion?: number) => void
}

/** As PostgreSQL tells it: these statements are not sent by Prisma. */
const isUniqueViolation = (error: { readonly code?: unknown }) => error.code === '23505'

const overtaken = (cause: Error) =>
  new StartError(
    'Nothing is taken over, as a user has registered or changed meanwhile with an id, username or address of the import: run it again',
    { cause },
  )

export function createDjangoImport({ ports: { clock, phones } }: { readonly ports: Pick<Ports, 'clock' | 'phones'> }) {
  async function stage({ source, db, onProgress }: Surroundings, options: ImportOptions): Promise<void> {
    let reading: Reading | undefined
    let hasAddresses = false
    // The database takes one batch while the next one is read.
    let staged: Promise<void> = Promise.resolve()
    for await (const { of, primaryKey, rows } of source.read()) {
      // That there are any says who vouches for addresses, also where the users of this source have none.
      if (of === 'addresses') hasAddresses = true
      const [first] = rows
      if (!first) continue
      if (of !== 'users') await staged
      if (of === 'addresses') {
        await stageAddresses(db, verifiedAddresses(rows))
        continue
      }
      if (of === 'tokens') {
        await stageTokens(db, liveTokens(rows, clock.now()))
        continue
      }
      if (of === 'blacklist') {
        await stageBlacklist(db, blacklistedKeys(rows))
        continue
      }
      const table = { name: source.users, primaryKey, columns: Object.keys(first) }
      reading ??= {
        columns: columnsOf(table, options.mapping),
        isVerified: verifiedBy(options.verified ?? 'active', table),
        placeholders: options.missingEmail === 'placeholder',
        phones,
      }
      const usedReading = reading
      const candidates = rows.map((row) => candidateOf(row, usedReading))
      await staged
      staged = stageUsers(db, candidates)
      // A failure is thrown by the wait for it, and is not unheard until then.
      staged.catch(() => undefined)
      onProgress('Reading', source.portion())
    }
    await staged
    if (options.verified === 'allauth' && !hasAddresses) {
      throw new StartError('There are no addresses of django-allauth: choose another rule with --verified')
    }
    await analyzeStaging(db)
    if (options.verified === 'allauth' || (options.verified === undefined && hasAddresses)) await verifyByAddresses(db)
  }

  async function write(db: ImportDb, { unchangedUntil }: ImportOptions, operator: Caller): Promise<void> {
    const now = clock.now()
    await updateKnownUsers(db, { now, unchangedUntil }, operator)
    await takeNewUsers(db, now, operator)
    await takeBlacklist(db, now)
  }

  return {
    /** Keeps other imports from following a Django until this transaction ends, which can call it again. False: another one follows. */
    takeFollowerLock: (db: ImportDb) => takeLock(db, 'follower'),

    /** Takes the users over in the transaction. What is refused, or a dry run, has written nothing that a commit would keep. */
    async importUsers(from: Surroundings, options: ImportOptions, operator: Caller): Promise<ImportPlan> {
      const { db, onProgress } = from
      if (!(await takeLock(db, 'import')))
        throw new StartError('Another import runs: run this one again when that has ended')
      await createStaging(db)
      await stage(from, options)
      onProgress('Comparing')
      await mergeKnownUsers(db)
      await markConflicts(db)
      if (options.onConflict === 'rename') await resolveByRenaming(db)
      const [counts, deviations] = [await countOutcome(db), await listDeviations(db)]
      const isConflict = ({ isLeftOut, problem }: Deviation) =>
        isLeftOut && !(problem === 'email_missing' && options.missingEmail === 'skip')
      const isRefused = options.onConflict === 'fail' && deviations.some(isConflict)
      if (!isRefused && !options.isDryRun) {
        onProgress('Writing')
        await write(db, options, operator).catch((cause) =>
          Promise.reject(isUniqueViolation(cause) ? overtaken(cause) : cause),
        )
      }
      return { counts, deviations, isRefused }
    },
  }
}
