import type { Db, Sql } from '../../kernel/db.ts'
import { deleteSome, sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { Subject } from './subjects.ts'
import { keptUntil } from './subjects.ts'

/** An attempt that was let through: the how manieth failure in a row it is, unless it succeeds. */
interface CountedAttempt {
  readonly failures: number
  readonly at: Date
}

/** The table of wrong passwords in a row, on the whole database or inside one transaction. */
export interface AttemptStore {
  /** Counts an attempt as failed before it is made; undefined when there may be none now. Racers cannot all be first. */
  count(subject: Subject): Promise<CountedAttempt | undefined>
  /** Takes an attempt back that neither failed nor succeeded. */
  takeBack(subject: Subject, attempt: CountedAttempt): Promise<void>
  /** Counts a failure that was let through elsewhere, and says how many it makes. */
  add(subject: Subject): Promise<number>
  /** The statement that forgets the failures of these, if the condition holds. */
  forgiveness(subjects: readonly Subject[], condition: Sql): Sql
  forgive(subjects: readonly Subject[]): Promise<void>
  /** Deletes some of the rows that nobody will miss; says how many. */
  forgetQuiet(): Promise<number>
}

/** So many wrong passwords in a row, and there will be no further attempt (NIST SP 800-63B, section 3.2.2). */
export const mostFailures = 100

const freeFailures = 5
const firstWaitSeconds = 5
const longestWaitSeconds = 900
/** More than the longest wait takes, and no number that PostgreSQL cannot hold. */
const mostDoublings = 10

/**
 * None after fewer than five failures, then 5, 10, 20 … 640 s and from there on a quarter of an hour. All hundred take
 * at least 22 hours, and whoever has merely forgotten waits for seconds.
 */
const waitAfter = (failures: Sql) => sql`
  CASE WHEN ${failures} < ${freeFailures}::integer THEN interval '0'
    ELSE interval '1 second' * LEAST(
      ${longestWaitSeconds}::integer,
      ${firstWaitSeconds}::integer * power(2, LEAST(${mostDoublings}::integer, ${failures} - ${freeFailures}::integer)))
  END`

export function createAttemptStore({ db, clock }: { db: Db; clock: Clock }): AttemptStore {
  /**
   * The one statement of counting; the guard says whether a row that is there may be counted up. One that may not is
   * written as it is: what is written down has to reach the disk, and the time that it takes would tell who waits.
   */
  async function countUp(subject: Subject, at: Date, guard: Sql): Promise<number | undefined> {
    const counted = await db.$queryRaw<{ failures: number }[]>`
      WITH counted AS (
        INSERT INTO password_attempts AS known (subject, failures, blocked_until, kept_until)
        VALUES (${subject.key}, 1, ${at}, ${keptUntil(subject, at)})
        ON CONFLICT (subject) DO UPDATE SET
          failures = known.failures + 1,
          blocked_until = GREATEST(known.blocked_until, ${at}::timestamptz + ${waitAfter(sql`(known.failures + 1)`)}),
          kept_until = EXCLUDED.kept_until
        WHERE ${guard}
        RETURNING failures
      ),
      refused AS (
        UPDATE password_attempts SET failures = failures WHERE subject = ${subject.key} AND NOT EXISTS (SELECT FROM counted)
      )
      SELECT failures FROM counted`
    return counted[0]?.failures
  }

  const subjectsOf = (subjects: readonly Subject[]) => subjects.map(({ key }) => key)

  return {
    async count(subject) {
      const at = clock.now()
      // The free ones are not compared by time: of two that race, the earlier may be counted later.
      const isFree = sql`known.failures < ${freeFailures}::integer`
      const isOver = sql`known.blocked_until <= ${at} AND known.failures < ${mostFailures}::integer`
      const failures = await countUp(subject, at, sql`(${isFree} OR ${isOver})`)
      return failures === undefined ? undefined : { failures, at }
    },

    async takeBack(subject, { failures, at }) {
      await db.$executeRaw`
        UPDATE password_attempts SET
          failures = failures - 1,
          blocked_until = CASE WHEN failures = ${failures}::integer THEN ${at} ELSE blocked_until END
        WHERE subject = ${subject.key} AND failures > 0`
    },

    async add(subject) {
      return (await countUp(subject, clock.now(), sql`TRUE`)) ?? 0
    },

    forgiveness: (subjects, condition) => sql`
      DELETE FROM password_attempts WHERE subject = ANY(${subjectsOf(subjects)}) AND ${condition}`,

    async forgive(subjects) {
      await db.passwordAttempts.deleteMany({ where: { subject: { in: subjectsOf(subjects) } } })
    },

    forgetQuiet: () => deleteSome(db, sql`password_attempts`, sql`kept_until < ${clock.now()}`),
  }
}
