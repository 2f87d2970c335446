import { randomUUID } from 'node:crypto'
import type { MailTemplate } from '../../src/features/mail/index.ts'
import {
  createMailAdministration,
  createMailRecords,
  createMailTokens,
  createMailWorker,
  createOutbox,
  defineMailTemplate,
} from '../../src/features/mail/index.ts'
import { createMailQueue } from '../../src/features/mail/queue.ts'
import type { Caller } from '../../src/kernel/caller.ts'
import type { Db } from '../../src/kernel/db.ts'
import { createEvents } from '../../src/kernel/events.ts'
import { noMeter } from '../../src/kernel/meter.ts'
import type { Mail, Mailer } from '../../src/kernel/ports.ts'
import { createCipher, deriveKey } from '../../src/kernel/secrets.ts'
import { createUnitOfWork } from '../../src/kernel/unit-of-work.ts'
import { connectDatabase } from '../../src/platform/database/database.ts'
import { freshDatabase, patientLimits } from './database.ts'

/** A mail template with every part that a template can have. */
export const invitation = defineMailTemplate<{ name: string; token: string }>({
  name: 'invitation',
  staleAfterSeconds: 6 * 3600,
  write: ({ name, token }) => ({
    subject: `Welcome, ${name}`,
    paragraphs: [`Hello ${name}, Bob invited you.`],
    link: { label: 'Come in', url: `https://app.example.com/verify#${token}` },
  }),
})

/** A caller without a request, as a command is. */
const operator = { ip: '', network: '', userAgent: '', requestId: randomUUID(), policy: {} } as unknown as Caller

/** The mail feature on a database of its own, with a clock that only `pass` moves. */
export async function createMailWorld() {
  const database = connectDatabase({ url: await freshDatabase(), poolSize: 10, ...patientLimits })
  const { db, transaction, afterCommit } = database
  let now = new Date('2026-03-01T12:00:00Z')
  const clock = { now: () => now }
  const cipher = createCipher([deriveKey('a key for tests', 'outbox')])
  const logged: object[] = []
  const tokens = createMailTokens({ db, clock })
  const log = (level: string) => (details: object, message: string) => void logged.push({ level, ...details, message })
  const logger = { writesInfo: true, info: log('info'), warn: log('warn'), error: log('error') }

  const outboxIn = (tx: Db, wakeWorker: () => void = () => {}) =>
    createOutbox({ db: tx, afterCommit: (action) => afterCommit(tx, action), clock, cipher, wakeWorker })
  const work = createUnitOfWork(database, (scope) => ({
    mailRecords: createMailRecords({ ...scope, clock }),
    events: createEvents({ ...scope, clock, logger, meter: noMeter }),
  }))
  return {
    db,
    transaction,
    administration: createMailAdministration({ work }),
    operator,
    clock,
    logged,
    tokens,
    queue: createMailQueue({ db, clock }),
    outboxIn,
    pass: (seconds: number) => {
      now = new Date(now.getTime() + seconds * 1000)
    },
    givenQueued: (recipient: string, values = { name: 'Ada', token: 'the-token' }) =>
      transaction((tx) => outboxIn(tx).enqueue(invitation, recipient, values)),
    /** Queues a mail with a new token, which makes those before it for the address invalid. */
    givenQueuedLink: async (email: string, name: string) => {
      const token = await tokens.issue({ purpose: 'verify_email', targetId: email, email })
      await transaction((tx) => outboxIn(tx).enqueue(invitation, email, { name, token }, token))
      return token
    },
    givenWorker: (
      mailer: Mailer,
      changes: {
        db?: Db
        templates?: MailTemplate<never>[]
        secret?: string
        sendTimeoutMs?: number
        databaseTimeoutMs?: number
      } = {},
    ) =>
      createMailWorker({
        db: changes.db ?? db,
        clock,
        cipher: changes.secret === undefined ? cipher : createCipher([deriveKey(changes.secret, 'outbox')]),
        mailer,
        templates: changes.templates ?? [invitation],
        logger,
        meter: noMeter,
        sendTimeoutMs: changes.sendTimeoutMs ?? 30_000,
        ...(changes.databaseTimeoutMs !== undefined && { databaseTimeoutMs: changes.databaseTimeoutMs }),
      }),
    rows: () => db.outboxMail.findMany({ orderBy: { recipient: 'asc' } }),
    close: () => database.close(),
  }
}

/** Keeps the lines in memory. */
export function createRecorder(): Mailer & { readonly mails: Mail[] } {
  const mails: Mail[] = []
  return { mails, send: async (mail) => void mails.push(mail) }
}
