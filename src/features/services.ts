import type { Database, Db } from '../kernel/db.ts'
import { createEventRecorder } from '../kernel/events.ts'
import type { Clock, Logger, Mailer, PasswordHasher, PhoneNumbers, TokenSigner } from '../kernel/ports.ts'
import { createCipher, deriveKey, deriveKeys } from '../kernel/secrets.ts'
import type { CleanUp } from '../platform/clean-up.ts'
import { createCleanUp } from '../platform/clean-up.ts'
import type { CompleteConfig } from '../settings/config.ts'
import {
  addressInUse,
  completeRegistration,
  createLoginService,
  createRegistrationService,
  createRegistrationStore,
  createUserCreator,
  createVerificationService,
  verifyEmail,
} from './auth/index.ts'
import type { FeatureServices } from './index.ts'
import type { Mailbox, MailWorker } from './mail/index.ts'
import {
  createMailbox,
  createMailRateLimits,
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
  resetPassword,
  untrustedDevicesRefused,
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
import { createAttemptStore, createThrottle, createThrottleKeys, createTrustedDevices } from './throttle/index.ts'
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
  readonly cleanUp: CleanUp
}

/** The whole object graph, in reading order. `xIn(tx)` is the store or service of one transaction. */
export function createServices(config: CompleteConfig, ports: Ports): Services {
  const { clock, logger, hasher, signer, phones } = ports
  const { db, transaction, afterCommit, padWork } = ports.database
  const cipher = createCipher(deriveKeys(config.secretKeys, 'outbox'))
  const recordEvent = createEventRecorder({ afterCommit, clock, logger })

  const mailbox = createMailbox({ db, clock })
  const mailWorker = createMailWorker({
    db,
    clock,
    logger,
    cipher,
    mailer: ports.mailer ?? mailbox,
    templates: [
      verifyEmail,
      completeRegistration,
      addressInUse,
      resetPassword,
      passwordChanged,
      untrustedDevicesRefused,
      sessionCopied,
    ],
  })
  const outboxIn = (tx: Db) => createOutbox({ db: tx, afterCommit, clock, cipher, wakeWorker: mailWorker.wake })
  const mailRateLimitsIn = (tx: Db) => createMailRateLimits({ db: tx, clock, padWork })
  const mailTokensIn = (tx: Db) => createMailTokens({ db: tx, clock })
  const notify = createNotify({ clock, mailRateLimitsIn, outboxIn })

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
  const throttleKeys = createThrottleKeys(deriveKey(config.secretKeys[0], 'password attempts'))
  const devices = createTrustedDevices({ keys: deriveKeys(config.secretKeys, 'trusted device'), clock })

  const passwordPolicy = createPasswordPolicy(config.passwords)
  const passwordsIn = (tx: Db) => createPasswordStore({ db: tx, clock })
  const check = createPasswordCheck({
    db,
    transaction,
    clock,
    logger,
    hasher,
    throttle,
    throttleKeys,
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
    passwordPolicy,
    check,
    sessions,
    throttleKeys,
    devices,
    passwordsIn,
    attemptsIn,
    usersIn,
    sessionsIn,
    mailRateLimitsIn,
    mailTokensIn,
    outboxIn,
    notify,
    recordEvent,
  })

  const registrationsIn = (tx: Db) => createRegistrationStore({ db: tx, clock })
  const login = createLoginService({ db, signer, users, check, devices, sessionsIn, registrationsIn })
  const createUser = createUserCreator({ usersIn, passwordsIn, recordEvent })
  const registration = createRegistrationService({
    db,
    transaction,
    padWork,
    clock,
    hasher,
    passwordPolicy,
    users,
    login,
    createUser,
    usersIn,
    registrationsIn,
    mailRateLimitsIn,
    mailTokensIn,
    outboxIn,
    recordEvent,
  })

  const verification = createVerificationService({
    db,
    transaction,
    clock,
    hasher,
    passwordPolicy,
    check,
    createUser,
    usersIn,
    registrationsIn,
    mailTokensIn,
    recordEvent,
  })

  const cleanUp = createCleanUp({
    transaction,
    clock,
    logger,
    jobs: {
      sessions: (tx, before) => sessionsIn(tx).deleteEnded(before),
      registrations: (tx, before) => registrationsIn(tx).deleteExpired(before),
      mail_tokens: (tx, before) => mailTokensIn(tx).deleteExpired(before),
      outbox_mails: (tx, before) => outboxIn(tx).deleteFinished(before),
      mail_rate_limits: (tx) => mailRateLimitsIn(tx).deleteExpired(),
      password_attempts: (tx) => attemptsIn(tx).deleteExpired(),
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
    cleanUp,
  }
}
