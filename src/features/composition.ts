import type { Database } from '../kernel/db.ts'
import type { Ports } from '../kernel/ports.ts'
import { createUnitOfWork } from '../kernel/unit-of-work.ts'
import { createCleanUp } from '../platform/clean-up.ts'
import type { CompleteConfig } from '../settings/config.ts'
import * as auth from './auth/index.ts'
import type { RequestGate } from './index.ts'
import { createStores, features } from './index.ts'
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
  const { cipher, worker, mailbox } = mail.createMail({
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
  const sessions = session.createSessions({ ports, work, settings: config.sessions, gates })
  const throttling = throttle.createThrottle({ ports, work, secretKeys })
  const below = { ports, work, sessions, throttle: throttling }
  const passwords = password.createPasswords({ ...below, settings: config.passwords })
  const { login, registration, verification } = auth.createAuth({ ...below, users, passwords })

  const cleanUp = createCleanUp({
    ...ports,
    transaction: work.transaction,
    jobs: features.flatMap(({ cleanUpJobs }) => Object.entries(cleanUpJobs ?? {})),
  })
  return {
    users,
    sessions,
    passwords,
    reauthentication: createReauthentication({ work, sessions, passwords }),
    login,
    registration,
    verification,
    mailWorker: worker,
    mailbox,
    cleanUp,
  }
}
