import type { Db } from '../../kernel/db.ts'
import { StartError } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/ports.ts'

/** The database's clock as this process knows it. */
export interface DatabaseClock extends Clock {
  stop(): void
}

const intervalMs = 30_000
/** More than a clock that is slewed drifts between two measurements. */
const tolerableStepMs = 1000

interface Sources {
  /** Milliseconds since 1970 at the database. */
  readonly readMs: () => Promise<number>
  /** Milliseconds that only go forward. */
  readonly monotonicMs?: () => number
  /** Milliseconds since 1970 by the clock of this machine. */
  readonly wallMs?: () => number
}

/**
 * Measures the database's clock, so that all instances share one whatever their own clocks say. Between measurements, and while the
 * database is away, the time goes on monotonically. Throws a StartError when the first measurement fails.
 */
export async function startDatabaseClock({
  readMs,
  monotonicMs = () => performance.now(),
  wallMs = Date.now,
}: Sources): Promise<DatabaseClock> {
  /** Milliseconds that the database's clock is ahead of the monotonic one. */
  let offset: number | undefined
  let measuring = false
  let wallOffset = wallMs() - monotonicMs()

  async function measure(): Promise<void> {
    const before = monotonicMs()
    const instant = await readMs()
    const [least, most] = [instant - monotonicMs(), instant - before]
    // A slow answer says little: it moves the clock no further than it proves the clock wrong.
    offset = offset === undefined ? (least + most) / 2 : Math.min(Math.max(offset, least), most)
  }

  async function measureAgain(): Promise<void> {
    if (measuring) return
    measuring = true
    await measure().catch(() => undefined)
    measuring = false
  }

  try {
    await measure()
    // The first one opened the connection; this one is quick.
    await measure()
  } catch (cause) {
    throw new StartError('The time of the database cannot be read. Check DATABASE_URL and that PostgreSQL runs', {
      cause,
    })
  }
  const timer = setInterval(() => void measureAgain(), intervalMs).unref()

  return {
    now() {
      const monotonic = monotonicMs()
      const wallOffsetNow = wallMs() - monotonic
      // The monotonic clock stands still while a machine is suspended.
      if (Math.abs(wallOffsetNow - wallOffset) > tolerableStepMs) {
        wallOffset = wallOffsetNow
        void measureAgain()
      }
      return new Date(monotonic + (offset ?? wallOffset))
    },
    stop() {
      clearInterval(timer)
    },
  }
}

/** As a number: how a timestamp is written depends on the time zone of the connection. */
export async function readDatabaseMs(db: Db): Promise<number> {
  const [row] = await db.$queryRaw<{ ms: number }[]>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`
  if (!row) throw new Error('the database did not say what time it is')
  return row.ms
}
