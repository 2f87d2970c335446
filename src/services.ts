import type { CompleteConfig } from './config.ts'
import {
  addressInUse,
  createLoginService,
  createRegistrationService,
  createRegistrationStore,
  verifyEmail,
} from './features/auth/index.ts'
import type { FeatureServices } from './features/index.ts'
import type { Mailbox, MailWorker } from './features/mail/index.ts'
import { createMailbox, createMailTokens, createMailWorker, createOutbox } from './features/mail/index.ts'
import {
  createPasswordPolicy,
  createPasswordService,
  createPasswordStore,
  passwordChanged,
  resetPassword,
} from './features/password/index.ts'
import { createSessionService, createSessionStore, sessionCopied, verifiedEmailGate } from './features/session/index.ts'
import { createUserService, createUserStore } from './features/user/index.ts'
import type { Housekeeping } from './housekeeping.ts'
import { createHousekeeping } from './housekeeping.ts'
import type { Database, Db } from './kernel/db.ts'
import { createEventRecorder } from './kernel/events.ts'
import type { Clock, Logger, Mailer, PasswordHasher, TokenSigner } from './kernel/ports.ts'
import { createVault, deriveKey } from './kernel/secrets.ts'

/** The world as the services need it. */
export interface Ports {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly hasher: PasswordHasher
  readonly signer: TokenSigner
  /** Absent: mails go to the development mailbox. */
  readonly mailer: Mailer | undefined
}

export interface Services extends FeatureServices {
  readonly mailWorker: MailWorker
  readonly mailbox: Mailbox | undefined
  readonly housekeeping: Housekeeping
}

/** The whole object graph, in reading order. `xIn(tx)` is the store or service of one transaction. */
export function createServices(config: CompleteConfig, ports: Ports): Services {
  const { clock, logger, hasher, signer } = ports
  const { db, transaction, afterCommit } = ports.database
  const [firstKey, ...olderKeys] = config.secretKeys
  const outboxKey = (secret: string) => deriveKey(secret, 'outbox')
  const vault = createVault([outboxKey(firstKey), ...olderKeys.map(outboxKey)])
  const recordEvent = createEventRecorder({ afterCommit, clock, logger })

  const mailbox = createMailbox({ db, clock })
  const mailWorker = createMailWorker({
    db,
    clock,
    logger,
    vault,
    mailer: ports.mailer ?? mailbox,
    letters: [verifyEmail, addressInUse, resetPassword, passwordChanged, sessionCopied],
  })
  const outboxIn = (tx: Db) => createOutbox({ db: tx, afterCommit, clock, vault, wakeWorker: mailWorker.wake })
  const mailTokensIn = (tx: Db) => createMailTokens({ db: tx, clock })

  const usersIn = (tx: Db) => createUserStore({ db: tx, clock })
  const users = createUserService({ transaction, usersIn, recordEvent })

  const gates = [verifiedEmailGate]
  const sessionsIn = (tx: Db) => createSessionStore({ db: tx, users: usersIn(tx), clock, gates, recordEvent })
  const { refreshGrace } = config.sessions
  const sessions = createSessionService({
    db,
    transaction,
    clock,
    signer,
    refreshGrace,
    sessionsIn,
    outboxIn,
    recordEvent,
  })

  const policy = createPasswordPolicy(config.passwords)
  const passwordsIn = (tx: Db) => createPasswordStore({ db: tx, clock })
  const passwords = createPasswordService({
    db,
    transaction,
    clock,
    hasher,
    policy,
    sessions,
    passwordsIn,
    usersIn,
    sessionsIn,
    mailTokensIn,
    outboxIn,
    recordEvent,
  })

  const registrationsIn = (tx: Db) => createRegistrationStore({ db: tx, clock })
  const login = createLoginService({
    db,
    hasher,
    signer,
    users,
    passwords,
    usersIn,
    passwordsIn,
    sessionsIn,
    registrationsIn,
  })
  const registration = createRegistrationService({
    db,
    transaction,
    clock,
    hasher,
    policy,
    users,
    login,
    usersIn,
    passwordsIn,
    registrationsIn,
    mailTokensIn,
    outboxIn,
    recordEvent,
  })

  const housekeeping = createHousekeeping({
    clock,
    logger,
    chores: [
      sessionsIn(db).forgetEnded,
      registrationsIn(db).forgetExpired,
      mailTokensIn(db).forgetExpired,
      outboxIn(db).forgetFinished,
    ],
  })

  return {
    users,
    sessions,
    passwords,
    login,
    registration,
    mailWorker,
    mailbox: ports.mailer ? undefined : mailbox,
    housekeeping,
  }
}
