import { AsyncResource } from 'node:async_hooks'
import { randomInt } from 'node:crypto'
import type { Db } from '../../kernel/db.ts'
import type { Meter } from '../../kernel/meter.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { AttemptNeeds } from './attempt.ts'
import { attempt, reasonOf } from './attempt.ts'
import { withDeadline } from './deadline.ts'
import type { ClaimedMail, MailStatus, Outcome } from './queue.ts'
import { createMailQueue } from './queue.ts'

/** Sends the mails of the outbox. Any number of workers may share one database. */
export interface MailWorker {
  /** Looks for due mails every second, and soon after it is woken. */
  start(): void
  /** Takes no further mails and waits for those in flight. */
  stop(): Promise<void>
  /** Looks soon, if it is started. */
  wake(): void
  /** Delivers, started or not, everything that is due now, and resolves when done. */
  drain(): Promise<void>
}

export interface MailWorkerNeeds extends AttemptNeeds {
  readonly db: Db
  readonly logger: Logger
  readonly meter: Meter
  /** How long the worker waits for the database. */
  readonly databaseTimeoutMs?: number
}

const pollMs = 1000
const longestWakeDelayMs = 250
const width = 8

export const mailCounter = {
  name: 'auth_mails_total',
  help: 'Attempts of this process to send a mail, by outcome.',
  label: 'outcome',
  values: ['sent', 'failed', 'abandoned', 'dropped'],
} as const

export function createMailWorker(needs: MailWorkerNeeds): MailWorker {
  const { logger, meter, databaseTimeoutMs = 15_000 } = needs
  const queue = createMailQueue(needs)
  const inFlight = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let wakeTimer: NodeJS.Timeout | undefined
  let stopped = false
  let filling: Promise<void> | undefined
  let again = false
  let outboxAway = false
  /** What the database has not taken yet. It is written before mails are claimed, so that none that was sent is sent again. */
  const unwritten = new Map<ClaimedMail, Outcome>()

  const inTime = <Result>(work: Promise<Result>) => withDeadline(work, databaseTimeoutMs, 'the database took too long')

  /** In the context of the worker: traces would take its statements for those of the request that woke it. */
  const fillLater = AsyncResource.bind((ms: number) =>
    setTimeout(() => {
      wakeTimer = undefined
      void fill()
    }, ms).unref(),
  )

  /** Claims due mails as far as there is room. Callers share one run; a call during the run makes it look once more. */
  function fill(): Promise<void> {
    again = true
    filling ??= takeUp().finally(() => {
      filling = undefined
    })
    return filling
  }

  async function takeUp(): Promise<void> {
    try {
      while (again && !stopped) {
        again = false
        const room = width - inFlight.size
        if (room === 0) return
        await writeAgain()
        const claimed = await inTime(queue.claim(room))
        outboxAway = false
        claimed.forEach(launch)
      }
    } catch (error) {
      if (!outboxAway) logger.error({ reason: reasonOf(error) }, 'the outbox cannot be read; mails wait')
      outboxAway = true
    }
  }

  function launch(mail: ClaimedMail): void {
    const flight = deliver(mail).finally(() => {
      inFlight.delete(flight)
      // There may be a backlog, or a younger mail to the address.
      if (timer) void fill()
    })
    inFlight.add(flight)
  }

  async function deliver(mail: ClaimedMail): Promise<void> {
    const outcome = await attempt(needs, mail)
    try {
      await write(mail, outcome)
    } catch (error) {
      unwritten.set(mail, outcome)
      logger.error({ ...detailsOf(mail), outcome: outcome.status, reason: reasonOf(error) }, 'outcome not written yet')
    }
  }

  async function write(mail: ClaimedMail, outcome: Outcome): Promise<void> {
    const status = await inTime(queue.settle(mail, outcome))
    unwritten.delete(mail)
    meter.count(mailCounter, countedAs(mail, status))
    const details = { ...detailsOf(mail), ...('reason' in outcome && { reason: outcome.reason }) }
    if (status === 'sent') logger.info(details, 'mail sent')
    else if (status === 'queued') logger.warn(details, 'mail not sent, will be tried again')
    else if (status === 'abandoned') logger.error(details, 'mail abandoned: it is sent only if an operator retries it')
    else if (mail.isTokenInvalid) logger.info(details, 'mail dropped: its link leads nowhere any more')
    else logger.error(details, 'mail dropped: it will never be sent')
  }

  /** A mail that was too old to be sent is lost to its reader as one that was given up is. */
  function countedAs({ isTokenInvalid }: ClaimedMail, status: MailStatus) {
    if (status === 'queued') return 'failed'
    return status === 'dropped' && !isTokenInvalid ? 'abandoned' : status
  }

  async function writeAgain(): Promise<void> {
    for (const [mail, outcome] of unwritten) await write(mail, outcome)
  }

  function detailsOf({ id, template, attempts, createdAt }: ClaimedMail) {
    const age = Math.floor((needs.clock.now().getTime() - createdAt.getTime()) / 1000)
    return { mail_id: id, template, attempts, age_seconds: age }
  }

  return {
    start() {
      stopped = false
      timer ??= setInterval(() => void fill(), pollMs).unref()
      void fill()
    },
    async stop() {
      stopped = true
      clearInterval(timer)
      timer = undefined
      clearTimeout(wakeTimer)
      wakeTimer = undefined
      await filling
      await Promise.all(inFlight)
      await writeAgain().catch(() => undefined)
    },
    wake() {
      if (!timer) return
      // After a random delay: without it, sending would slow down the next request, whose response time would reveal
      // that there was a mail.
      wakeTimer ??= fillLater(randomInt(longestWakeDelayMs))
    },
    async drain() {
      for (;;) {
        // A mail that ends while others are claimed may make way for a younger one to its address.
        const wasIdle = inFlight.size === 0
        await fill()
        if (inFlight.size > 0) await Promise.race(inFlight)
        else if (wasIdle) return
      }
    },
  }
}
