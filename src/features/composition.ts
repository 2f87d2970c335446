import type { Database } from '../kernel/db.ts'
import type { Ports } from '../kernel/ports.ts'
import { createUnitOfWork } from '../kernel/unit-of-work.ts'
import { createCleanUp } from '../platform/clean-up.ts'
import type { CompleteConfig } from '../settings/config.ts'
import { createAdministration, createOperations } from './administration/index.ts'
import * as auth from './auth/index.ts'
import { createDjangoImport, createPasswordWriteBack } from './django/index.ts'
import { createDjangoTokens } from './django-tokens/index.ts'
import type { RequestGate } from './index.ts'
import { cleanUpJobs, cleanUpSucceeded, createStores, deletedRows, features } from './index.ts'
import * as mail from './mail/index.ts'
import * as password from './password/index.ts'
import { createReauthentication } from './reauthentication/index.ts'
import * as session from './session/index.ts'
import * as throttle from './throttle/index.ts'
import * as user from './user/index.ts'

/** All features, each made of the ports, the stores and the features above it. */
export type Features = ReturnType<typeof createFeatures>

interface Surroundings {
  readonly database: Database
  readonly ports: Ports
  /** Beside those of the features. */
  readonly moreGates?: readonly RequestGate[] | undefined
}

export function createFeatures(config: CompleteConfig, { database, ports, moreGates = [] }: Surroundings) {
  const { secretKeys } = config

  const mailPorts = { ...ports, db: database.db }
  const { cipher, worker, mailbox, mailStates } = mail.createMail({
    ports: mailPorts,
    secretKeys,
    templates: features.flatMap(({ mailTemplates }) => mailTemplates ?? []),
  })
  const parts = { ...ports, cipher, wakeMailWorker: worker.wake }
  const work = createUnitOfWork(database, (scope) => createStores(scope, parts))

  const gates = session.createGates([...features.flatMap((feature) => feature.gates ?? []), ...moreGates], {
    clock: ports.clock,
    stores: work.stores,
    config,
  })
  const users = user.createUsers({ ports, work })
  const djangoTokens = ports.django && createDjangoTokens({ ports, work, django: ports.django })
  const sessions = session.createSessions({
    ...{ ports, work, settings: config.sessions, gates, djangoTokens },
    takesDjangoAccess: config.djangoTokens.accessTokens,
  })
  const throttling = throttle.createThrottle({ ports, work, secretKeys })
  const below = { ports, work, sessions, throttle: throttling }
  const writeBack = createPasswordWriteBack({ ports, work })
  const passwords = password.createPasswords({ ...below, settings: config.passwords, writeBack })
  const { login, registration, verification } = auth.createAuth({ ...below, users, passwords })

  const cleanUp = createCleanUp({
    ...ports,
    transaction: work.transaction,
    jobs: cleanUpJobs(config.database.eventRetention),
    onEnd(table, rows) {
      ports.meter.count(deletedRows, table, rows)
      ports.meter.mark(cleanUpSucceeded, table)
    },
  })
  return {
    users,
    sessions,
    passwords,
    reauthentication: createReauthentication({ work, sessions, passwords }),
    login,
    registration,
    verification,
    mails: mail.createMailAdministration({ work }),
    administration: createAdministration({ ports, work, passwords, throttle: throttling }),
    operations: createOperations({ ports, work }),
    djangoImport: createDjangoImport({ ports }),
    mailWorker: worker,
    mailStates,
    mailbox,
    cleanUp,
  }
}
