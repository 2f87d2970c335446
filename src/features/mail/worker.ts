import { randomInt } from 'node:crypto'
import type { Db } from '../../kernel/db.ts'
import type { Clock, Logger, Mail, Mailer } from '../../kernel/ports.ts'
import { MailRefused } from '../../kernel/ports.ts'
import type { Cipher } from '../../kernel/secrets.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { ClaimedMail, Outcome } from './queue.ts'
import { createMailQueue } from './queue.ts'
import type { MailTemplate } from './template.ts'
import { renderMail } from './template.ts'

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

export interface MailWorkerNeeds {
  readonly db: Db
  readonly clock: Clock
  readonly cipher: Cipher
  readonly mailer: Mailer
  /** All templates there are. (A template of any values is a `MailTemplate<never>`.) */
  readonly templates: readonly MailTemplate<never>[]
  readonly logger: Logger
  /** How long one mail may take to be handed over; it has to be well below the lease. */
  readonly sendTimeoutMs?: number
}

const pollMs = 1000
const longestWakeDelayMs = 250
const width = 8
const usualStaleAfterSeconds = 3 * 86_400

export function createMailWorker(needs: MailWorkerNeeds): MailWorker {
  const { logger } = needs
  const queue = createMailQueue(needs)
  const inFlight = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let wakeTimer: NodeJS.Timeout | undefined
  let stopped = false
  let filling: Promise<void> | undefined
  let again = false
  let backlog = false
  let outboxAway = false

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
        const claimed = await queue.claim(room)
        backlog = claimed.length === room
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
      if (timer && backlog) void fill()
    })
    inFlight.add(flight)
  }

  async function deliver(mail: ClaimedMail): Promise<void> {
    const outcome = await attempt(needs, mail)
    const age = Math.floor((needs.clock.now().getTime() - mail.createdAt.getTime()) / 1000)
    const details = { mail_id: mail.id, template: mail.template, attempts: mail.attempts, age_seconds: age }
    try {
      const status = await queue.settle(mail, outcome)
      if (outcome.status === 'sent') logger.info(details, 'mail sent')
      else if (status === 'queued')
        logger.warn({ ...details, reason: outcome.reason }, 'mail not sent, will be tried again')
      else logger.error({ ...details, reason: outcome.reason }, 'mail abandoned: it will never be sent')
    } catch (error) {
      const reason = reasonOf(error)
      logger.error({ ...details, outcome: outcome.status, reason }, 'mail will be sent again: its outcome was not kept')
    }
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
    },
    wake() {
      if (!timer) return
      // After a random delay: without it, sending would slow down the next request, whose response time would reveal
      // that there was a mail.
      wakeTimer ??= setTimeout(() => {
        wakeTimer = undefined
        void fill()
      }, randomInt(longestWakeDelayMs)).unref()
    },
    async drain() {
      for (;;) {
        await fill()
        if (inFlight.size === 0) return
        await Promise.race(inFlight)
      }
    },
  }
}

/** Never rejects: a failure is an outcome too. */
async function attempt(needs: MailWorkerNeeds, mail: ClaimedMail): Promise<Outcome> {
  const { clock, templates, mailer, sendTimeoutMs = 30_000 } = needs
  const template = templates.find(({ name }) => name === mail.template)
  const staleAt = secondsAfter(mail.createdAt, template?.staleAfterSeconds ?? usualStaleAfterSeconds)
  if (clock.now() >= staleAt) {
    return {
      status: 'abandoned',
      reason: `too old to be worth sending${mail.lastError ? `; before: ${mail.lastError}` : ''}`,
    }
  }
  // Temporary: while a deployment rolls, a newer instance may know it.
  if (!template) return { status: 'failed', reason: 'this instance knows no such template', staleAt }
  try {
    await withDeadline(mailer.send(write(needs, template, mail)), sendTimeoutMs)
    return { status: 'sent' }
  } catch (error) {
    const reason = reasonOf(error)
    return error instanceof MailRefused ? { status: 'abandoned', reason } : { status: 'failed', reason, staleAt }
  }
}

function write({ cipher }: MailWorkerNeeds, template: MailTemplate<never>, mail: ClaimedMail): Mail {
  // The values were encrypted under the name of this template: enqueue() takes no others.
  const values = JSON.parse(cipher.decrypt(mail.encryptedValues)) as never
  return { recipient: mail.recipient, ...renderMail(template.write(values)) }
}

/** Fails when the work takes too long, so that a mailer that never answers cannot hold its place for ever. */
async function withDeadline(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the mail server took too long')), milliseconds)
  })
  try {
    await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** A short reason for the log. A mail server may quote the mail that it refuses: no link, no address and nothing like a token remains. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message
    .replace(/\s+/g, ' ')
    .replace(/https?:\S+|[^\s<>"(),:;]+@[\w.-]+|[\w-]{20,}/g, '…')
    .trim()
    .slice(0, 200)
}
