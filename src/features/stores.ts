import { createEvents } from '../kernel/events.ts'
import type { Ports } from '../kernel/ports.ts'
import type { Cipher } from '../kernel/secrets.ts'
import type { Scope } from '../kernel/unit-of-work.ts'
import * as auth from './auth/index.ts'
import * as mail from './mail/index.ts'
import * as password from './password/index.ts'
import * as session from './session/index.ts'
import * as throttle from './throttle/index.ts'
import * as user from './user/index.ts'

interface StoreParts extends Ports {
  readonly cipher: Cipher
  readonly wakeMailWorker: () => void
}

/** One store for each table, over the whole database or over one transaction. */
export type Stores = ReturnType<typeof createStores>

export function createStores(scope: Scope, { clock, logger, cipher, wakeMailWorker }: StoreParts) {
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
