import type { Database } from '../kernel/db.ts'
import { createEvents } from '../kernel/events.ts'
import type { Ports } from '../kernel/ports.ts'
import type { Cipher } from '../kernel/secrets.ts'
import type { Scope } from '../kernel/unit-of-work.ts'
import { createUnitOfWork } from '../kernel/unit-of-work.ts'
import { createCleanUp } from '../platform/clean-up.ts'
import type { CompleteConfig } from '../settings/config.ts'
import * as auth from './auth/index.ts'
import * as mail from './mail/index.ts'
import * as password from './password/index.ts'
import * as session from './session/index.ts'
import * as throttle from './throttle/index.ts'
import * as user from './user/index.ts'

/** All features, each made of the ports, the stores and the features above it. */
export type Features = ReturnType<typeof createFeatures>

export function createFeatures(config: CompleteConfig, { database, ...ports }: Ports & { database: Database }) {
  const { secretKeys } = config
  const gate = session.allOf([session.verifiedEmailGate])

  const mailPorts = { ...ports, db: database.db }
  const { cipher, worker, mailbox } = mail.createMail({ ports: mailPorts, secretKeys, templates: mailTemplates })
  const parts = { ...ports, cipher, wakeMailWorker: worker.wake }
  const work = createUnitOfWork(database, (scope) => createStores(scope, parts))

  const users = user.createUsers({ ports, work })
  const sessions = session.createSessions({ ports, work, settings: config.sessions, gate })
  const throttling = throttle.createThrottle({ ports, work, secretKeys })
  const below = { ports, work, sessions, throttle: throttling }
  const passwords = password.createPasswords({ ...below, settings: config.passwords })
  const { login, registration, verification } = auth.createAuth({ ...below, users, passwords })

  const cleanUp = createCleanUp({ ...ports, transaction: work.transaction, jobs: cleanUpJobs })
  return { users, sessions, passwords, login, registration, verification, mailWorker: worker, mailbox, cleanUp }
}

interface StoreParts extends Ports {
  readonly cipher: Cipher
  readonly wakeMailWorker: () => void
}

/** One store for each table, over the whole database or over one transaction. */
type Stores = ReturnType<typeof createStores>

function createStores(scope: Scope, { clock, logger, cipher, wakeMailWorker }: StoreParts) {
  const over = { ...scope, clock }
  const events = createEvents({ ...over, logger })
  const mailRateLimits = mail.createMailRateLimits(over)
  const outbox = mail.createOutbox({ ...over, cipher, wakeWorker: wakeMailWorker })
  return {
    padWork: scope.padWork,
    tryLock: scope.tryLock,
    events,
    mailRateLimits,
    mailTokens: mail.createMailTokens(over),
    outbox,
    notices: mail.createNotices({ clock, mailRateLimits, outbox }),
    users: user.createUserStore(over),
    sessions: session.createSessionStore({ ...over, events }),
    attempts: throttle.createAttemptStore({ ...over, events }),
    passwords: password.createPasswordStore(over),
    registrations: auth.createRegistrationStore(over),
  }
}

const mailTemplates = [
  auth.verifyEmail,
  auth.completeRegistration,
  auth.addressInUse,
  password.resetPassword,
  password.passwordChanged,
  password.untrustedDevicesRefused,
  session.sessionCopied,
]

const cleanUpJobs: Record<string, (stores: Stores, before: Date) => Promise<number>> = {
  sessions: session.deleteEndedSessions,
  registrations: ({ registrations }, before) => registrations.deleteExpired(before),
  mail_tokens: ({ mailTokens }, before) => mailTokens.deleteExpired(before),
  outbox_mails: ({ outbox }, before) => outbox.deleteFinished(before),
  mail_rate_limits: ({ mailRateLimits }) => mailRateLimits.deleteExpired(),
  password_attempts: ({ attempts }) => attempts.deleteExpired(),
}
