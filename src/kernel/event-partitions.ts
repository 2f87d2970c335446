import type { CleanUpRun } from './clean-up.ts'
import { deleteDue } from './clean-up.ts'
import type { Db } from './db.ts'
import { sql } from './db.ts'
import type { Clock } from './ports.ts'
import { secondsAfter } from './time.ts'

/**
 * The partitions of the table `events`: one for each month, in UTC, so that the oldest events are dropped as whole tables and not
 * row by row. The migration makes those of its month and of the next three, and the hourly clean-up keeps so many ahead. An event of
 * another month is never refused: it is in the default partition.
 *
 * The two statements are functions in the first migration, which needs one of them too.
 */
export interface EventPartitions {
  /** Makes the partitions that are missing of this month and of the next three. */
  prepare(): Promise<void>
  /** Drops the oldest month that was over so long ago, or deletes some such rows of the default partition; says how many rows. */
  dropSome(retentionSeconds: number, run: CleanUpRun): Promise<number>
}

export function createEventPartitions({ db, clock }: { readonly db: Db; readonly clock: Clock }): EventPartitions {
  return {
    async prepare() {
      await db.$executeRaw`SELECT create_event_partitions(${clock.now()})`
    },
    async dropSome(retentionSeconds, run) {
      const before = secondsAfter(clock.now(), -retentionSeconds)
      const [dropped] = await db.$queryRaw<{ rows: number }[]>`SELECT drop_event_partition(${before}) AS rows`
      return dropped?.rows || (await deleteDue(db, { ...run, table: sql`events_default`, by: sql`at`, before }))
    },
  }
}

/** The clean-up job for events. Without a retention none is deleted. */
export function eventCleanUpJob(retentionSeconds: number | undefined) {
  return async (
    { eventPartitions }: { readonly eventPartitions: EventPartitions },
    run: CleanUpRun,
  ): Promise<number> => {
    await eventPartitions.prepare()
    return retentionSeconds === undefined ? 0 : eventPartitions.dropSome(retentionSeconds, run)
  }
}
