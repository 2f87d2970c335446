import type { Database, Db } from '../kernel/db.ts'
import { createEventRecorder } from '../kernel/events.ts'
import type { Clock, Logger, Mailer, PasswordHasher, PhoneNumbers, TokenSigner } from '../kernel/ports.ts'
import { createVault, deriveKey, deriveKeys } from '../kernel/secrets.ts'
import type { Housekeeping } from '../platform/clean-up.ts'
import { createHousekeeping } from '../platform/clean-up.ts'
import type { CompleteConfig } from '../settings/config-types.ts'
import {
  addressInUse,
  completeRegistration,
  createLoginService,
  createNewUsers,
  createRegistrationService,
  createRegistrationStore,
  createVerificationService,
  verifyEmail,
} from './auth/index.ts'
import type { FeatureServices } from './index.ts'
import type { Mailbox, MailWorker } from './mail/index.ts'
import {
  createMailAllowances,
  createMailbox,
  createMailTokens,
  createMailWorker,
  createNotify,
  createOutbox,
} from './mail/index.ts'
import {
  createPasswordCheck,
  createPasswordPolicy,
  createPasswordService,
  createPasswordStore,
  passwordChanged,
  passwordDisabled,
  resetPassword,
} from './password/index.ts'
import {
  allOf,
  createGrace,
  createRotation,
  createSessionService,
  createSessionStore,
  sessionCopied,
  verifiedEmailGate,
} from './session/index.ts'
import { createAttemptStore, createDeviceTokens, createSubjects, createThrottle } from './throttle/index.ts'
import { createUserService, createUserStore } from './user/index.ts'

/** The world as the services need it. */
export interface Ports {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly hasher: PasswordHasher
  readonly signer: TokenSigner
  readonly phones: PhoneNumbers
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
  const { clock, logger, hasher, signer, phones } = ports
  const { db, transaction, afterCommit, padWork } = ports.database
  const vault = createVault(deriveKeys(config.secretKeys, 'outbox'))
  const recordEvent = createEventRecorder({ afterCommit, clock, logger })

  const mailbox = createMailbox({ db, clock })
  const mailWorker = createMailWorker({
    db,
    clock,
    logger,
    vault,
    mailer: ports.mailer ?? mailbox,
    letters: [
      verifyEmail,
      completeRegistration,
      addressInUse,
      resetPassword,
      passwordChanged,
      passwordDisabled,
      sessionCopied,
    ],
  })
  const outboxIn = (tx: Db) => createOutbox({ db: tx, afterCommit, clock, vault, wakeWorker: mailWorker.wake })
  const allowancesIn = (tx: Db) => createMailAllowances({ db: tx, clock, padWork })
  const mailTokensIn = (tx: Db) => createMailTokens({ db: tx, clock })
  const notify = createNotify({ clock, allowancesIn, outboxIn })

  const usersIn = (tx: Db) => createUserStore({ db: tx, clock })
  const users = createUserService({ transaction, phones, usersIn, recordEvent })

  const gate = allOf([verifiedEmailGate])
  const { sessionsPerUser, tokensByBearer, refreshGrace, refreshGraceUnseen } = config.sessions
  const watchesTokens = refreshGraceUnseen > 0
  const sessionsIn = (tx: Db) =>
    createSessionStore({ db: tx, users: usersIn(tx), clock, gate, recordEvent, sessionsPerUser, watchesTokens })
  const grace = createGrace({ clock, store: sessionsIn(db), refreshGrace, refreshGraceUnseen })
  const rotation = createRotation({
    db,
    transaction,
    clock,
    signer,
    grace,
    tokensByBearer,
    gate,
    sessionsIn,
    notify,
    recordEvent,
  })
  const sessions = createSessionService({ db, transaction, clock, signer, gate, sessionsIn, grace, rotation })

  const attemptsIn = (tx: Db) => createAttemptStore({ db: tx, clock })
  const throttle = createThrottle({ attempts: attemptsIn(db) })
  const subjects = createSubjects(deriveKey(config.secretKeys[0], 'password attempts'))
  const devices = createDeviceTokens({ keys: deriveKeys(config.secretKeys, 'known device'), clock })

  const policy = createPasswordPolicy(config.passwords)
  const passwordsIn = (tx: Db) => createPasswordStore({ db: tx, clock })
  const check = createPasswordCheck({
    db,
    transaction,
    clock,
    logger,
    hasher,
    throttle,
    subjects,
    devices,
    sessions,
    passwordsIn,
    attemptsIn,
    notify,
    recordEvent,
  })
  const passwords = createPasswordService({
    db,
    transaction,
    padWork,
    clock,
    hasher,
    policy,
    check,
    sessions,
    subjects,
    devices,
    passwordsIn,
    attemptsIn,
    usersIn,
    sessionsIn,
    allowancesIn,
    mailTokensIn,
    outboxIn,
    notify,
    recordEvent,
  })

  const registrationsIn = (tx: Db) => createRegistrationStore({ db: tx, clock })
  const login = createLoginService({ db, signer, users, check, devices, sessionsIn, registrationsIn })
  const createUser = createNewUsers({ usersIn, passwordsIn, recordEvent })
  const registration = createRegistrationService({
    db,
    transaction,
    padWork,
    clock,
    hasher,
    policy,
    users,
    login,
    createUser,
    usersIn,
    registrationsIn,
    allowancesIn,
    mailTokensIn,
    outboxIn,
    recordEvent,
  })

  const verification = createVerificationService({
    db,
    transaction,
    clock,
    hasher,
    policy,
    check,
    createUser,
    usersIn,
    registrationsIn,
    mailTokensIn,
    recordEvent,
  })

  const housekeeping = createHousekeeping({
    transaction,
    clock,
    logger,
    jobs: {
      sessions: (tx, before) => sessionsIn(tx).forgetEnded(before),
      registrations: (tx, before) => registrationsIn(tx).forgetExpired(before),
      mail_tokens: (tx, before) => mailTokensIn(tx).forgetExpired(before),
      outbox_mails: (tx, before) => outboxIn(tx).forgetFinished(before),
      mail_allowances: (tx) => allowancesIn(tx).forgetExpired(),
      password_attempts: (tx) => attemptsIn(tx).forgetQuiet(),
    },
  })

  return {
    users,
    sessions,
    passwords,
    login,
    registration,
    verification,
    mailWorker,
    mailbox: ports.mailer ? undefined : mailbox,
    housekeeping,
  }
}
